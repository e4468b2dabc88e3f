"""Waiting in line, in real browsers: bad networks, several tabs, a page out of sight."""

from __future__ import annotations

import asyncio
import json
import re
import time
from datetime import timedelta
from hashlib import sha256
from typing import Any

import psutil
import pytest
from playwright.async_api import Locator, Route, expect

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.kv import keys
from surge_app.kv.client import information, read_hash
from surge_app.launcher import embedded_servers
from tests.browser.conftest import NewPerson, Person
from tests.browser.page_checks import ask_until
from tests.browser.queue_states import LINE_STATES, LineState, force
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually

_SAFE = "Connection lost. Your place is safe."
# For the page it is as if its tab were in the background.
_HIDE = """
    window.isAway = true;
    Object.defineProperty(document, "hidden", { get: () => window.isAway });
"""
_NOTIFICATIONS = """async () => {
  const registration = await navigator.serviceWorker.getRegistration("/js/");
  const found = await registration?.getNotifications();
  return (found ?? []).map((one) => `${one.title}. ${one.body}`);
}"""
_LOOK = "window.isAway = false; document.dispatchEvent(new Event('visibilitychange'))"


async def _wait_behind(
    new_person: NewPerson, new_buyer: NewBuyer, slug: str, people: int = 1
) -> tuple[Customer, list[Person]]:
    """Let one buyer in, and people with browsers wait behind."""
    inside = new_buyer(slug)
    assert (await inside.join())["state"] == "admitted"
    waiting: list[Person] = []
    for number in range(1, people + 1):
        person = await new_person()
        await person.page.goto(f"/queue/{slug}")
        await expect(person.page.locator(".hero")).to_have_text(str(number))
        waiting.append(person)
    return inside, waiting


