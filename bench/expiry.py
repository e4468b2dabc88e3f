"""How long the job takes to give back 10,000 holds that end at the same moment."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import text

from bench.harness import admit, open_sale, pace, servers
from surge_app.container import running
from surge_app.services.checkout.views import OrderLine
from surge_app.settings import Settings

_HOLDS = 10_000
_CALLERS = 100


def main() -> None:
    """Hold, let all deadlines pass at once, and run the expiry job until nothing is overdue."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await open_sale(services, units=_HOLDS)
        visitors = iter(admit(settings, sale, _HOLDS))
        selection = [OrderLine(sale.tier_id, 1)]
        made = await pace(
            lambda: services.intents.start(sale.slug, next(visitors), selection),
            callers=_CALLERS,
            calls=_HOLDS,
        )
        async with services.database.transaction() as session:
            await session.execute(text("UPDATE intents SET expires_at = clock_timestamp()"))
        started = time.perf_counter()
        ended = await services.reconciliation.expire_holds()
        seconds = time.perf_counter() - started
    print(
        f"expiry: {ended:,} holds that ended at once were given back in {seconds:.2f} s "
        f"({ended / seconds:,.0f}/s; they were made at {made.per_second:,.0f}/s)"
    )
