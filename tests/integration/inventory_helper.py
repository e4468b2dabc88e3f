"""A sale's stock as its tests ask for it: what is free, held and sold, and holds to count."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.kv import keys
from surge_app.services.checkout.views import IntentView, OrderLine
from surge_app.services.events.views import TierView

HOUR = timedelta(hours=1)
ACTOR = "test"


async def tier_of(services: Container, slug: str, at: int = 0) -> TierView:
    """Return a tier as it is now."""
    services.catalog.invalidate()
    return (await services.catalog.event(slug)).tiers[at]


async def counts(services: Container, slug: str) -> tuple[int, int, int, int]:
    """Return available, held, sold and capacity of the first tier."""
    tier = await tier_of(services, slug)
    return tier.available, tier.held, tier.sold, tier.capacity


async def trail(services: Container, slug: str) -> list[tuple[str, str, Any, Any]]:
    """Return what was done to a sale: by whom, what, before and after."""
    query = "SELECT actor, action, before, after FROM audit_log WHERE subject = :slug ORDER BY at"
    async with services.database.transaction() as session:
        rows = await session.execute(text(query), {"slug": slug})
        return [tuple(row) for row in rows]


async def admitted(services: Container, slug: str) -> str:
    """Return a visitor who has a pass."""
    visitor = new_id()
    until = (utc_now() + HOUR).timestamp() * 1000
    await services.redis.zadd(keys.part(slug, "passes"), {visitor: until})
    return visitor


async def hold(services: Container, slug: str, quantity: int) -> tuple[IntentView, str]:
    """Hold tickets of the first tier as a new visitor; returns both."""
    visitor = await admitted(services, slug)
    tier = await tier_of(services, slug)
    intent, _ = await services.intents.start(slug, visitor, [OrderLine(tier.id, quantity)])
    return intent, visitor


async def is_clean(services: Container, slug: str) -> bool:
    """Whether every promise holds for a sale."""
    return all(finding.holds for finding in await services.audit.run(slug=slug))
