"""What a search among a million bookings takes, and what its index adds to a purchase."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from sqlalchemy import text

from bench.harness import open_sale, servers
from surge_app.container import Container, running
from surge_app.services.admin.participants import Filter
from surge_app.settings import Settings

_BOOKINGS = 1_000_000
_ROUNDS = 9
# Rows of their own suffice: a search follows no reference but a ticket's.
_FILL = (
    "SET LOCAL session_replication_role = replica",
    """
    CREATE TEMP TABLE people AS SELECT g AS number, lpad(g::text, 9, '0') AS id,
        (ARRAY['Asha', 'Ravi', 'Zoë', 'Mohammed', 'Priya', 'Rahul', 'Lakshmi', 'John'])
            [1 + g % 8] AS first,
        (ARRAY['Iyer', 'D’Souza', 'Rao', 'Fernandes', 'Khan', 'Nair', 'Chatterjee'])
            [1 + g % 7] || substr(md5(g::text), 1, 4) AS last
    FROM generate_series(1, CAST(:bookings AS int)) g
    """,
    """
    INSERT INTO bookings (id, ref, event_id, intent_id, status, channel, name, email, phone,
                          subtotal_paise, fee_paise, total_paise, currency)
    SELECT id, 'SRG-' || translate(lpad(upper(to_hex(number)), 8, '0'), '01', 'GH'), :event_id,
        id, 'confirmed', 'online', first || ' ' || last,
        lower(first || '.' || last) || number || '@example.com', '+919' || id,
        50000, 2500, 52500, 'INR'
    FROM people
    """,
    """
    INSERT INTO units (id, tier_id, number, status, intent_id)
    SELECT 'u' || id, :tier_id, number + 1, 'sold', id FROM people
    """,
    """
    INSERT INTO tickets (id, booking_id, unit_id, seq, code, attendee_name, status)
    SELECT 't' || id, id, 'u' || id, 1, 'code' || id, '', 'valid' FROM people
    """,
    "DROP TABLE people",
)
# Keys and triggers cost the same with and without the index, and are left out.
_BUY = """
    INSERT INTO bookings (id, ref, event_id, intent_id, status, channel, name, email, phone,
                          subtotal_paise, fee_paise, total_paise, currency)
    SELECT 'n' || g, 'SRG-' || translate(lpad(upper(to_hex(g)), 8, 'Z'), '01', 'GH'), :event_id,
        'n' || g, 'confirmed', 'online', 'Meera ' || substr(md5(g::text), 1, 8),
        substr(md5(g::text), 9, 12) || '@example.org', '+918' || lpad(g::text, 9, '0'),
        50000, 2500, 52500, 'INR'
    FROM CAST(:number AS int) AS g
"""
_PURCHASES = 5_000
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_QUERIES = (
    "zoe rao",
    "chatterjeec4ca",
    "0000777777",
    "SRG-GGGF4240",
    "98000123456",
    "nobody of this name",
    "li",
)


def main() -> None:
    """Fill a database in bulk, then search it as an organizer and as a scanner."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await open_sale(services, units=1)
        await _fill(services, event_id=sale.event_id, tier_id=sale.tier_id, bookings=_BOOKINGS)
        for query in _QUERIES:
            wanted = Filter(query)
            await _time(f"desk “{query}”", lambda: services.participants.search(sale.slug, wanted))  # noqa: B023  called before the next round
            await _time(
                f"door “{query}”",
                lambda: services.check_in.search(sale.slug, query, actor=str(time.monotonic_ns())),  # noqa: B023  as above
            )
        with_index = await _buy(services, sale.event_id, 1)
        async with services.database.transaction() as session:
            await session.execute(text("DROP INDEX ix_bookings_search"))
        without = await _buy(services, sale.event_id, 1 + _PURCHASES)
        print(
            f"a booking written: {with_index:.0f} µs of Postgres' CPU with the index, "
            f"{without:.0f} µs without it; no statement more"
        )


async def _buy(services: Container, event_id: str, first: int) -> float:
    """Write bookings one by one; return the CPU of Postgres for each, in µs."""
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL session_replication_role = replica"))
        pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        before = _cpu_seconds(pid)
        for number in range(first, first + _PURCHASES):
            await session.execute(text(_BUY), {"event_id": event_id, "number": number})
        return (_cpu_seconds(pid) - before) / _PURCHASES * 1_000_000


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


async def _fill(services: Container, **values: object) -> None:
    started = time.perf_counter()
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
        for statement in _FILL:
            used = {name: value for name, value in values.items() if f":{name}" in statement}
            await session.execute(text(statement), used)
    async with services.database.transaction() as session:
        # A million rows take longer than any query of the application may.
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
        await session.execute(text("ANALYZE"))
    print(f"{_BOOKINGS:,} bookings written in {time.perf_counter() - started:.0f} s")


async def _time(label: str, search: Callable[[], Awaitable[object]]) -> None:
    took: list[float] = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        await search()
        took.append((time.perf_counter() - started) * 1000)
    print(f"{label}: median {median(took):.1f} ms, slowest {max(took):.1f} ms")
