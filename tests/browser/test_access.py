"""The line and the console: axe finds nothing, and nothing is wider than a small phone."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import NewPerson
from tests.browser.looking import is_too_wide, picture, violations
from tests.conftest import NewSale, Surge


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
async def test_the_line_and_the_console_are_clean_and_fit(
    new_person: NewPerson, new_sale: NewSale, surge: Surge, *, dark: bool
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1, name="Monsoon Beats, Goa")
    first, second = await new_person(dark=dark), await new_person(dark=dark)
    organizer = await new_person(
        dark=dark,
        http_credentials={"username": surge.organizer[0], "password": surge.organizer[1]},
    )
    found: dict[str, list[str]] = {}

    async def look(name: str, at: Page) -> None:
        found[name] = await violations(at)
        await at.set_viewport_size({"width": 320, "height": 640})
        if await is_too_wide(at):
            found[name].append("wider than 320 px")
        await at.set_viewport_size({"width": 390, "height": 844})

    await first.context.request.post(f"/api/queue/{slug}")
    await second.page.goto(f"/queue/{slug}")
    await expect(second.page.get_by_text("Your place in line")).to_be_visible()
    await look("queue", second.page)
    await organizer.page.goto("/admin")
    await expect(organizer.page.get_by_text("Monsoon Beats, Goa").first).to_be_visible()
    await look("admin", organizer.page)
    await organizer.page.goto(f"/admin/{slug}")
    await expect(organizer.page.get_by_text("Sold of 5")).to_be_visible()
    await look("board", organizer.page)
    await picture(organizer.page, "admin")
    assert {name: items for name, items in found.items() if items} == {}
