"""Queries of organizers who change what is on sale, while it is on sale.

The locks taken here leave a row's key alone, so they let every hold pass: a hold only makes sure
that event and tier stay where they are.
"""

from __future__ import annotations

from sqlalchemy import func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.clock import new_id
from surge_app.db.events import units
from surge_app.models import Event, Tier, Unit

# From the far end: the claim takes the lowest numbers, so the two seldom meet.
_WITHDRAW = text(
    """
    WITH picked AS (
        SELECT id FROM units
        WHERE tier_id = :tier_id AND status = 'available'
        ORDER BY tier_id DESC, number DESC
        LIMIT :quantity
        FOR UPDATE SKIP LOCKED
    )
    UPDATE units SET status = 'withdrawn' FROM picked WHERE units.id = picked.id
    RETURNING units.id
    """
)
_PUT_BACK = text(
    """
    WITH picked AS (
        SELECT id FROM units
        WHERE tier_id = :tier_id AND status = 'withdrawn'
        ORDER BY number
        LIMIT :quantity
        FOR UPDATE
    )
    UPDATE units SET status = 'available' FROM picked WHERE units.id = picked.id
    RETURNING units.id
    """
)


async def event(session: AsyncSession, slug: str) -> Event | None:
    """Return an event, locked against other changes by organizers."""
    query = select(Event).where(col(Event.slug) == slug).with_for_update(key_share=True)
    return await session.scalar(query.execution_options(populate_existing=True))


async def tier(session: AsyncSession, *, event_id: str, tier: str) -> Tier | None:
    """Return a tier by its id or its name, locked against other changes by organizers."""
    query = (
        select(Tier)
        .where(col(Tier.event_id) == event_id, or_(col(Tier.id) == tier, col(Tier.name) == tier))
        .order_by((col(Tier.id) == tier).desc())
        .limit(1)
        .with_for_update(key_share=True)
    )
    return await session.scalar(query.execution_options(populate_existing=True))


async def next_position(session: AsyncSession, event_id: str) -> int:
    """Return where another tier of an event comes: behind the last."""
    last = await session.scalar(
        select(func.max(col(Tier.position))).where(col(Tier.event_id) == event_id)
    )
    return 0 if last is None else last + 1


async def withdraw(session: AsyncSession, *, tier_id: str, quantity: int) -> int:
    """Take up to `quantity` free units off sale, passing over rows others have locked.

    Returns:
        How many were taken; the caller rolls back if that is too few.
    """
    result = await session.execute(_WITHDRAW, {"tier_id": tier_id, "quantity": quantity})
    return len(result.all())


async def supply(session: AsyncSession, *, tier_id: str, quantity: int) -> None:
    """Put `quantity` units on sale: withdrawn ones first, and new ones for the rest.

    Callers hold the tier's lock, so no two of them give out the same numbers.
    """
    result = await session.execute(_PUT_BACK, {"tier_id": tier_id, "quantity": quantity})
    missing = quantity - len(result.all())
    if missing == 0:
        return
    last = await session.scalar(
        select(func.max(col(Unit.number))).where(col(Unit.tier_id) == tier_id)
    )
    ids = [new_id() for _ in range(missing)]
    await units.add(session, tier_id=tier_id, ids=ids, first_number=(last or 0) + 1)
