"""Queries over notices to everybody with a ticket, and the bookings they reach."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import AuditEntry, Booking, EventNotice, Intent, Ticket, TicketStatus


async def by_id(session: AsyncSession, notice_id: str) -> EventNotice | None:
    """Return a notice."""
    return await session.get(EventNotice, notice_id)


async def take_open(session: AsyncSession) -> EventNotice | None:
    """Return the oldest notice that is not written out yet, locked, passing over others' work."""
    return await session.scalar(
        select(EventNotice)
        .where(col(EventNotice.done_at).is_(None))
        .order_by(col(EventNotice.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def next_bookings(
    session: AsyncSession, notice: EventNotice, *, limit: int
) -> Sequence[tuple[Intent, Booking]]:
    """Return bookings a notice has not reached yet, in the order of their ids.

    Whoever had a valid ticket when the notice was given counts, so that a refund that is faster
    leaves nobody out.
    """
    had_a_ticket = exists().where(
        and_(
            col(Ticket.booking_id) == col(Booking.id),
            or_(
                col(Ticket.status) == TicketStatus.VALID,
                col(Ticket.voided_at) >= notice.created_at,
            ),
        )
    )
    query = (
        select(Intent, Booking)
        .join(Intent, col(Intent.id) == col(Booking.intent_id))
        .where(
            col(Booking.event_id) == notice.event_id,
            col(Booking.created_at) <= notice.created_at,
            had_a_ticket,
        )
        .order_by(col(Booking.id))
        .limit(limit)
    )
    if notice.reached is not None:
        query = query.where(col(Booking.id) > notice.reached)
    return [(intent, booking) for intent, booking in (await session.execute(query)).all()]


async def revision(session: AsyncSession, slug: str) -> int:
    """Return how often an event was changed or called off; it only ever grows."""
    found = await session.scalar(
        select(func.count()).where(
            col(AuditEntry.subject) == slug, col(AuditEntry.action).like("event%")
        )
    )
    return int(found or 0)
