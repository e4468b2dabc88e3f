"""Holds per second through the service, against the ideal transaction that pgbench runs.

The ideal is one prepared statement for an intent and one unit, without lines, limits, passes or
idempotency: what Postgres alone could do for as many clients.
"""

from __future__ import annotations

import asyncio

from bench.harness import Pace, Sale, admit, open_sale, pace, pgbench, servers
from surge_app.container import Container, running
from surge_app.services.checkout.views import OrderLine
from surge_app.settings import Settings

_UNITS = 120_000
_SECONDS = 5
_HOLDS = 20_000
_ROUNDS = 3
_CALLERS = (1, 20, 100)
_IDEAL = """
WITH fresh AS (
    INSERT INTO intents (id, event_id, visitor_id, status, subtotal_paise, fee_paise, total_paise,
                         currency, expires_at)
    VALUES (gen_random_uuid()::text, '{event}', gen_random_uuid()::text, 'held', 50000, 2500, 52500,
            'INR', clock_timestamp() + interval '5 minutes')
    RETURNING id
), picked AS (
    SELECT id FROM units WHERE tier_id = '{tier}' AND status = 'available'
    ORDER BY tier_id, number LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE units SET status = 'held', intent_id = fresh.id FROM picked, fresh
WHERE units.id = picked.id;
"""


def main() -> None:
    """Measure with 1, 20 and 100 callers, product and limit in turn on the same server."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        for callers in _CALLERS:
            for _ in range(_ROUNDS):
                await _round(services, settings, callers)


async def _round(services: Container, settings: Settings, callers: int) -> None:
    ideal = await open_sale(services, units=_UNITS)
    script = _IDEAL.format(event=ideal.event_id, tier=ideal.tier_id)
    limit = await asyncio.to_thread(pgbench, settings, script, clients=callers, seconds=_SECONDS)
    sale = await open_sale(services, units=_UNITS)
    calls = _HOLDS if callers > 1 else _HOLDS // 20
    found = await holds(services, settings, sale, callers=callers, calls=calls)
    print(
        f"holds, {callers:3} callers: {found.per_second:6,.0f}/s (p50 {found.p50_ms:.1f} ms, "
        f"p99 {found.p99_ms:.1f} ms), pgbench {limit:6,.0f}/s, "
        f"ratio {found.per_second / limit:.2f}",
        flush=True,
    )


async def holds(
    services: Container, settings: Settings, sale: Sale, *, callers: int, calls: int
) -> Pace:
    """Hold one unit for each of `calls` visitors through the service."""
    warm_up = callers * 10
    visitors = iter(admit(settings, sale, calls + warm_up))
    selection = [OrderLine(sale.tier_id, 1)]
    return await pace(
        lambda: services.intents.start(sale.slug, next(visitors), selection),
        callers=callers,
        calls=calls,
        warm_up=warm_up,
    )
