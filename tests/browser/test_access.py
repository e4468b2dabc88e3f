"""Pages anyone can use: axe finds nothing, and nothing is wider than a small phone."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

from tests.browser.conftest import NewPerson
from tests.conftest import NewSale, Surge

_SERIOUS = {"serious", "critical", "moderate", "minor"}


async def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe finds, by all of its rules or by those that are named."""
    results = await Axe().run(page, options={"runOnly": list(rules)} if rules else None)
    return [
        f"{item['id']} ({item['impact']}): {[node['html'][:120] for node in item['nodes']]}"
        for item in results.response["violations"]
        if item["impact"] in _SERIOUS
    ]


async def is_too_wide(page: Page) -> bool:
    """Whether one has to scroll sideways."""
    return await page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_every_page_is_clean_and_fits(
    new_person: NewPerson, new_sale: NewSale, surge: Surge, *, dark: bool
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1, name="A sale")
    first, second = await new_person(dark=dark), await new_person(dark=dark)
    organizer = await new_person(
        dark=dark,
        http_credentials={"username": surge.organizer[0], "password": surge.organizer[1]},
    )
    page = first.page
    found: dict[str, list[str]] = {}

    async def look(name: str, at: Page) -> None:
        found[name] = await violations(at)
        await at.set_viewport_size({"width": 320, "height": 640})
        if await is_too_wide(at):
            found[name].append("wider than 320 px")
        await at.set_viewport_size({"width": 390, "height": 844})

    await page.goto("/events")
    await expect(page.get_by_text("A sale").first).to_be_visible()
    await look("events", page)
    await page.goto(f"/events/{slug}")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    await look("event", page)
    await page.get_by_role("button", name="Get tickets").click()
    await page.wait_for_url(f"**/book/{slug}")
    await page.get_by_role("button", name=re.compile("^One more")).first.click()
    await look("choose", page)
    await page.get_by_role("button", name=re.compile("^Hold")).click()
    await expect(page.get_by_text(re.compile("Held for you")).first).to_be_visible()
    await look("held", page)
    await second.page.goto(f"/queue/{slug}")
    await expect(second.page.get_by_text("Your place in line")).to_be_visible()
    await look("queue", second.page)
    await organizer.page.goto("/admin")
    await expect(organizer.page.get_by_text("A sale").first).to_be_visible()
    await look("admin", organizer.page)
    await organizer.page.goto(f"/admin/{slug}")
    await expect(organizer.page.get_by_text("Sold of 5")).to_be_visible()
    await look("board", organizer.page)
    assert {name: items for name, items in found.items() if items} == {}
