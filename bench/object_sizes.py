"""What a lone hold costs in small and large tiers, half sold, and after much coming and going."""

from __future__ import annotations

import asyncio

from sqlalchemy import text

from bench.harness import Pace, Sale, admit, open_sale, pace, servers
from surge_app.clock import new_id
from surge_app.container import Container, running
from surge_app.db.checkout import holds
from surge_app.db.events import units
from surge_app.services.checkout.views import OrderLine
from surge_app.settings import Settings

_SIZES = (1_000, 10_000, 100_000, 1_000_000)
_CALLS = 300
_CYCLES = 100_000
_TOGETHER = 200
_GROW = text(
    """
    INSERT INTO units (id, tier_id, number, status)
    SELECT gen_random_uuid()::text, :tier_id, number, 'available'
    FROM generate_series(2, CAST(:last AS int)) AS number
    """
)
_SELL = text(
    """
    WITH buyer AS (
        INSERT INTO intents (id, event_id, visitor_id, status, subtotal_paise, fee_paise,
                             total_paise, currency, expires_at)
        VALUES (:intent_id, :event_id, 'someone', 'confirmed', 100, 0, 100, 'INR', now())
        RETURNING id
    )
    UPDATE units SET status = 'sold', intent_id = buyer.id FROM buyer
    WHERE tier_id = :tier_id AND number <= :last
    """
)


def main() -> None:
    """Measure each size, then the largest again after 100,000 holds were made and released."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        first: Pace | None = None
        for size in _SIZES:
            sale = await _half_sold(services, size)
            found = await _lone(services, settings, sale)
            first = first or found
            _tell(f"{size:9,} units, half of them sold", found, first)
            if size == _SIZES[-1] and first is not None:
                await _come_and_go(services, sale)
                found = await _lone(services, settings, sale)
                _tell(f"{size:9,} units, after {_CYCLES:,} holds and releases", found, first)


def _tell(what: str, found: Pace, first: Pace) -> None:
    ratio = found.p50_ms / first.p50_ms
    print(
        f"lone hold, {what}: p50 {found.p50_ms:.2f} ms, p99 {found.p99_ms:.2f} ms, "
        f"ratio to the smallest {ratio:.2f}",
        flush=True,
    )


async def _half_sold(services: Container, size: int) -> Sale:
    sale = await open_sale(services, units=1)
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(_GROW, {"tier_id": sale.tier_id, "last": size})
        values = {"event_id": sale.event_id, "tier_id": sale.tier_id, "last": size // 2}
        await session.execute(_SELL, {**values, "intent_id": new_id()})
        await session.execute(
            text("UPDATE tiers SET capacity = :size WHERE id = :id"),
            {"size": size, "id": sale.tier_id},
        )
    return sale


async def _lone(services: Container, settings: Settings, sale: Sale) -> Pace:
    visitors = iter(admit(settings, sale, _CALLS * 2))
    selection = [OrderLine(sale.tier_id, 1)]
    return await pace(
        lambda: services.intents.start(sale.slug, next(visitors), selection),
        callers=1,
        calls=_CALLS,
        warm_up=20,
    )


async def _come_and_go(services: Container, sale: Sale) -> None:
    for _ in range(_CYCLES // _TOGETHER):
        asks = [
            holds.HoldRequest(
                id=new_id(),
                event_id=sale.event_id,
                visitor_id=new_id(),
                subtotal_paise=100,
                fee_paise=0,
                currency="INR",
                hold_seconds=300,
                lines=(holds.HoldRequestLine(new_id(), sale.tier_id, 1, 100),),
            )
            for _ in range(_TOGETHER)
        ]
        await holds.hold(services.database, asks)
        async with services.database.transaction() as session:
            await units.release(session, [ask.id for ask in asks])
