"""An organizer changes an event on sale, tells its ticket holders, and cancels it."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import look
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def _announce(page: Page) -> None:
    """Send the announcement of a change of venue, and see that it is sent once."""
    await expect(page.get_by_text("(was: The larger hall)").first).to_be_visible()
    await expect(page.get_by_text("1 booking: 1 email and 1 SMS.").first).to_be_visible()
    await page.get_by_text("Send", exact=True).click()
    await page.get_by_role("button", name="Send now").click()
    await expect(page.get_by_text("Messages are on their way.")).to_be_visible()
    await expect(page.get_by_text("Messages: 2 sent, 0 waiting, 0 not delivered.")).to_be_visible()
    await expect(page.get_by_text("Ticket holders know the event as it is now.")).to_be_visible()


async def _read_news(organizer: Person, ref: str) -> None:
    """See in the outbox that the holder was told."""
    outbox = await (await organizer.context.request.get("/sandbox/outbox.json")).json()
    told = [one for one in outbox["messages"] if one["booking_ref"] == ref]
    changed = [one for one in told if "has changed" in f"{one['subject']} {one['body']}"]
    assert {one["channel"] for one in changed} == {"email", "sms"}
    assert all("The open air theatre" in one["body"] for one in changed)


async def test_an_organizer_changes_an_event_on_sale_and_cancels_it(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(units=5)
    user, password = surge.organizer
    organizer = await new_person(
        desktop=True, http_credentials={"username": user, "password": password}
    )
    page = organizer.page
    await page.goto(f"/admin/events/{slug}/edit")
    await page.get_by_label("Venue", exact=True).fill("The larger hall")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Saved. The event page shows it now.")).to_be_visible()

    async def is_seen() -> bool:
        answer = await organizer.context.request.get(f"/api/events/{slug}")
        return answer.ok and (await answer.json())["venue"] == "The larger hall"

    await eventually(is_seen, about="the change in the catalog")
    await page.get_by_label("Tickets", exact=True).first.fill("7")
    await page.get_by_role("button", name="Save ticket type").click()
    await page.get_by_role("button", name="Save and apply now").click()
    await expect(page.get_by_text("Saved. Tickets already in a checkout keep")).to_be_visible()
    ref = await new_buyer(slug).buy()
    await page.get_by_label("Tickets", exact=True).first.fill("0")
    await page.get_by_role("button", name="Save ticket type").click()
    await expect(page.get_by_text("Withdraw 7 General tickets from sale?")).to_be_visible()
    await page.get_by_role("button", name="Save and apply now").click()
    await expect(page.get_by_text("Only 6 tickets are available to withdraw")).to_be_visible()
    await page.reload()
    await expect(page.get_by_text("Changes appear on their tickets")).to_be_visible()
    await page.get_by_label("Venue", exact=True).fill("The open air theatre")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Ticket holders are not told yet.")).to_be_visible()
    await page.get_by_role("link", name="Announcements").first.click()
    await _announce(page)
    await _read_news(organizer, ref)
    await page.get_by_label("Reason for the buyers").fill("The hall is flooded.")
    await page.keyboard.press("Tab")
    await expect(
        page.get_by_text(re.compile("will not take place.*flooded", re.DOTALL))
    ).to_be_visible()
    await look(page, "announcements")
    await page.get_by_text("Cancel the event", exact=True).last.click()
    await expect(page.get_by_text("refunds 1 booking (₹525 including fees)")).to_be_visible()
    await page.get_by_role("button", name="Cancel now").click()
    await expect(
        page.get_by_text(f"Nothing was cancelled. Type {slug} to confirm.")
    ).to_be_visible()
    await page.get_by_label(f"Type {slug} to confirm").fill(slug)
    await page.get_by_role("button", name="Cancel now").click()
    await expect(page.get_by_text("1 refunded, 0 in progress, 0 waiting.")).to_be_visible()
    booking = await organizer.context.request.get(f"/api/admin/bookings/{ref}")
    assert (await booking.json())["status"] == "refunded"
    assert organizer.errors == []
