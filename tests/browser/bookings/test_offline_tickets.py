"""Tickets at an entrance without a network: saved by their page, shown, and forgotten."""

from __future__ import annotations

from playwright.async_api import Page, expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import is_too_wide, violations
from tests.conftest import NewBuyer, NewSale

_SAVED = "Saved on this device: your tickets open without a connection."
_OFFLINE = "You're offline."
_COPY = "name => caches.match(name).then(copy => Boolean(copy))"


async def _open(person: Person, services: Container, ref: str) -> Page:
    """Follow the link to a booking, and wait until its tickets are saved."""
    token = services.identity.booking_token(ref)
    await person.page.goto(f"/bookings/{ref}?token={token}")
    await expect(person.page.get_by_text(_SAVED)).to_be_visible()
    return person.page


async def test_tickets_that_were_opened_once_open_without_a_connection(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(name="Monsoon Beats")
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    (ticket,) = (await services.tickets.view(ref)).tickets
    person = await new_person()
    page = await _open(person, services, ref)
    await person.context.set_offline(True)
    # A code fills the screen of the open page too, though nothing else can be pressed.
    await page.get_by_role("button", name="Full screen: General").click()
    await expect(page.locator(".code-frame.open")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text(_OFFLINE)).to_be_visible()
    await expect(page.get_by_text("These tickets were saved on this device at")).to_be_visible()
    await expect(page.get_by_role("heading", name="Monsoon Beats")).to_be_visible()
    code = page.get_by_role("img", name=f"QR code of ticket {ticket.code}")
    await expect(code.locator("svg")).to_be_visible()
    assert await code.evaluate("box => getComputedStyle(box).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    await page.set_viewport_size({"width": 320, "height": 640})
    assert not await is_too_wide(page)
    assert await violations(page) == []
    # The live page is back with the connection.
    await person.context.set_offline(False)
    # The page asks again where its worker learns of the connection later than itself.
    await expect(page.get_by_role("heading", name="Receipt")).to_be_visible(timeout=120_000)
    await expect(page.get_by_text(_OFFLINE)).to_have_count(0)


async def test_saved_tickets_are_gone_when_their_holder_says_so(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    person = await new_person()
    page = await _open(person, services, ref)
    await page.get_by_role("button", name="Remove from this device").click()
    await expect(page.get_by_text("Not saved on this device.")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Not saved on this device.")).to_be_visible()
    assert not await page.evaluate(_COPY, f"/bookings/{ref}")
    await page.get_by_role("button", name="Save for offline use").click()
    await expect(page.get_by_text(_SAVED)).to_be_visible()
    await person.context.set_offline(True)
    await page.reload()
    await page.get_by_role("button", name="Remove from this device").click()
    await expect(page.get_by_text("no longer saved on this device")).to_be_focused()
    await expect(page.get_by_role("img", name="QR code of ticket")).to_have_count(0)
    assert not await page.evaluate(_COPY, f"/bookings/{ref}")


async def test_saved_tickets_are_gone_once_their_link_is_revoked_or_their_booking_cancelled(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    revoked, refunded = await new_buyer(slug).buy(), await new_buyer(slug).buy()
    person = await new_person()
    await _open(person, services, refunded)
    page = await _open(person, services, revoked)
    await person.context.clear_cookies()
    await page.reload()
    await expect(page.get_by_role("heading", name="No booking here")).to_be_visible()
    assert not await page.evaluate(_COPY, f"/bookings/{revoked}")
    assert await page.evaluate(_COPY, f"/bookings/{refunded}")
    await services.refunds.refund(refunded, actor="test", restock=True)
    token = services.identity.booking_token(refunded)
    await page.goto(f"/bookings/{refunded}?token={token}")
    await expect(page.get_by_text("This booking is cancelled.")).to_be_visible()
    await page.wait_for_function(
        _COPY.replace("Boolean(copy)", "!copy"), arg=f"/bookings/{refunded}"
    )
