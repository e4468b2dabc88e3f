"""Two organizers in two browsers: fast typing, double clicks, stale pages, and nothing lost."""

from __future__ import annotations

import re
import secrets

from playwright.async_api import Dialog, Page, expect
from sqlalchemy import text

from surge_app.container import Container
from tests.browser.conftest import NewPerson, Person
from tests.conftest import NewBuyer, NewSale, Surge

# As fast as people type.
_KEY_MS = 60
_REFUNDS = text(
    "SELECT count(*) FROM refunds r JOIN payments p ON p.id = r.payment_id"
    " JOIN bookings b ON b.intent_id = p.intent_id WHERE b.ref = ANY(:refs)"
)


async def _organizers(new_person: NewPerson, services: Container) -> tuple[Person, Person]:
    people: list[Person] = []
    for name in ("asha", "ravi"):
        account = f"{name}-{secrets.token_hex(3)}"
        await services.admin_access.add_account(
            account, role="organizer", password="let me in", actor="test"
        )
        login = {"username": account, "password": "let me in"}
        people.append(await new_person(desktop=True, http_credentials=login))
    return people[0], people[1]


async def _type(page: Page, label: str, typed: str) -> None:
    field = page.get_by_label(label, exact=True)
    await field.click()
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(typed, delay=_KEY_MS)


async def test_rules_and_tickets_are_what_was_typed_and_a_stale_page_overwrites_nothing(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=20)
    asha, ravi = await _organizers(new_person, services)
    await asha.page.goto(f"/admin/events/{slug}/queue")
    await expect(asha.page.get_by_role("heading", name="Queue · A test sale")).to_be_visible()
    await _type(asha.page, "Buyers inside at once", "397")
    await asha.page.keyboard.press("Tab")
    await asha.page.keyboard.type("66", delay=_KEY_MS)
    # Enter applies, however soon after the last key.
    await asha.page.keyboard.press("Enter")
    notice = asha.page.get_by_text("Applied: 397 inside, 66 a minute.")
    await expect(notice).to_be_in_viewport()
    stored = await services.organizer.settings(slug)
    assert (stored.concurrent_buyers, stored.admissions_per_minute) == (397, 66)

    for person in (asha, ravi):
        await person.page.goto(f"/admin/events/{slug}/edit")
        await expect(person.page.get_by_label("Tickets", exact=True).first).to_have_value("20")
    tiers = (asha.page.locator("form", has_text="Save ticket type")).first
    await tiers.get_by_label("Tickets", exact=True).fill("30")
    await tiers.get_by_role("button", name="Save ticket type").dblclick()
    await expect(asha.page.get_by_text("Put 10 more General tickets on sale")).to_be_in_viewport()
    assert (await services.organizer.settings(slug)).tiers[0].capacity == 20
    await asha.page.get_by_role("button", name="Save and apply now").dblclick()
    await expect(asha.page.get_by_text("Tickets already in a checkout keep")).to_be_in_viewport()
    stale = (ravi.page.locator("form", has_text="Save ticket type")).first
    await stale.get_by_label("Ticket price (₹)").fill("600")
    await stale.get_by_role("button", name="Save ticket type").click()
    await ravi.page.get_by_role("button", name="Save and apply now").click()
    await expect(ravi.page.get_by_text("Tickets already in a checkout keep")).to_be_in_viewport()
    (tier,) = (await services.organizer.settings(slug)).tiers
    assert (tier.price_paise, tier.capacity) == (60_000, 30)
    assert asha.errors == ravi.errors == []


