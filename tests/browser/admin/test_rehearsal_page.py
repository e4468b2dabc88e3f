"""The dress rehearsal in the console: started, watched and stopped with a mouse."""

from __future__ import annotations

from playwright.async_api import expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.conftest import Surge


async def test_an_organizer_starts_a_rehearsal_sees_it_run_and_stops_it(
    new_person: NewPerson, surge: Surge, services: Container
) -> None:
    user, password = surge.organizer
    organizer = await new_person(
        desktop=True, http_credentials={"username": user, "password": password}
    )
    page = organizer.page
    await page.goto("/admin/install/rehearsal")
    await page.get_by_label("Visitors").fill("lots")
    await page.get_by_role("button", name="Start the rehearsal").click()
    await expect(page.get_by_text("Nothing was started. Enter 1 to 3,000 visitors")).to_be_visible()
    await page.get_by_label("Visitors").fill("40")
    await page.get_by_label("Tickets").fill("10")
    await page.get_by_label("Include payment problems").uncheck()
    await page.get_by_role("button", name="Start the rehearsal").click()
    about = "40 visitors for 10 tickets, 30 % leave, without payment problems"
    await expect(page.get_by_role("heading", name="Running")).to_be_visible()
    await expect(page.get_by_text(about)).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_text(f"{user} stopped it.")).to_be_visible()
    await expect(page.get_by_role("button", name="Start the rehearsal")).to_be_visible()
    newest = (await services.rehearsals.latest())[0]
    assert (newest.status, newest.started_by, newest.has_report) == ("stopped", user, False)
