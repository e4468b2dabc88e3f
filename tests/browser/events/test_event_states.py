"""The pages before the checkout in every state of a sale: clean, fitting, standing still."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
from playwright.async_api import Page, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.browser.conftest import DESKTOP, PHONE, NewPerson
from tests.browser.page_checks import look, violations
from tests.conftest import NewBuyer, NewSale, Surge, eventually

# What each says, and the actions it offers.
_STATES = {
    "scheduled": ("Opens soon", "Join the queue"),
    "sold_out": ("Cancelled tickets go to the queue", "Join the queue for returned tickets"),
    "all_held": ("Any that are released", "Join the queue"),
    "paused": ("The sale is paused", "Join the queue"),
    "ended": ("The sale for this event is over.", "See other events"),
    "cancelled": ("open your booking", "Find my booking", "See other events"),
}


async def _bring_about(
    state: str, new_sale: NewSale, new_buyer: NewBuyer, organizer: httpx.AsyncClient
) -> str:
    """Make a sale that is in a state, by what brings it about."""
    now = utc_now()
    times = {
        "scheduled": {"sales_open_at": now + timedelta(days=7)},
        "ended": {
            "sales_open_at": now - timedelta(days=2),
            "sales_close_at": now - timedelta(days=1),
        },
    }
    slug = await new_sale(name="Monsoon Beats, Goa", units=1, **times.get(state, {}))
    if state == "sold_out":
        await new_buyer(slug).buy()
    if state == "all_held":
        await new_buyer(slug).order()
    if state in {"paused", "cancelled"}:
        path = "queue/pause" if state == "paused" else "cancel"
        body = {"reason": ""} if state == "cancelled" else None
        answer = await organizer.post(f"/api/admin/events/{slug}/{path}", json=body)
        assert answer.is_success, answer.text
    return slug


async def _look_on_both(page: Page, name: str) -> None:
    """Look at a page on a phone, and where there is room for more beside each other."""
    await look(page, name)
    await page.set_viewport_size(DESKTOP)
    assert await violations(page) == []
    await page.set_viewport_size(PHONE)


async def test_the_list_an_event_and_the_search_are_clean(new_person: NewPerson) -> None:
    person = await new_person()
    page = person.page
    await page.goto("/events")
    # The server's version of the list shows the same headings until the page takes its place.
    await expect(page.locator("#served")).to_have_count(0)
    await expect(page.get_by_role("heading", level=2).first).to_be_visible()
    await _look_on_both(page, "events")
    await page.goto("/events/monsoon-beats")
    await expect(page.get_by_role("button", name="Get tickets")).to_be_visible()
    await _look_on_both(page, "event")
    await page.goto("/bookings/find")
    await _look_on_both(page, "find")
    await page.get_by_label("Booking reference").fill("SRG-AAAAAAAA")
    await page.get_by_label("Email or mobile").fill("asha@example.com")
    await page.get_by_role("button", name="Open my booking").click()
    await expect(page.get_by_text("We couldn't find that booking")).to_be_visible()
    await expect(page.get_by_label("Booking reference")).to_have_value("SRG-AAAAAAAA")
    await expect(page.get_by_label("Email or mobile")).to_have_value("asha@example.com")
    await expect(page.get_by_label("Booking reference")).to_be_focused()
    await _look_on_both(page, "find-missing")
    await page.get_by_label("Email or mobile").fill("asha@gmial.com")
    await page.get_by_role("button", name="Open my booking").click()
    await expect(page.get_by_text("Did you mean asha@gmail.com?")).to_be_visible()
    assert await violations(page) == []
    await page.get_by_role("button", name="Use it").click()
    await expect(page.get_by_label("Email or mobile")).to_have_value("asha@gmail.com")
    await expect(page.get_by_label("Email or mobile")).to_be_focused()
    await expect(page.get_by_text("Did you mean")).to_have_count(0)
    assert person.sockets == []
    assert person.errors == []


async def test_a_sale_in_any_state_says_which_and_shows_one_way_on(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    person = await new_person(dark=True)
    page = person.page
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        made = await asyncio.gather(
            *(_bring_about(state, new_sale, new_buyer, http) for state in _STATES)
        )
        slugs = dict(zip(_STATES, made, strict=True))

        async def are_known() -> bool:
            found = [(await http.get(f"/api/events/{slug}")).json() for slug in slugs.values()]
            return [event["status"] for event in found] == list(slugs)

        await eventually(are_known, about="the states")
    for state, (says, *ways_on) in _STATES.items():
        await page.goto(f"/events/{slugs[state]}")
        await expect(page.get_by_text(says).first).to_be_visible()
        actions = (
            page.locator(".paybar")
            .get_by_role("button")
            .or_(page.locator(".paybar").get_by_role("link"))
        )
        await expect(actions).to_have_text([re.compile(way_on) for way_on in ways_on])
        tickets = page.get_by_role("heading", name="Tickets", exact=True)
        await expect(tickets).to_have_count(0 if state == "cancelled" else 1)
        other_device = page.get_by_role("link", name="Continue on this device")
        await expect(other_device).to_have_count(0 if state in {"ended", "cancelled"} else 1)
        await expect(page.locator("html.dark")).to_have_count(1)
        await look(page, f"event-{state.replace('_', '-')}")
    assert person.sockets == []
    assert person.errors == []


async def test_a_browser_is_counted_once_for_each_event(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    slug, later = await new_sale(), await new_sale()
    person = await new_person()

    async def opened(shown: str) -> None:
        await person.page.goto(f"/events/{shown}")
        # The page runs once it has taken the server's version away.
        await expect(person.page.locator("#served")).to_have_count(0)

        async def is_counted() -> bool:
            return await services.waiting_room.visits.count(shown) == 1

        await eventually(is_counted, about="the visit")

    for shown in (slug, slug, later):
        await opened(shown)
    assert await services.waiting_room.visits.count(slug) == 1
    assert person.errors == []
