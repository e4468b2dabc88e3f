"""Continue on another device, in two browsers: while one waits, and while one holds tickets."""

from __future__ import annotations

import re

import httpx
from playwright.async_api import Page, expect

from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import is_too_wide, picture, violations
from tests.conftest import NewBuyer, NewSale, Surge

_OFFER = "Continue on another device"
_TAKEN = "Your place is on your other device"


async def _open_codes(page: Page) -> tuple[str, str]:
    """Open the dialog; return the link of its QR code, on this browser's host, and the code."""
    async with page.expect_response("**/move") as made:
        await page.get_by_role("button", name=_OFFER).click()
    codes = await (await made.value).json()
    shown = f"{codes['code'][:4]} {codes['code'][4:]}"
    await expect(page.get_by_text(shown, exact=True)).to_be_visible()
    return codes["link"][codes["link"].index("/continue/") :], shown


async def _wait_second(new_person: NewPerson, new_buyer: NewBuyer, slug: str) -> Person:
    assert (await new_buyer(slug).join())["state"] == "admitted"
    person = await new_person(desktop=True)
    await person.page.goto(f"/queue/{slug}")
    await expect(person.page.locator(".hero")).to_have_text("1")
    return person


async def test_a_waiting_visitor_scans_the_code_and_the_old_page_says_so_and_stops(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(name="Monsoon Beats", concurrent_buyers=1)
    laptop, phone = await _wait_second(new_person, new_buyer, slug), await new_person()
    link, _ = await _open_codes(laptop.page)
    await picture(laptop.page, "device-move")
    found = await violations(laptop.page)
    # A messenger opens links for a preview. That moves nothing, and uses nothing up.
    async with httpx.AsyncClient(base_url=surge.url) as messenger:
        preview = await messenger.get(link)
    assert preview.status_code == 200
    assert "surge_visitor" not in preview.headers.get("set-cookie", "")
    await phone.page.goto(link)
    await expect(phone.page.get_by_text("Your place moves to this device")).to_be_visible()
    await picture(phone.page, "continue-link")
    found += await violations(phone.page)
    await phone.page.get_by_role("button", name="Continue here").click()
    await phone.page.wait_for_url(f"**/queue/{slug}")
    await expect(phone.page.locator(".hero")).to_have_text("1")
    await expect(laptop.page.get_by_role("heading", name=_TAKEN)).to_be_visible()
    await picture(laptop.page, "device-moved")
    found += await violations(laptop.page)
    # A reload takes no second place; only the press does, at the end of the queue.
    await laptop.page.reload()
    await expect(laptop.page.get_by_role("heading", name=_TAKEN)).to_be_visible()
    await laptop.page.get_by_role("button", name="Join again").click()
    await expect(laptop.page.locator(".hero")).to_have_text("2")
    assert found == []
    assert laptop.sockets == phone.sockets == []
    assert laptop.errors == phone.errors == []


async def test_a_visitor_who_holds_tickets_types_the_code_and_pays_there(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats", concurrent_buyers=1)
    laptop = Attendee(await new_person(desktop=True), slug)
    phone = Attendee(await new_person(), slug)
    await laptop.enter()
    await laptop.choose(2)
    await laptop.hold()
    await laptop.page.get_by_label("Full name").fill("Asha Rao")
    await laptop.page.get_by_label("Email").fill("asha@example.com")
    _, code = await _open_codes(laptop.page)
    await picture(laptop.page, "device-move-hold")
    await phone.page.goto(f"/events/{slug}")
    # The link stands beside the action that would take a second place.
    await expect(phone.page.get_by_role("button", name="Get tickets")).to_be_visible()
    await picture(phone.page, "event-other-device")
    assert await violations(phone.page) == []
    await phone.page.get_by_role("link", name="Continue on this device").click()
    await phone.page.wait_for_url(f"**/continue/{slug}")
    await phone.page.get_by_label("Code from your other device").fill("AAAA AAAA")
    await phone.page.get_by_role("button", name="Continue here").click()
    await expect(phone.page.get_by_role("alert")).to_contain_text("This code is not valid")
    await picture(phone.page, "continue-code")
    assert await violations(phone.page) == []
    assert not await is_too_wide(phone.page)
    await phone.page.get_by_label("Code from your other device").fill(code.lower())
    await phone.page.get_by_role("button", name="Continue here").click()
    await phone.page.wait_for_url(f"**/book/{slug}")
    await phone.is_held()
    await expect(phone.page.get_by_label("Full name")).to_have_value("Asha Rao")
    await expect(phone.page.get_by_label("Email")).to_have_value("asha@example.com")
    await expect(laptop.page.get_by_role("heading", name=_TAKEN)).to_be_visible()
    # No other page of the laptop leads back to tickets that it does not hold any more.
    assert await laptop.page.evaluate("localStorage.getItem('surge-holds')") == "[]"
    await phone.open_payment()
    await phone.pay()


async def test_a_device_with_a_place_of_its_own_is_asked_before_that_is_given_up(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    laptop, phone = await _wait_second(new_person, new_buyer, slug), await new_person()
    await phone.page.goto(f"/queue/{slug}")
    await expect(phone.page.locator(".hero")).to_have_text("2")
    link, _ = await _open_codes(laptop.page)
    await phone.page.goto(link)
    await phone.page.get_by_role("button", name="Continue here").click()
    question = phone.page.get_by_role("alert").filter(has_text="has a place for this event")
    await expect(question).to_be_visible()
    await phone.page.get_by_role("button", name=re.compile("^Give up the place")).click()
    await phone.page.wait_for_url(f"**/queue/{slug}")
    await expect(phone.page.locator(".hero")).to_have_text("1")


async def test_a_code_that_no_one_sees_any_more_opens_nothing(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    laptop, phone = await _wait_second(new_person, new_buyer, slug), await new_person()
    link, _ = await _open_codes(laptop.page)
    async with laptop.page.expect_response("**/move") as cancelled:
        await laptop.page.get_by_role("button", name="Stay on this device").click()
    assert (await cancelled.value).status == 204
    await phone.page.goto(link)
    await phone.page.get_by_role("button", name="Continue here").click()
    await expect(phone.page.get_by_role("alert")).to_contain_text("This code is not valid")
    await expect(laptop.page.locator(".hero")).to_have_text("1")
