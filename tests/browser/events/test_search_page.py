"""A visitor finds one event among many, and shares what was found by its address."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta

from playwright.async_api import Route, expect

from surge_app.clock import utc_now
from tests.browser.conftest import DESKTOP, NewPerson
from tests.browser.page_checks import is_too_wide, look, violations
from tests.conftest import NewSale


async def test_a_visitor_searches_the_list_and_shares_what_was_found(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    mark, soon = secrets.token_hex(4), utc_now() + timedelta(hours=3)
    wanted = await new_sale(
        name=f"Jazz {mark}", city=f"Pune {mark}", category="Music", starts_at=soon
    )
    other = await new_sale(name=f"Jokes {mark}", city="Goa", category="Comedy", starts_at=soon)
    for _ in range(8):
        await new_sale(starts_at=soon)
    person = await new_person(dark=True)
    page = person.page
    await page.goto("/events")
    await expect(page.locator("#served")).to_have_count(0)
    search = page.get_by_role("search")
    await search.get_by_label("Event, venue or organizer").fill(mark)
    await search.get_by_label("City").select_option(f"Pune {mark}")
    await search.get_by_label("Date").select_option("month")
    await search.get_by_role("button", name="Search").click()
    await page.wait_for_url(f"**/events?q={mark}&**")
    cards = page.locator(".events > li")
    await expect(cards).to_have_count(1)
    await expect(cards.get_by_role("link")).to_have_attribute("href", f"/events/{wanted}")
    await expect(cards).to_contain_text(f"The hall, Pune {mark}")
    assert await violations(page) == []
    assert not await is_too_wide(page)
    await look(page, "events-search")
    await page.set_viewport_size(DESKTOP)
    await look(page, "events-search-wide")

    friend = await new_person()
    await friend.page.goto(page.url)
    await expect(friend.page.locator(f'a[href="/events/{wanted}"]')).to_be_visible()
    await expect(friend.page.locator(f'a[href="/events/{other}"]')).to_have_count(0)
    await expect(friend.page.get_by_label("Event, venue or organizer")).to_have_value(mark)
    await expect(friend.page.get_by_label("City")).to_have_value(f"Pune {mark}")
    await expect(friend.page.get_by_label("Date")).to_have_value("month")

    await friend.page.goto(f"/events?q={mark}+nobody")
    await expect(friend.page.get_by_text("No event matches your search")).to_be_visible()
    await friend.page.get_by_role("link", name="All events", exact=True).last.click()
    await expect(friend.page.locator(".events > li").nth(3)).to_be_visible()
    assert person.sockets + friend.sockets == []
    assert person.errors + friend.errors == []


async def test_what_is_typed_before_the_page_can_take_over_is_not_lost(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    soon = utc_now() + timedelta(hours=3)
    for _ in range(9):
        await new_sale(starts_at=soon)
    page = (await new_person()).page
    is_typed = asyncio.Event()

    async def wait(route: Route) -> None:
        await is_typed.wait()
        await route.continue_()

    await page.route("**/assets/*.js", wait)
    await page.goto("/events", wait_until="commit")
    words = page.get_by_label("Event, venue or organizer")
    await words.fill("jazz")
    await expect(page.locator("#served")).to_have_count(1)
    is_typed.set()
    await expect(page.locator("#served")).to_have_count(0)
    await expect(words).to_have_value("jazz")
    await expect(words).to_be_focused()
