"""The line and the console: axe finds nothing in either theme, and all fits a small phone."""

from __future__ import annotations

from playwright.async_api import expect

from surge_app.container import Container
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import look
from tests.conftest import NewBuyer, NewSale, Surge, add_action_item

_LATE_CHART = """
const chart = document.createElement("div");
chart.className = "chart";
chart.innerHTML = "<div style='width: 1200px'>A chart of a larger window</div>";
document.querySelector("main").append(chart);
"""


async def test_the_line_and_the_console_are_clean_and_fit(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1, name="Monsoon Beats, Goa")
    await new_buyer(slug).join()
    page = (await new_person()).page
    await page.goto(f"/queue/{slug}")
    await expect(page.get_by_text("Your position in the queue", exact=True)).to_be_visible()
    await look(page, "queue")
    # The menu is at its widest with a count.
    payment = await add_action_item(services)
    user, password = surge.organizer
    organizer = await new_person(http_credentials={"username": user, "password": password})
    page = organizer.page
    await page.goto("/admin")
    await expect(page.get_by_text("Monsoon Beats, Goa").first).to_be_visible()
    await look(page, "admin-events")
    await page.goto(f"/admin/{slug}")
    await expect(page.get_by_text("Sold of 5")).to_be_visible()
    await expect(page.get_by_role("link", name="Checks")).to_contain_text("need attention")
    await look(page, "admin")
    # A chart keeps its former width for a moment after the window became smaller.
    await page.evaluate(_LATE_CHART)
    await look(page, "admin-late-chart")
    await services.action_items.resolve("unmatched_payment", payment, actor="test")
