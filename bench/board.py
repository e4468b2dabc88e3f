"""What a look at the board costs in a sale of a million units with 100,000 bookings."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

from sqlalchemy import text

from bench.audit import fill
from bench.harness import Sale, servers
from surge_app.container import Container, running
from surge_app.settings import Settings

_UNITS = 1_000_000
_BOOKINGS = 100_000
_LOOKS = 20


def main() -> None:
    """Fill a database in bulk, then look at the board as one organizer and as fifty."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await fill(services, units=_UNITS, bookings=_BOOKINGS)
        await _age(services)
        await services.waiting_room.publish()

        async def look() -> None:
            services.board.forget(sale.slug)
            await services.board.view(sale.slug)

        first = await _timed(look)
        later = [await _timed(look) for _ in range(_LOOKS)]
        floor = [await _timed(lambda: _count_all(services, sale)) for _ in range(5)]
        p50 = statistics.median(later)
        print(
            f"board of {_UNITS:,} units and {_BOOKINGS:,} bookings: first look {first:.1f} ms, "
            f"later p50 {p50:.1f} ms, worst {max(later):.1f} ms; adding up all bookings and "
            f"units each time {statistics.median(floor):.1f} ms, ratio "
            f"{p50 / statistics.median(floor):.2f}"
        )
        services.board.forget(sale.slug)
        started = time.perf_counter()
        await asyncio.gather(*(services.board.view(sale.slug) for _ in range(50)))
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
    async with services.database.statement() as connection:
        await connection.execute(text("VACUUM ANALYZE"))


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
