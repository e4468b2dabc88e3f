"""The dashboard on a laptop and on a large screen: a sale at one glance."""

from __future__ import annotations

from playwright.async_api import expect

from surge_app.services.events.new_event import NewTier
from tests.browser.conftest import NewPerson
from tests.browser.page_checks import is_too_wide, look
from tests.conftest import NewBuyer, NewSale, Surge

_GROUND = "(one, part) => getComputedStyle(one, part).backgroundColor"


async def test_a_sale_is_seen_at_one_glance(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    names = {"Stalls, standing": 1, "Balcony": 8}
    slug = await new_sale(tiers=tuple(NewTier(name, 90_000, n) for name, n in names.items()))
    await new_buyer(slug).buy()
    user, password = surge.organizer
    person = await new_person(
        desktop=True, http_credentials={"username": user, "password": password}
    )
    page = person.page
    await page.goto(f"/admin/{slug}")
    tickets = page.get_by_role("region", name="Tickets")
    await expect(tickets.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_text("Stalls, standing is sold out.")).to_be_visible()
    for width, height in ((1280, 800), (1920, 1080)):
        await page.set_viewport_size({"width": width, "height": height})
        assert not await is_too_wide(page), width
        for seen in (page.get_by_role("heading", level=1), tickets):
            await expect(seen).to_be_in_viewport(ratio=1)
    await page.set_viewport_size({"width": 1280, "height": 800})
    await look(page, "admin-dashboard-wide")
    # Windows' high contrast takes backgrounds away, but not what one of them alone tells.
    await page.emulate_media(forced_colors="active")
    canvas = await page.locator("body").evaluate(_GROUND)
    for told in (".tab[aria-current]", ".stock span", ".key"):
        ground = await page.locator(told).first.evaluate(
            _GROUND, "::before" if told == ".key" else None
        )
        assert ground != canvas, told
    # An empty track would look full if it were filled.
    stock = page.locator(".stock").first
    assert await stock.evaluate(_GROUND) == canvas
    assert await stock.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