async def test_whoever_leaves_makes_room_and_starts_again_at_the_end(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (first, second) = await _wait_behind(new_person, new_buyer, slug, people=2)
    await first.page.get_by_role("button", name="Leave the queue").click()
    await first.page.get_by_role("button", name="Stay in the queue").click()
    await first.page.get_by_role("button", name="Leave the queue").click()
    await first.page.get_by_role("button", name="Yes, give up my place").click()
    await expect(first.page.get_by_role("heading", name="You left the queue")).to_be_visible()
    await expect(second.page.get_by_text("You are next", exact=True).first).to_be_visible()
    await expect(second.page).to_have_title(re.compile("^You are next"))
    # Loading the page again joins nobody behind their back.
    await first.page.reload()
    await first.page.get_by_role("button", name="Join again").click()
    await expect(first.page.locator(".hero")).to_have_text("2")
    await expect(second.page.locator(".hero")).to_have_text("1")
    assert first.sockets == second.sockets == []
    assert first.errors == second.errors == []


async def test_a_reload_and_a_second_tab_show_the_same_place(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (_, person) = await _wait_behind(new_person, new_buyer, slug, people=2)
    await person.page.reload()
    await expect(person.page.locator(".hero")).to_have_text("2")
    tab = await person.context.new_page()
    await tab.goto(f"/queue/{slug}")
    await expect(tab.locator(".hero")).to_have_text("2")
    told = await tab.get_by_text(re.compile("queue number is")).inner_text()
    number = told.partition("·")[2].splitlines()[0].strip()
    await expect(person.page.get_by_text(number)).to_be_visible()
    # The way back out of the browser's history is none into the end of the line.
    await tab.goto("/events")
    await tab.go_back()
    await expect(tab.locator(".hero")).to_have_text("2")
    # A visitor who leaves in one tab has left in the other.
    await tab.get_by_role("button", name="Leave the queue").click()
    await tab.get_by_role("button", name="Yes, give up my place").click()
    left = person.page.get_by_role("heading", name="You left the queue")
    await expect(left).to_be_visible()


async def test_who_comes_before_the_opening_is_drawn_and_led_in_by_the_clock(
    new_person: NewPerson, new_sale: NewSale, services: Container
) -> None:
    later = utc_now() + timedelta(hours=1)
    slug = await new_sale(concurrent_buyers=1, queue_order="random", sales_open_at=later)
    early = [await new_person() for _ in range(2)]
    for person in early:
        await person.page.goto(f"/queue/{slug}")
        await expect(person.page.get_by_text("You're in the draw")).to_be_visible()
        await expect(person.page.get_by_text("The order is drawn once")).to_be_visible()
    await early[0].page.get_by_text("How to check the draw").click()
    fingerprint = await early[0].page.locator(".proof .code").first.inner_text()
    # One of the two is called, and the other one has the next place, with the proof.
    sooner = {"sales_open_at": utc_now() + timedelta(seconds=3)}
    await services.organizer.change(slug, sooner, actor="test")
    for person in early:
        lobby = person.page.get_by_text("You're in the draw")

        async def is_over(lobby: Locator = lobby) -> bool:
            return await lobby.count() == 0

        await ask_until(person.page, is_over, about="the end of the draw")
    left: list[Person] = []

    async def is_one_called() -> bool:
        left[:] = [one for one in early if await _is_waiting(one, slug)]
        return len(left) == 1

    await eventually(is_one_called, about="the turn of one of them")
    (waiting,) = left
    await expect(waiting.page.locator(".hero")).to_have_text("1")
    if not await waiting.page.locator(".proof .code").first.is_visible():
        await waiting.page.get_by_text("How to check the draw").click()
    seed = await waiting.page.locator(".proof .code").nth(1).inner_text()
    assert sha256(seed.encode()).hexdigest() == fingerprint


async def _is_waiting(person: Person, slug: str) -> bool:
    answer = await person.context.request.get(f"/api/queue/{slug}")
    return (await answer.json())["state"] == "waiting"


async def test_being_called_leads_one_tab_in_and_the_other_says_so(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (person,) = await _wait_behind(new_person, new_buyer, slug)
    other = await person.context.new_page()
    await other.goto(f"/queue/{slug}")
    await expect(other.locator(".hero")).to_have_text("1")
    await inside.http.delete(f"/api/queue/{slug}")
    tabs = person.page, other
    scanner = re.compile(r"Continued in another tab|Your tickets|Hold ")
    for tab in tabs:
        await expect(tab.locator("main")).to_contain_text(scanner)

    async def is_one_in() -> bool:
        return sorted("/book/" in tab.url for tab in tabs) == [False, True]

    await eventually(is_one_in, about="one tab in the checkout")


async def test_a_lost_network_keeps_the_place_in_sight_and_comes_back_by_itself(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (first, second) = await _wait_behind(new_person, new_buyer, slug, people=2)
    await second.context.set_offline(True)
    await expect(second.page.get_by_text(_SAFE)).to_be_visible()
    await expect(second.page.locator(".stale .hero")).to_have_text("2")
    await first.context.request.delete(f"/api/queue/{slug}")
    await second.context.set_offline(False)
    await expect(second.page.get_by_text(_SAFE)).to_have_count(0)
    await expect(second.page.locator(".card:not(.stale) .hero")).to_have_text("1")


async def test_whoever_fell_silent_is_passed_over_at_once_and_called_next_on_coming_back(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (silent, behind) = await _wait_behind(new_person, new_buyer, slug, people=2)
    await silent.context.set_offline(True)
    await expect(silent.page.get_by_text(_SAFE)).to_be_visible()
    await _fall_silent(services, slug, seconds=90)
    await inside.http.delete(f"/api/queue/{slug}")
    await behind.page.wait_for_url(f"**/book/{slug}")
    await silent.context.set_offline(False)
    await expect(silent.page.get_by_text("Welcome back.")).to_be_visible()
    await expect(silent.page.get_by_text("You are next", exact=True).first).to_be_visible()
    await expect(silent.page.locator(".card:not(.stale) .hero")).to_have_text("1")
    newcomer = new_buyer(slug)
    assert (await newcomer.join())["ahead"] == 1
    await behind.context.request.delete(f"/api/queue/{slug}")
    await silent.page.wait_for_url(f"**/book/{slug}")
    assert (await newcomer.poll())["state"] == "waiting"
    assert silent.errors == [error for error in silent.errors if "ERR_INTERNET" in error]


async def _fall_silent(services: Container, slug: str, *, seconds: int) -> None:
    """Let the last poll of the first in line lie so many seconds back."""
    numbers = await read_hash(services.redis, keys.part(slug, "numbers"))
    first = min(int(number) for number in numbers.values())
    silent_since = time.monotonic()

    async def is_silent() -> bool:
        # Up to a second after a poll its worker tells the queue of it.
        nonlocal silent_since
        now, _ = await services.redis.time()
        seen = services.redis.bitfield(keys.part(slug, "seen"))
        (was,) = await seen.set("u32", f"#{first}", now - seconds).execute()
        if was > now - seconds:
            silent_since = time.monotonic()
        return time.monotonic() > silent_since + 2

    await eventually(is_silent, about="the end of what was seen")
    # Silence counts from when the head came within reach.
    counters = await read_hash(services.redis, keys.part(slug, "counters"))
    reaches = [entry.split(":") for entry in counters["reach"].split(",")]
    earlier = ",".join(f"{int(at) - seconds}:{last}" for at, last in reaches)
    await services.redis.hset(keys.part(slug, "counters"), "reach", earlier)


async def test_one_lost_answer_is_no_news_and_two_heal_by_themselves(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (person,) = await _wait_behind(new_person, new_buyer, slug)
    failed: list[bool] = []
    is_seen = asyncio.Event()

    async def fail(route: Route) -> None:
        if len(failed) == 2:
            # The third answer waits until the warning was seen, however short it would stand.
            await is_seen.wait()
            await route.continue_()
            return
        failed.append(await person.page.get_by_text(_SAFE).is_visible())
        await route.abort("connectionreset")

    await person.page.route(f"**/api/queue/{slug}", fail, times=3)
    await expect(person.page.get_by_text(_SAFE)).to_be_visible()
    is_seen.set()
    await expect(person.page.get_by_text(_SAFE)).to_have_count(0)
    await expect(person.page.locator(".hero")).to_have_text("1")
    # Neither before the first failure nor after it alone.
    assert failed == [False, False]


async def test_a_queue_that_forgot_its_event_for_a_second_turns_no_newcomer_away(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    await new_buyer(slug).join()
    person = await new_person()
    answered: list[bool] = []

    async def forget(route: Route) -> None:
        answered.append(True)
        problem = {"code": "not_found", "title": "We couldn't find that."}
        await route.fulfill(status=404, json=problem, content_type="application/problem+json")

    await person.page.route(f"**/api/queue/{slug}", forget, times=2)
    await person.page.goto(f"/queue/{slug}")
    await expect(person.page.locator(".hero")).to_have_text("1")
    assert len(answered) == 2


async def test_a_waiting_room_that_went_down_brings_everybody_back_to_their_place(
    new_person: NewPerson,
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (first, second) = await _wait_behind(new_person, new_buyer, slug, people=2)
    _, redis, _ = embedded_servers._servers(embedded_servers.data_folder(surge.settings))
    gone = redis.processes()
    assert gone

    async def is_written() -> bool:
        # Beside a busy disk Redis writes late, and a crash then loses who came last.
        found = await information(services.redis, "persistence")
        return found["aof_buffer_length"] == found["aof_pending_bio_fsync"] == 0

    await eventually(is_written, about="what Redis has to write")
    # The launcher would start it again before anybody could look.
    launcher = psutil.Process(json.loads((surge.settings.data_dir / "run.json").read_text())["pid"])
    launcher.suspend()
    try:
        for process in gone:
            process.kill()
        psutil.wait_procs(gone, timeout=10)
        await expect(second.page.get_by_text(re.compile("not responding"))).to_be_visible()
        await expect(second.page.locator(".stale .hero")).to_have_text("2")
        newcomer = await new_person()
        await newcomer.page.goto(f"/queue/{slug}")
        await expect(
            newcomer.page.get_by_text(re.compile("waiting room is not responding"))
        ).to_be_visible()
        # Where tickets are chosen it is closed, says so, and tries again by itself.
        closed = await inside.http.get(f"/book/{slug}")
        assert (closed.status_code, "One moment" in closed.text) == (503, True)
        assert '<meta http-equiv="refresh" content="5">' in closed.text
        refused = await inside.hold()
        assert (refused.status_code, refused.json()["code"]) == (503, "line_unavailable")
    finally:
        launcher.resume()
    for person, place in ((first, "1"), (second, "2"), (newcomer, "3")):
        await expect(person.page.locator(".card:not(.stale) .hero")).to_have_text(place)
    assert (await inside.hold()).status_code == 201
    # All who waited are back, so the time that they have for it need not pass.
    await services.redis.hset(keys.part(slug, "counters"), "recovering_until", "0")
    await inside.http.delete(f"/api/queue/{slug}")
    await first.page.wait_for_url(f"**/book/{slug}")


async def test_a_page_out_of_sight_calls_and_goes_in_when_somebody_looks(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    inside, (person,) = await _wait_behind(new_person, new_buyer, slug)
    await person.page.evaluate(_HIDE)
    await inside.http.delete(f"/api/queue/{slug}")
    await expect(person.page).to_have_title(re.compile("^● It is your turn"))
    await expect(person.page.get_by_text("Your turn is held for").first).to_be_visible()
    assert "/queue/" in person.page.url
    await person.page.evaluate(_LOOK)
    await person.page.wait_for_url(f"**/book/{slug}")


async def test_whoever_asked_for_it_is_told_by_a_notification(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1, name="Monsoon Beats")
    inside, (person,) = await _wait_behind(new_person, new_buyer, slug)
    page = person.page
    asked = await page.evaluate("Notification.permission")
    await person.context.grant_permissions(["notifications"])
    switch = page.get_by_role("switch", name="Notify me when it's my turn")
    await expect(switch).not_to_be_checked()
    await switch.click()
    await expect(switch).to_be_checked()
    await expect(page.get_by_text("We'll play a sound and notify you")).to_be_visible()
    # It is remembered for the event.
    await page.reload()
    await expect(switch).to_be_checked()
    await inside.http.delete(f"/api/queue/{slug}")
    await page.wait_for_url(f"**/book/{slug}")
    told: list[str] = []

    async def is_notified() -> bool:
        # The page may leave for the checkout a moment before its worker has shown it.
        told[:] = await page.evaluate(_NOTIFICATIONS)
        return bool(told)

    await eventually(is_notified, about="the notification")
    assert asked != "granted"
    assert told == ["It is your turn. Monsoon Beats: come in and choose."]


async def test_place_and_estimate_never_go_back_without_a_reason(new_person: NewPerson) -> None:
    person = await new_person()
    steady = LINE_STATES["waiting"].answers[0]
    slug = "any-sale"

    body: dict[str, Any] = {}

    def show(**changes: object) -> None:
        # In place, so that no poll between two answers reaches the server.
        body.clear()
        body.update({**steady, "retry_after_ms": 500, **changes})

    show(position=20, ahead=19)
    await force(person.page, slug, LineState("", (body,)))
    await person.page.goto(f"/queue/{slug}")
    hero, about = person.page.locator(".hero"), person.page.locator(".facts dd").first
    await expect(hero).to_have_text("20")
    await expect(about).to_have_text("6–8 min")
    # Another worker's view is a moment older, and its estimate a little longer.
    show(position=22, ahead=21, eta_seconds={"low": 400, "high": 540}, message="Older")
    await expect(person.page.get_by_text("Older")).to_be_visible()
    await expect(hero).to_have_text("20")
    await expect(about).to_have_text("6–8 min")
    show(position=19, ahead=18, eta_seconds={"low": 1200, "high": 1500})
    await expect(hero).to_have_text("19")
    await expect(about).to_have_text("20–25 min")
    await expect(person.page.get_by_text("The queue is moving more slowly")).to_be_visible()
    show(position=24, ahead=23, note="recalled", note_text="Others went first.")
    await expect(hero).to_have_text("24")
    await expect(person.page.get_by_text("Others went first.")).to_be_visible()


@pytest.mark.parametrize(("wish", "least", "most"), [("reduce", 0, 0), ("no-preference", 1, 1000)])
async def test_under_reduced_motion_nothing_moves(
    new_person: NewPerson, wish: str, least: int, most: int
) -> None:
    person = await new_person(reduced_motion=wish)
    await force(person.page, "any-sale", LINE_STATES["waiting"])
    await person.page.goto("/queue/any-sale")
    await expect(person.page.locator(".hero")).to_have_text("1,284")
    moving = await person.page.evaluate(
        """[...document.querySelectorAll("*")].filter((element) => {
          const style = getComputedStyle(element);
          return style.animationName !== "none" || style.transitionDuration !== "0s";
        }).length"""
    )
    assert least <= moving <= most


async def test_a_check_before_joining_solves_itself(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(challenge="always")
    person = await new_person()
    await person.page.goto(f"/events/{slug}")
    await person.page.get_by_role("button", name="Get tickets").click()
    # A sale that is not crowded lets in at once whoever passed the check in the waiting room.
    await person.page.wait_for_url(f"**/queue/{slug}")
    await person.page.wait_for_url(f"**/book/{slug}")


async def test_without_javascript_a_page_says_that_it_needs_it(
    new_person: NewPerson, new_sale: NewSale
) -> None:
    slug = await new_sale(name="Monsoon Beats")
    person = await new_person(java_script_enabled=False)
    await person.page.goto(f"/events/{slug}")
    await expect(person.page.get_by_role("heading", name="Monsoon Beats")).to_be_visible()
    await person.page.get_by_role("link", name="Tickets", exact=True).click()
    # Locators by text or role pass over what stands in `noscript`.
    said = person.page.locator("noscript p")
    await expect(said).to_be_visible()
    await expect(said).to_contain_text("This page needs JavaScript")
    assert person.sockets == []
