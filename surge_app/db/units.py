"""Queries over units: claiming, giving back, counting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, bindparam, func, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Event, Tier, Unit, UnitStatus

# Ordered by (tier_id, number), which only the partial index of available units serves.
_CLAIM = text(
    """
    WITH picked AS (
        SELECT id FROM units
        WHERE tier_id = :tier_id AND status = 'available'
        ORDER BY number
        LIMIT :quantity
        FOR UPDATE SKIP LOCKED
    )
    UPDATE units SET status = 'held', intent_id = :intent_id
    FROM picked WHERE units.id = picked.id
    RETURNING units.id
    """
)
_ADD = text(
    """
    INSERT INTO units (id, tier_id, number, status)
    SELECT id, :tier_id, number, 'available'
    FROM unnest(CAST(:ids AS text[]), CAST(:numbers AS int[])) AS fresh (id, number)
    """
).bindparams(bindparam("ids"), bindparam("numbers"))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many units of a tier are in each status; withdrawn ones are no part of its capacity."""

    available: int = 0
    held: int = 0
    sold: int = 0
    withdrawn: int = 0

    @property
    def capacity(self) -> int:
        """All units that are or were on sale."""
        return self.available + self.held + self.sold


async def claim(session: AsyncSession, *, tier_id: str, intent_id: str, quantity: int) -> int:
    """Hold up to `quantity` free units for an intent, passing over rows others have locked.

    Returns:
        How many were taken; the caller rolls back if that is too few.
    """
    result = await session.execute(
        _CLAIM, {"tier_id": tier_id, "intent_id": intent_id, "quantity": quantity}
    )
    return len(result.all())


async def release(session: AsyncSession, intent_ids: Iterable[str]) -> None:
    """Give the held units of intents back to everyone."""
    await session.execute(
        update(Unit)
        .where(col(Unit.intent_id).in_(list(intent_ids)), col(Unit.status) == UnitStatus.HELD)
        .values(status=UnitStatus.AVAILABLE, intent_id=None)
    )


async def sell(session: AsyncSession, intent_id: str) -> list[str]:
    """Mark the held units of an intent as sold and return their ids, in a stable order."""
    result = await session.execute(
        update(Unit)
        .where(col(Unit.intent_id) == intent_id, col(Unit.status) == UnitStatus.HELD)
        .values(status=UnitStatus.SOLD)
        .returning(col(Unit.id), col(Unit.tier_id), col(Unit.number))
    )
    return [row.id for row in sorted(result, key=lambda row: (row.tier_id, row.number))]


async def restock(session: AsyncSession, unit_ids: Iterable[str]) -> None:
    """Put sold units back on sale."""
    await session.execute(
        update(Unit)
        .where(col(Unit.id).in_(list(unit_ids)), col(Unit.status) == UnitStatus.SOLD)
        .values(status=UnitStatus.AVAILABLE, intent_id=None)
    )


async def add(session: AsyncSession, *, tier_id: str, ids: list[str], first_number: int) -> None:
    """Create available units, numbered on from `first_number`."""
    numbers = list(range(first_number, first_number + len(ids)))
    await session.execute(_ADD, {"tier_id": tier_id, "ids": ids, "numbers": numbers})


async def counts_by_tier(session: AsyncSession, tier_ids: Iterable[str]) -> dict[str, Counts]:
    """Count the units of tiers, all in one query."""
    result = await session.execute(
        select(col(Unit.tier_id), col(Unit.status), func.count())
        .where(col(Unit.tier_id).in_(list(tier_ids)))
        .group_by(col(Unit.tier_id), col(Unit.status))
    )
    found: dict[str, dict[str, int]] = {}
    for tier_id, status, count in result.all():
        found.setdefault(tier_id, {})[status] = count
    return {tier_id: Counts(**by_status) for tier_id, by_status in found.items()}


@dataclass(frozen=True, slots=True)
class EventStock:
    """Stock of one event, as the line needs it.

    What a tier outside its own sale window has is nothing anybody could come in for.

    Attributes:
        holders: Visitors with a live intent; they no longer compete for free units.
    """

    event_id: str
    slug: str
    available: int
    held: int
    sold: int
    holders: int


async def stock(session: AsyncSession) -> list[EventStock]:
    """Return the stock of every event, all in one query."""
    now = func.clock_timestamp()
    is_open = and_(
        func.coalesce(col(Tier.sales_open_at) <= now, true()),
        func.coalesce(col(Tier.sales_close_at) > now, true()),
    )
    result = await session.execute(
        select(
            col(Event.id),
            col(Event.slug),
            func.count().filter(col(Unit.status) == UnitStatus.AVAILABLE, is_open),
            func.count().filter(col(Unit.status) == UnitStatus.HELD, is_open),
            func.count().filter(col(Unit.status) == UnitStatus.SOLD),
            func.count(col(Unit.intent_id).distinct()).filter(col(Unit.status) == UnitStatus.HELD),
        )
        .join(Tier, col(Tier.event_id) == col(Event.id))
        .join(Unit, col(Unit.tier_id) == col(Tier.id))
        .group_by(col(Event.id), col(Event.slug))
    )
    return [EventStock(*row) for row in result.all()]
