"""What a look at the board costs in a large sale, and how late an open one tells what happened."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
from playwright.async_api import Page, async_playwright
from sqlalchemy import text

from bench.audit import fill
from bench.harness import Sale, servers
from bench.serving import served
from surge_app.clock import utc_now
from surge_app.container import Container, running
from surge_app.settings import Settings
from tests.browser_setup import executable_path, launch_arguments
from tests.conftest import Customer

_UNITS = 1_000_000
_BOOKINGS = 100_000
_READS = 20
_EVENTS = 12
_REFRESH_SECONDS = 1.0
_SLUG = "board"
# Resolves with the time at which the page first shows a text.
_SEEN = """
(wanted) => new Promise((done) => {
  const look = () => {
    const shown = document.body.innerText.replace(/\\s+/g, " ").toLowerCase();
    if (!shown.includes(wanted.toLowerCase())) return;
    watch.disconnect();
    done(Date.now());
  };
  const watch = new MutationObserver(look);
  watch.observe(document.body, { subtree: true, childList: true, characterData: true });
  look();
})
"""


def main() -> None:
    """Fill a database and look at the board; then watch one in a browser beside a sale."""
    with servers() as settings:
        asyncio.run(_measure(settings))
    with served() as settings:
        asyncio.run(_watch(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await fill(services, units=_UNITS, bookings=_BOOKINGS)
        await _age(services)
        await services.waiting_room.publish()

        async def read() -> None:
            await services.dashboard.stats(sale.slug)

        first = await _timed(read)
        later = [await _timed(read) for _ in range(_READS)]
        floor = [await _timed(lambda: _count_all(services, sale)) for _ in range(5)]
        p50 = statistics.median(later)
        print(
            f"board of {_UNITS:,} units and {_BOOKINGS:,} bookings: first look {first:.1f} ms, "
            f"later p50 {p50:.1f} ms, worst {max(later):.1f} ms; adding up all bookings and "
            f"units each time {statistics.median(floor):.1f} ms, ratio "
            f"{p50 / statistics.median(floor):.2f}"
        )
        started = time.perf_counter()
        await asyncio.gather(*(services.dashboard.recent(sale.slug) for _ in range(50)))
        print(f"fifty who look at once: {(time.perf_counter() - started) * 1000:.1f} ms for all")


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return (time.perf_counter() - started) * 1000


async def _age(services: Container) -> None:
    """Let the bookings be an hour old, as all but the newest of a long sale are."""
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
        await session.execute(
            text("UPDATE bookings SET created_at = created_at - interval '1 hour'")
        )
    await services.database.rows("VACUUM ANALYZE", {})


async def _count_all(services: Container, sale: Sale) -> None:
    async with services.database.transaction() as session:
        await session.execute(
            text(
                "SELECT count(*), sum(total_paise), sum(fee_paise) FROM bookings"
                " WHERE event_id = :event_id AND status = 'confirmed'"
            ),
            {"event_id": sale.event_id},
        )
        await session.execute(
            text("SELECT status, count(*) FROM units WHERE tier_id = :tier_id GROUP BY status"),
            {"tier_id": sale.tier_id},
        )


async def _watch(settings: Settings) -> None:
    """Sell and pause over HTTP, and note when an open board shows it."""
    url = f"http://localhost:{settings.port}"
    user, password = settings.admin_user, settings.admin_password or ""
    async with (
        httpx.AsyncClient(base_url=url, auth=(user, password), timeout=30) as organizer,
        async_playwright() as playwright,
    ):
        await _create(organizer)
        browser = await playwright.chromium.launch(
            executable_path=executable_path(), args=[*launch_arguments()]
        )
        page = await browser.new_page(
            base_url=url, http_credentials={"username": user, "password": password}
        )
        await page.goto(f"/admin/{_SLUG}")
        await page.get_by_text(f"Sold of {_EVENTS}").wait_for()
        sold = [await _sold(page, url, number + 1) for number in range(_EVENTS)]
        switched = [await _switched(page, organizer, number) for number in range(_EVENTS)]
        await browser.close()
    for what, delays in (("a settled payment", sold), ("a pause or its end", switched)):
        print(
            f"from {what} to the text on an open board: median "
            f"{statistics.median(delays):,.0f} ms, worst of {len(delays)} {max(delays):,.0f} ms"
        )


async def _create(organizer: httpx.AsyncClient) -> None:
    event = {
        "slug": _SLUG,
        "name": "Watched",
        "venue": "The hall",
        "starts_at": (utc_now() + timedelta(days=30)).isoformat(),
        "tiers": [{"name": "General", "price_paise": 50_000, "units": _EVENTS}],
    }
    (await organizer.post("/api/admin/events", json=event)).raise_for_status()


async def _sold(page: Page, url: str, number: int) -> float:
    """Return the milliseconds from the callback that settles a payment to its ticket on screen."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        buyer = Customer(http, _SLUG)
        _, order = await buyer.order()
        paid = await buyer.attempt(str(order["order_id"]), webhook="none")

        async def settle() -> None:
            (await buyer.callback(paid)).raise_for_status()

        return await _delay(page, f"Sold of {_EVENTS} {number} ", settle)


async def _switched(page: Page, organizer: httpx.AsyncClient, number: int) -> float:
    action, wanted = (("pause", "Resume"), ("resume", "Pause"))[number % 2]

    async def switch() -> None:
        (await organizer.post(f"/api/admin/events/{_SLUG}/queue/{action}")).raise_for_status()

    return await _delay(page, f"{wanted} the queue", switch)


async def _delay(page: Page, wanted: str, act: Callable[[], Awaitable[None]]) -> float:
    # At any moment between two looks of the board.
    await asyncio.sleep(random.random() * _REFRESH_SECONDS)  # noqa: S311  no secret
    seen = asyncio.create_task(page.evaluate(_SEEN, wanted))
    started = time.time()
    await act()
    return float(await seen) - started * 1000
