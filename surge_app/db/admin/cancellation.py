"""Queries over what becomes of the bookings of a cancelled event."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Booking, BookingStatus, Event, EventPhase


async def to_refund(session: AsyncSession, *, limit: int) -> Sequence[str]:
    """Return references of bookings whose event was cancelled and whose money is still ours."""
    result = await session.scalars(
        select(col(Booking.ref))
        .join(Event, col(Event.id) == col(Booking.event_id))
        .where(
            col(Event.phase) == EventPhase.CANCELLED,
            col(Booking.status) == BookingStatus.CONFIRMED,
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
