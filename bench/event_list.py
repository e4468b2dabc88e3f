"""What the list, the page of one and the queues cost where there are ten thousand events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from statistics import median

from pydantic import TypeAdapter
from sqlalchemy import text

from bench.harness import open_sale, servers
from surge_app.api.schemas import EventOut
from surge_app.container import Container, running
from surge_app.db.events.catalog import EventFilter
from surge_app.settings import Settings

_EVENTS = 10_000
_ROUNDS = 15
_FILL = (
    """
    INSERT INTO events (id, slug, name, venue, city, category, starts_at, phase, fee_paise,
        description, time_zone, currency, max_per_person, hold_seconds, payment_seconds,
        concurrent_buyers, challenge, queue_order, queue_seed, line_floor, is_paused,
        queue_message, refund_policy, organizer_name, organizer_email, organizer_phone,
        ask_attendee_names, is_rehearsal)
    SELECT 'e' || g, 'event-' || g, 'Evening ' || md5(g::text), 'Hall ' || g % 500,
        'City ' || g % 40, 'Kind ' || g % 8, now() + g * interval '5 minutes', 'published', 2500,
        repeat('A night of music. ', 30), 'Asia/Kolkata', 'INR', 6, 300, 720, 200, 'auto',
        'fifo', 'seed', 0, false, '', '', 'Organizer ' || g % 900, '', '', false, false
    FROM generate_series(1, CAST(:events AS int)) g
    """,
    """
    INSERT INTO tiers (id, event_id, name, price_paise, capacity, position, min_per_booking)
    SELECT 't' || g || '-' || n, 'e' || g, 'Tier ' || n, 50000 * n, 50, n, 1
    FROM generate_series(1, CAST(:events AS int)) g, generate_series(1, 2) n
    """,
    """
    INSERT INTO units (id, tier_id, number, status)
    SELECT 'u' || t.id || '-' || n, t.id, n, 'available'
    FROM tiers t, generate_series(1, 50) n WHERE t.event_id <> :event_id
    """,
)
_LIST: TypeAdapter[list[EventOut]] = TypeAdapter(list[EventOut])


def main() -> None:
    """Fill a database with events, then list, search and open them."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await open_sale(services, units=100)
        async with services.database.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in _FILL:
                values = {"events": _EVENTS, "event_id": sale.event_id}
                await session.execute(text(statement), values)
        async with services.database.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = 0"))
            await session.execute(text("ANALYZE"))
        catalog = services.catalog
        lists = {
            "one event": lambda: catalog.event(sale.slug),
            "first 60": lambda: catalog.events(EventFilter(limit=60)),
            "first 200": lambda: catalog.events(EventFilter(limit=200)),
            "words, 60": lambda: catalog.events(EventFilter("evening 9f", limit=60)),
            "no match": lambda: catalog.events(EventFilter("nobody of this name", limit=60)),
            "city, 60": lambda: catalog.events(EventFilter(city="city 7", limit=60)),
            "choices": catalog.filter_choices,
        }
        for name, look in lists.items():
            await _print(name, services, look)
        views = await catalog.events(EventFilter(limit=60))
        started = time.process_time()
        for _ in range(_ROUNDS):
            _LIST.dump_json([EventOut.of(view) for view in views])
        print(f"{'JSON of 60':12} {(time.process_time() - started) / _ROUNDS * 1000:6.1f} ms CPU")
        await _print_queues(services)


async def _print_queues(services: Container) -> None:
    """Print what it costs to look after queues that no visitor uses."""
    room, used = services.waiting_room, time.process_time()
    await room.publish()
    print(f"{'queues open':12} {(time.process_time() - used) * 1000:6.0f} ms CPU here, once")
    await _print("all queues", services, room.publish)
    await _print("queues due", services, room.publish_due)


async def _print(name: str, services: Container, look: Callable[[], Awaitable[object]]) -> None:
    waits: list[float] = []
    spent = 0.0
    for _ in range(_ROUNDS):
        services.catalog.invalidate()
        begun, used = time.perf_counter(), time.process_time()
        await look()
        waits.append(time.perf_counter() - begun)
        spent += time.process_time() - used
    print(
        f"{name:12} {median(waits) * 1000:6.1f} ms, of it {spent / _ROUNDS * 1000:5.1f} ms CPU here"
    )
