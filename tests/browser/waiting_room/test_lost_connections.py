"""A waiting room over bad networks, and one that goes down: nobody loses their place."""

from __future__ import annotations

import asyncio
import json
import re
import time

import psutil
from playwright.async_api import Route, expect

from surge_app.container import Container
from surge_app.kv import keys
from surge_app.kv.client import information, read_hash
from surge_app.launcher import embedded_servers
from tests.browser.conftest import NewPerson
from tests.browser.waiting import wait_behind
from tests.conftest import NewBuyer, NewSale, Surge, eventually

_SAFE = "Connection lost. Your place is safe."


async def test_a_lost_network_keeps_the_place_in_sight_and_comes_back_by_itself(
    new_person: NewPerson, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    _, (first, second) = await wait_behind(new_person, new_buyer, slug, people=2)
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
    inside, (silent, behind) = await wait_behind(new_person, new_buyer, slug, people=2)
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
    first = min(int(number) for number in numbers.values() if number)
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
    _, (person,) = await wait_behind(new_person, new_buyer, slug)
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
    inside, (first, second) = await wait_behind(new_person, new_buyer, slug, people=2)
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
