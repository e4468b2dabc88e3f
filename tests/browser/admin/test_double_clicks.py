"""A second click where the first one was answers no question."""

from __future__ import annotations

import pytest
from playwright.async_api import Locator, Page, expect

from surge_app.container import Container
from tests.browser.checkout import Attendee
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import press
from tests.conftest import NewBuyer, NewSale, Surge

# Whatever a double click reaches: the answer below the pointer, or nothing that acts.
_UNDER_THE_POINTER = """
([x, y]) => document.elementFromPoint(x, y)?.closest("button, summary")?.textContent ?? ""
"""


async def _ask(page: Page, button: Locator, answer: Locator) -> None:
    """Press a button that asks; what is under the pointer then must not be the answer."""
    where = await press(button)
    await expect(answer).to_be_visible()
    asked = await answer.text_content()
    under = await page.evaluate(_UNDER_THE_POINTER, list(where))
    assert under != asked, f"the second click of a double click presses “{asked}”"


@pytest.mark.parametrize("desktop", [True, False], ids=["desktop", "phone"])
async def test_no_question_is_answered_by_the_second_click_of_a_double_click(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
    *,
    desktop: bool,
) -> None:
    slug, draft = await new_sale(units=20), await new_sale(is_draft=True)
    ref = await new_buyer(slug).buy(quantity=2)
    holder = new_buyer(slug)
    await holder.join()
    intent = (await holder.hold()).json()["id"]
    user, password = surge.organizer
    login = {"username": user, "password": password}
    person = await new_person(desktop=desktop, http_credentials=login)
    page = person.page

    def named(name: str, *, exact: bool = True) -> Locator:
        return page.get_by_role("button", name=name, exact=exact)

    def summary(name: str) -> Locator:
        return page.locator("summary", has_text=name).last

    await page.goto(f"/admin/events/{draft}/edit")
    await _ask(page, summary("Publish"), named("Publish now"))
    await summary("Publish").click()
    await _ask(page, summary("Delete draft"), named("Delete now"))

    await page.goto(f"/admin/events/{slug}/edit")
    await _ask(page, summary("Unpublish"), named("Unpublish now"))
    await summary("Unpublish").click()
    await page.get_by_label("Tickets", exact=True).first.fill("30")
    await _ask(page, named("Save ticket type"), named("Save and apply now"))
    await named("Go back").click()

    await page.goto(f"/admin/events/{slug}/queue")
    await _ask(page, named("Remove everyone inside"), named("Remove"))
    await named("Go back").click()
    number = page.get_by_label("Queue number")
    # Its own number: the one who chooses now.
    await number.fill("2")
    await _ask(page, named("Remove this number"), named("Remove"))

    await page.goto(f"/admin/events/{slug}/participants")
    await named("Select all shown").click()
    await expect(named("Select none")).to_be_visible()
    await page.get_by_label("With the selected").select_option("refund")
    await _ask(page, named("Review"), named("Confirm"))

    await page.goto(f"/admin/bookings/{ref}")
    await _ask(page, summary("Resend tickets"), named("Resend"))
    await _ask(page, named("Review refund"), named("Refund"))

    await page.goto(f"/admin/events/{slug}/notices")
    await _ask(page, summary("Cancel the event"), named("Cancel now"))

    (await holder.http.delete(f"/api/intents/{intent}")).raise_for_status()
    await page.goto(f"/admin/events/{slug}/holds?status=released")
    await _ask(page, summary("Hold again"), named("Hold now"))
    # Nothing of all this was done.
    stored = await services.organizer.settings(slug)
    assert (stored.phase, stored.tiers[0].capacity, stored.tiers[0].sold) == ("published", 20, 2)
    assert person.errors == []


@pytest.mark.parametrize("desktop", [True, False], ids=["desktop", "phone"])
async def test_a_double_click_on_cancel_releases_no_tickets(
    new_person: NewPerson, new_sale: NewSale, *, desktop: bool
) -> None:
    person = await new_person(desktop=desktop)
    checkout = Attendee(person, await new_sale())
    await checkout.enter()
    await checkout.choose(1)
    await checkout.hold()
    page = person.page
    ask = checkout.button("Cancel and release tickets")
    await _ask(page, ask, page.get_by_role("button", name="Release tickets", exact=True))
    await checkout.button("Keep tickets").click()
    await checkout.is_held()
    assert person.errors == []
