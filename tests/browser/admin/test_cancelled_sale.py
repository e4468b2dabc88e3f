"""A cancelled event has nothing left that steers its sale or its queue."""

from __future__ import annotations

from playwright.async_api import expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.conftest import NewBuyer, NewSale, Surge

_CONTROLS = (
    *("Pause the queue", "Resume the queue", "Apply", "Remove everyone inside"),
    *("Remove this number", "Save ticket type", "Add", "Sell", "Issue free tickets"),
)
_QUESTIONS = ("Publish", "Unpublish", "Delete draft", "Hold again", "Cancel the event")


async def test_a_cancelled_event_has_no_control_of_its_queue_or_sale(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    services: Container,
    surge: Surge,
) -> None:
    slug = await new_sale()
    holder = new_buyer(slug)
    await holder.join()
    intent = (await holder.hold()).json()["id"]
    (await holder.http.delete(f"/api/intents/{intent}")).raise_for_status()
    await services.lifecycle.cancel(slug, actor="test")
    user, password = surge.organizer
    login = {"username": user, "password": password}
    person = await new_person(desktop=True, http_credentials=login)
    page = person.page
    for path, shown in (
        (f"/admin/{slug}", "Net sales (after refunds)"),
        (f"/admin/events/{slug}/queue", "This event is cancelled. Its queue is closed."),
        (f"/admin/events/{slug}/edit", "Duplicate"),
        (f"/admin/events/{slug}/holds?status=released", "1 × General"),
        (f"/admin/events/{slug}/box-office", "Tickets are no longer sold."),
        (f"/admin/events/{slug}/notices", "Sent"),
    ):
        await page.goto(path)
        await expect(page.get_by_text(shown).first).to_be_visible()
        for name in _CONTROLS:
            await expect(page.get_by_role("button", name=name, exact=True)).to_have_count(0)
        for name in _QUESTIONS:
            await expect(page.locator("summary", has_text=name)).to_have_count(0)
    assert person.errors == []
