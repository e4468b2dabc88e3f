"""Wide screens: what to do stands beside what to read, and in view; a phone has one column."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from playwright.async_api import Locator, Page, ViewportSize, expect

from surge_app.clock import utc_now
from surge_app.services.events.new_event import NewTier
from tests.browser.checkout import Attendee
from tests.browser.conftest import PHONE, NewPerson
from tests.browser.page_checks import ask_until, is_too_wide, look, violations
from tests.browser.queue_states import LINE_STATES, force
from tests.conftest import NewBuyer, NewSale

_TABLET: ViewportSize = {"width": 820, "height": 1180}
_LAPTOP: ViewportSize = {"width": 1280, "height": 800}
_SCREEN: ViewportSize = {"width": 1920, "height": 1080}
_TICKETS = 2


async def _edges(one: Locator) -> tuple[float, float]:
    """Return where something begins and ends, from the left."""
    box = await one.bounding_box()
    assert box is not None
    return box["x"], box["x"] + box["width"]


async def _is_laid_out(page: Page, name: str, *, story: Locator, action: Locator) -> None:
    """Check a page at every size, with the action in view wherever it stands beside the story."""
    for size in (_LAPTOP, _SCREEN):
        await page.set_viewport_size(size)
        assert not await is_too_wide(page), (name, size)
        await expect(action).to_be_in_viewport(ratio=1)
        assert (await _edges(story))[1] <= (await _edges(action))[0], (name, size)
    await page.set_viewport_size(_LAPTOP)
    await look(page, name)
    for size in (_TABLET, PHONE):
        await page.set_viewport_size(size)
        assert not await is_too_wide(page), (name, size)
        assert (await _edges(action))[0] < (await _edges(story))[1], (name, size)


async def test_what_to_do_stands_beside_what_to_read_from_the_event_to_the_tickets(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats, Goa", description="One night above the sea.\n" * 40)
    person = await new_person(desktop=True)
    asha, page = Attendee(person, slug), person.page
    await page.goto(f"/events/{slug}")
    enter = page.get_by_role("button", name="Get tickets")
    await expect(enter).to_be_visible()
    story = page.locator(".page:not(#served) .prose")
    await _is_laid_out(page, "event-wide", story=story, action=enter)
    await page.set_viewport_size(_LAPTOP)
    # However far one has read.
    await page.mouse.wheel(0, 600)
    await expect(page.get_by_role("heading", level=1)).not_to_be_in_viewport()
    await expect(enter).to_be_in_viewport(ratio=1)
    await asha.enter()
    await asha.choose(_TICKETS)
    title = page.get_by_role("heading", level=1)
    hold = asha.button("^Hold 2 tickets")
    await expect(hold).to_be_enabled()
    steppers = page.locator(".tiers")
    await _is_laid_out(page, "checkout-choose-wide", story=steppers, action=hold)
    await page.set_viewport_size(_LAPTOP)
    await asha.hold()
    pay = asha.button("^Pay ₹1,025")
    await _is_laid_out(page, "checkout-held-wide", story=page.get_by_label("Email"), action=pay)
    await page.set_viewport_size(_LAPTOP)
    for seen in (page.locator(".beside .figure"), page.locator(".bar .held")):
        await expect(seen).to_be_in_viewport(ratio=1)
    await expect(page.locator(".beside").get_by_text("₹1,000")).to_be_in_viewport()
    await asha.open_payment()
    await asha.pay()
    await expect(page.locator(".ticket")).to_have_count(2)
    files = page.get_by_role("link", name="Tickets as PDF")
    await _is_laid_out(page, "booking-wide", story=title, action=files)
    await page.set_viewport_size(_LAPTOP)
    first, second = page.locator(".ticket").first, page.locator(".ticket").last
    assert (await _edges(first))[1] < (await _edges(second))[0]
    await _fills_the_screen(page)
    assert person.errors == []


async def _fills_the_screen(page: Page) -> None:
    """Press a code until it fills the screen, on white, and take that back with the keyboard."""
    press = page.get_by_role("button", name="Full screen: General · 2 of 2")
    await press.click()
    shown = page.locator(".code-frame.open")
    for size in (PHONE, _LAPTOP):
        await page.set_viewport_size(size)
        await expect(shown.locator(".qr")).to_be_in_viewport(ratio=1)
        assert await _edges(shown) == (0, size["width"])
    assert await violations(page) == []
    await press.press("Escape")
    await expect(shown).to_have_count(0)
    await expect(press).to_be_focused()


async def test_the_list_leads_with_the_sale_that_opens_next_and_fills_the_row(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    soon = utc_now() + timedelta(hours=2)
    slugs = [await new_sale(starts_at=soon) for _ in range(3)]
    # Whichever opens sooner, at least this one is to open.
    slugs.append(await new_sale(sales_open_at=soon - timedelta(hours=1), starts_at=soon))
    page = (await new_person(desktop=True)).page
    await page.goto("/events")
    for slug in slugs:
        await expect(page.locator(f'.page:not(#served) a[href="/events/{slug}"]')).to_be_visible()
    first = page.locator(".events > li").first
    await expect(first).to_have_class("next")
    await expect(first.get_by_role("timer")).to_contain_text("The sale opens in")
    await expect(page.locator(".events > .next")).to_have_count(1)
    others = page.locator(".events > li:not(.next)")
    for size, in_a_row in ((PHONE, 1), (_TABLET, 2), (_LAPTOP, 3), (_SCREEN, 4)):
        await page.set_viewport_size(size)
        assert not await is_too_wide(page), size
        tops = [await _top(others.nth(number)) for number in range(4)]
        assert tops.count(tops[0]) == in_a_row, (size, tops)
    await page.set_viewport_size(_LAPTOP)
    await look(page, "events-wide")


async def _top(one: Locator) -> float:
    box = await one.bounding_box()
    assert box is not None
    return box["y"]


async def test_the_waiting_room_shows_the_event_beside_the_position(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale()
    page = (await new_person(desktop=True, dark=True)).page
    await force(page, slug, LINE_STATES["waiting"])
    await page.goto(f"/queue/{slug}")
    prices = page.get_by_role("heading", name="Tickets")
    await expect(prices).to_be_visible()
    await expect(page.locator(".beside .cover")).to_be_in_viewport(ratio=1)
    await _is_laid_out(page, "queue-wide", story=page.locator(".hero"), action=prices)
    await expect(page.locator(".beside .cover")).to_be_hidden()


async def test_the_waiting_room_counts_what_is_left_of_each_type_without_asking_for_it(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    tiers = (NewTier("Stalls", 50_000, 9), NewTier("Balcony", 80_000, 4))
    slug = await new_sale(tiers=tiers, concurrent_buyers=1)
    inside = new_buyer(slug)
    assert (await inside.join())["state"] == "admitted"
    page = (await new_person(desktop=True)).page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(urlsplit(request.url).path))
    await page.goto(f"/queue/{slug}")
    rows = page.locator(".beside .tier")
    await expect(rows.first).to_contain_text("9 left")
    await expect(rows.nth(1)).to_contain_text("4 left")
    asked_before = asked.count(f"/api/events/{slug}")
    await inside.hold(2)

    async def is_shown() -> bool:
        return "7 left" in await rows.first.inner_text()

    await ask_until(page, is_shown, about="the tickets left")
    await expect(rows.nth(1)).to_contain_text("4 left")
    assert asked.count(f"/api/events/{slug}") == asked_before
