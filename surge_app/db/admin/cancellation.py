"""Queries over the end of an event: its refunds, and the deletion of a draft."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Booking, BookingStatus, Event, EventPhase

# What was given back of a confirmed booking is in the ledger.
_REFUNDABLE = text(
    """
    SELECT coalesce(sum(b.total_paise), 0) - coalesce((
        SELECT sum(g.amount_paise) FROM ledger_entries g JOIN bookings r ON r.id = g.booking_id
        WHERE g.refund_id IS NOT NULL AND g.kind IN ('refund_owed', 'refund_fee_owed')
            AND r.event_id = :event_id AND r.status = 'confirmed'), 0)
    FROM bookings b WHERE b.event_id = :event_id AND b.status = 'confirmed'
    """
)
_DELETE_DRAFT = (
    "DELETE FROM event_covers WHERE event_id = :event_id",
    "DELETE FROM units WHERE tier_id IN (SELECT id FROM tiers WHERE event_id = :event_id)",
    "DELETE FROM tiers WHERE event_id = :event_id",
    "DELETE FROM events WHERE id = :event_id AND phase = 'draft'",
)


async def refundable_paise(session: AsyncSession, event_id: str) -> int:
    """Return what cancelling an event gives back."""
    return int(await session.scalar(_REFUNDABLE, {"event_id": event_id}) or 0)


async def delete_draft(session: AsyncSession, event_id: str) -> None:
    """Delete a draft and everything that belongs to it."""
    for statement in _DELETE_DRAFT:
        await session.execute(text(statement), {"event_id": event_id})


async def has_holds(session: AsyncSession, event_id: str) -> bool:
    """Whether anyone ever held tickets of an event."""
    query = text("SELECT EXISTS (SELECT FROM intents WHERE event_id = :event_id)")
    return bool(await session.scalar(query, {"event_id": event_id}))


async def has_buyers(session: AsyncSession, event_id: str) -> bool:
    """Whether tickets of an event are sold or in a checkout."""
    query = text(
        "SELECT EXISTS (SELECT FROM intents WHERE event_id = :event_id"
        " AND status IN ('held', 'paying', 'confirmed'))"
    )
    return bool(await session.scalar(query, {"event_id": event_id}))


async def to_refund(session: AsyncSession, *, limit: int) -> Sequence[str]:
    """Return references of bookings whose event was cancelled and whose money is still ours."""
    result = await session.scalars(
        select(col(Booking.ref))
        .join(Event, col(Event.id) == col(Booking.event_id))
        .where(
            col(Event.phase) == EventPhase.CANCELLED, col(Booking.status) == BookingStatus.CONFIRMED
        )
        .order_by(col(Booking.id))
        .limit(limit)
    )
    return result.all()


async def by_status(session: AsyncSession, event_id: str) -> dict[str, int]:
    """Count the bookings of an event by their status."""
    result = await session.execute(
        select(col(Booking.status), func.count())
        .where(col(Booking.event_id) == event_id)
        .group_by(col(Booking.status))
    )
    return dict(result.all())
