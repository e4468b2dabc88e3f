"""Queries over units: claiming, giving back, counting."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Unit, UnitStatus

# Ordered by (tier_id, number), which only the partial index of available units serves.
_CLAIM = text(
    """
    WITH picked AS (
        SELECT id FROM units
        WHERE tier_id = :tier_id AND status = 'available'
        ORDER BY tier_id, number
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


_COUNTS = text(
    """
    SELECT t.id, t.capacity,
        (SELECT count(*) FROM units u WHERE u.tier_id = t.id AND u.status = 'available')
            AS available,
        (SELECT count(*) FROM units u WHERE u.tier_id = t.id AND u.status = 'held') AS held
    FROM tiers t WHERE t.id = ANY (:tier_ids)
    """
)
_LEFTOVER = text(
    """
    SELECT
        (SELECT count(*) FROM (
            SELECT FROM units WHERE tier_id = :tier_id AND status = 'available' LIMIT :most
        ) AS seen) AS free,
        EXISTS (
            SELECT FROM units
            WHERE tier_id = :tier_id AND status = 'held' AND intent_id <> :but_of
        ) AS is_held
    """
)
# A tier outside its own window offers nothing to waiting visitors now.
_STOCK = text(
    """
    SELECT e.id AS event_id, e.slug,
        sum(tiers.available) FILTER (WHERE tiers.is_open) AS available,
        sum(tiers.held) FILTER (WHERE tiers.is_open) AS held,
        sum(tiers.capacity - tiers.available - tiers.held) AS sold,
        array_agg(tiers.available ORDER BY tiers.position, tiers.id) AS by_tier,
        (SELECT count(*) FROM intents i
         WHERE i.event_id = e.id AND i.status IN ('held', 'paying')) AS holders
    FROM events e
    JOIN (
        SELECT t.id, t.position, t.event_id, t.capacity,
            coalesce(t.sales_open_at <= clock_timestamp(), true)
                AND coalesce(t.sales_close_at > clock_timestamp(), true) AS is_open,
            (SELECT count(*) FROM units u
             WHERE u.tier_id = t.id AND u.status = 'available') AS available,
            (SELECT count(*) FROM units u
             WHERE u.tier_id = t.id AND u.status = 'held') AS held
        FROM tiers t WHERE t.event_id = ANY (:event_ids)
    ) AS tiers ON tiers.event_id = e.id
    GROUP BY e.id, e.slug
    """
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Units of a tier by status, without withdrawn ones."""

    available: int = 0
    held: int = 0
    sold: int = 0

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


@dataclass(frozen=True, slots=True)
class Leftover:
    """The units that a short request could still get.

    Attributes:
        free: Units that are free by what is committed, counted no further than asked.
        is_held: Whether others hold units that may come back.
    """

    free: int
    is_held: bool


async def leftover(session: AsyncSession, *, tier_id: str, but_of: str, most: int) -> Leftover:
    """Look at what is left of a tier, passing no judgement on rows others have locked.

    Args:
        but_of: An intent whose own units do not count as held by others.
        most: Where to stop counting.
    """
    row = (
        await session.execute(_LEFTOVER, {"tier_id": tier_id, "but_of": but_of, "most": most})
    ).one()
    return Leftover(int(row.free), bool(row.is_held))


async def counts_by_tier(session: AsyncSession, tier_ids: Iterable[str]) -> dict[str, Counts]:
    """Count the units of tiers, all in one query.

    Sold is what the capacity leaves, so that a large sold tier costs nothing to count; the audit
    is what checks that all three add up.
    """
    result = await session.execute(_COUNTS, {"tier_ids": list(tier_ids)})
    return {
        row.id: Counts(row.available, row.held, row.capacity - row.available - row.held)
        for row in result
    }


@dataclass(frozen=True, slots=True)
class EventStock:
    """Stock of one event, as the queue needs it.

    The units of a tier outside its own sale window are not counted.

    Attributes:
        holders: Visitors with a live intent; they no longer compete for free units.
        by_tier: Free units of each tier, in the order of the tiers.
    """

    event_id: str
    slug: str
    available: int
    held: int
    sold: int
    holders: int
    by_tier: list[int]


async def stock(session: AsyncSession, event_ids: Iterable[str]) -> list[EventStock]:
    """Return the stock of events, all in one query."""
    result = await session.execute(_STOCK, {"event_ids": list(event_ids)})
    return [
        EventStock(
            row.event_id,
            row.slug,
            int(row.available or 0),
            int(row.held or 0),
            int(row.sold),
            row.holders,
            row.by_tier,
        )
        for row in result
    ]
