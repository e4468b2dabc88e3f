"""Browsers before Chrome 98, Firefox 94 and Safari 15.4: facts and a sentence, no empty page."""

from __future__ import annotations

from playwright.async_api import Route, expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson, Person
from tests.conftest import NewBuyer, NewSale

_OLD = "delete Array.prototype.at; delete Object.hasOwn; delete window.structuredClone;"
_SENTENCE = "This browser is too old for this page."


async def _make_old(person: Person) -> None:
    """Take away what an old WebView lacks, and let it fail at the syntax of our scripts."""

    async def fail(route: Route) -> None:
        await route.fulfill(content_type="text/javascript", body="class { static {")

    await person.context.add_init_script(_OLD)
    await person.context.route("**/assets/*.js", fail)


async def test_the_queue_says_what_to_do_in_a_browser_that_is_too_old(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    person = await new_person()
    await _make_old(person)
    page = person.page
    await page.goto(f"/queue/{await new_sale()}")
    await expect(page.get_by_text(_SENTENCE)).to_be_visible()
    await expect(page.get_by_role("link", name="All events", exact=True)).to_be_visible()
    # A form that needs no script.
    await page.goto("/bookings/find")
    await expect(page.get_by_label("Booking reference")).to_be_visible()


async def test_an_old_browser_reads_the_event_and_opens_its_tickets(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    person = await new_person()
    await _make_old(person)
    page = person.page
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.get_by_role("link", name="Tickets", exact=True).click()
    await expect(page.get_by_text(_SENTENCE)).to_be_visible()
    ref = await new_buyer(slug).buy()
    await page.goto(f"/bookings/{ref}?token={services.identity.booking_token(ref)}")
    await page.goto(f"/bookings/{ref}/tickets")
    await expect(page.get_by_role("img", name="QR code of ticket")).to_be_visible()


async def test_no_other_browser_is_called_old(new_person: NewPerson, new_sale: NewSale) -> None:
    page = (await new_person()).page
    await page.goto(f"/queue/{await new_sale(concurrent_buyers=1)}")
    await page.wait_for_url("**/book/*")
    await expect(page.get_by_text(_SENTENCE)).to_be_hidden()