async def test_a_second_click_on_pause_does_not_resume_the_queue(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale()
    asha, _ = await _organizers(new_person, services)
    page = asha.page
    for path in (f"/admin/{slug}", f"/admin/events/{slug}/queue"):
        await page.goto(path)
        pause = page.get_by_role("button", name="Pause the queue")
        await pause.click()
        resume = page.get_by_role("button", name="Resume the queue")
        await expect(resume).to_be_visible()
        await expect(pause).to_be_disabled()
        # Where the first click went, there is still the same button.
        await pause.click(force=True)
        await expect(page.get_by_text("Queue paused. Everyone keeps their place.")).to_be_visible()
        await resume.click()
        await expect(pause).to_be_enabled()
    assert asha.errors == []


async def test_typed_changes_are_not_lost_without_a_question(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale()
    asha, _ = await _organizers(new_person, services)
    page, asked = asha.page, list[str]()

    async def stay(dialog: Dialog) -> None:
        asked.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", stay)
    await page.goto(f"/admin/events/{slug}/edit")
    await expect(page.get_by_label("Venue", exact=True)).to_have_value("The hall")
    # The keyboard skips the menu.
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await _type(page, "Venue", "The larger hall")
    await page.get_by_role("link", name="Participants").click()
    await expect(page.get_by_label("Venue", exact=True)).to_have_value("The larger hall")
    assert asked == ["You have changes that are not saved. Leave without saving them?"]
    await page.get_by_label("Venue", exact=True).press("Enter")
    await expect(page.get_by_text("Saved. The event page shows it now.")).to_be_in_viewport()
    await page.get_by_role("link", name="Participants").click()
    await page.wait_for_url(f"**/events/{slug}/participants")
    assert len(asked) == 1
    assert asha.errors == []


async def test_a_selection_is_refunded_once_by_two_who_click_twice_and_filters_stay(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    slug = await new_sale(units=10)
    refs = [await new_buyer(slug).buy(quantity=quantity) for quantity in (1, 2)]
    asha, ravi = await _organizers(new_person, services)
    for page in (asha.page, ravi.page):
        await page.goto(f"/admin/events/{slug}/participants")
        await _type(page, "Search", "rao asha")
        await page.get_by_label("Status").select_option("confirmed")
        await page.wait_for_url(re.compile(r"\?q=rao\+asha&status=confirmed$"))
        await page.reload()
        await expect(page.get_by_label("Search")).to_have_value("rao asha")
        await expect(page.locator("ul.participants > li")).to_have_count(2)
        await page.get_by_role("button", name="Select all shown").click()
        await expect(page.get_by_role("button", name="Select none")).to_be_visible()
        await page.get_by_label("With the selected").select_option("refund")
        await page.get_by_role("button", name="Review").click()
        question = "Refund ₹1,550 to the buyers of 2 bookings and cancel 3 tickets?"
        await expect(page.get_by_text(question)).to_be_in_viewport()
    await asha.page.get_by_role("button", name="Confirm").dblclick()
    await expect(asha.page.get_by_text("Refund started for 2 bookings.")).to_be_in_viewport()
    await ravi.page.get_by_role("button", name="Confirm").click()
    await expect(ravi.page.get_by_text("Refund started for 0 bookings. Not for 2.")).to_be_visible()
    async with services.database.transaction() as session:
        assert await session.scalar(_REFUNDS, {"refs": refs}) == 2
    assert asha.errors == ravi.errors == []
    assert surge.command("audit", "--event", slug).returncode == 0


async def test_what_is_typed_stays_and_is_compared_with_what_the_form_was_opened_with(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(venue="The hall", concurrent_buyers=50)
    asha, _ = await _organizers(new_person, services)
    page = asha.page
    await page.goto(f"/admin/events/{slug}/queue")
    await _type(page, "Buyers inside at once", "70")
    await services.organizer.change(slug, {"concurrent_buyers": 60}, actor="ravi")
    # The page reads the figures every second, and everything after an action.
    await expect(page.get_by_text("In force now: 60 inside, no limit a minute.")).to_be_visible()
    await page.get_by_role("button", name="Pause the queue").click()
    await expect(page.get_by_text("Queue paused. Everyone keeps their place.")).to_be_visible()
    await expect(page.get_by_label("Buyers inside at once")).to_have_value("70")
    await page.get_by_role("button", name="Apply").click()
    await expect(
        page.get_by_text("ravi changed buyers inside at once from 50 to 60")
    ).to_be_visible()
    assert (await services.organizer.settings(slug)).concurrent_buyers == 60
    await page.get_by_role("button", name="Apply").click()
    await expect(page.get_by_text("Applied: 70 inside, no limit a minute.")).to_be_visible()

    await page.goto(f"/admin/events/{slug}/edit")
    await _type(page, "Venue", "The beach")
    await services.organizer.change(slug, {"venue": "The park"}, actor="ravi")
    tier = page.locator("form", has_text="Save ticket type").first
    await tier.get_by_label("Ticket type", exact=True).fill("Floor")
    await tier.get_by_role("button", name="Save ticket type").click()
    await expect(page.get_by_text("Changed meanwhile: Venue.")).to_be_visible()
    await expect(page.get_by_label("Venue", exact=True)).to_have_value("The beach")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("ravi changed venue from The hall to The park")).to_be_visible()
    assert (await services.organizer.settings(slug)).venue == "The park"
    await expect(page.get_by_label("Venue", exact=True)).to_have_value("The beach")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved. The event page shows it now.")).to_be_visible()
    assert (await services.organizer.settings(slug)).venue == "The beach"
    assert asha.errors == []
