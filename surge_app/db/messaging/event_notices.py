"""Queries over notices to all ticket holders of an event, and the bookings that they reach."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping, and_, exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import (
    AuditEntry,
    Booking,
    EventNotice,
    Intent,
    MessageKind,
    Ticket,
    TicketStatus,
)

_MAX_UNREACHED = 20
# The newest confirmation of a channel says whether messages arrive there.
_REACH = text(
    f"""
    WITH reached AS (
        SELECT b.id, b.ref, b.email <> '' AS has_email, b.phone <> '' AS has_phone,
            (SELECT count(*) FROM (
                SELECT DISTINCT ON (m.channel) m.status, m.delivery, m.recipient, m.channel
                FROM message_outbox m WHERE m.intent_id = b.intent_id
                ORDER BY m.channel, m.id DESC) AS newest
             WHERE (newest.status = 'dead' OR newest.delivery IN ('bounced', 'failed'))
                AND newest.recipient = CASE newest.channel WHEN 'email' THEN b.email
                    ELSE b.phone END) AS lost
        FROM bookings b
        WHERE b.event_id = :event_id AND b.created_at <= :until
            AND EXISTS (SELECT FROM tickets t
                WHERE t.booking_id = b.id AND t.status = 'valid')
    ), judged AS (
        SELECT *, NOT has_email AND NOT has_phone AS is_silent,
            lost > 0 AND lost = has_email::int + has_phone::int AS is_lost
        FROM reached
    )
    SELECT count(*) AS bookings, count(*) FILTER (WHERE has_email) AS emails,
        count(*) FILTER (WHERE has_phone) AS texts,
        count(*) FILTER (WHERE is_silent) AS without_contact,
        count(*) FILTER (WHERE is_lost) AS undelivered,
        coalesce((array_agg(ref ORDER BY ref) FILTER (WHERE is_silent OR is_lost))
            [1:{_MAX_UNREACHED}], '{{}}') AS unreached
    FROM judged
    """  # noqa: S608  a constant of ours
)
_SENT = text(
    """
    SELECT n.id, n.kind, n.created_at AS at, n.actor, n.words, coalesce(n.changes, '') AS changes,
        n.changed,
        n.bookings, n.done_at IS NOT NULL AS is_written,
        count(m.id) FILTER (WHERE m.status IN ('pending', 'sending')) AS waiting,
        count(m.id) FILTER (WHERE m.status = 'sent'
            AND coalesce(m.delivery, '') NOT IN ('bounced', 'failed')) AS sent,
        count(m.id) FILTER (WHERE m.status = 'dead' OR m.delivery IN ('bounced', 'failed'))
            AS failed
    FROM event_notices n LEFT JOIN message_outbox m ON m.notice_id = n.id
    WHERE n.event_id = :event_id GROUP BY n.id ORDER BY n.id DESC LIMIT 20
    """
)
# What was decided before the notice is gone already; what its cancellation gives back, is not.
_REFUND = text(
    """
    SELECT coalesce(sum(CASE WHEN g.kind IN ('sale', 'sale_fee') THEN g.amount_paise
        WHEN g.kind IN ('refund_owed', 'refund_fee_owed') AND r.created_at < :at
            THEN -g.amount_paise ELSE 0 END), 0)
    FROM ledger_entries g LEFT JOIN refunds r ON r.id = g.refund_id
    WHERE g.booking_id = :booking_id
    """
)


async def by_id(session: AsyncSession, notice_id: str) -> EventNotice | None:
    """Return a notice."""
    return await session.get(EventNotice, notice_id)


async def take_open(session: AsyncSession) -> EventNotice | None:
    """Lock the oldest notice that is not written out yet, passing over others' work."""
    return await session.scalar(
        select(EventNotice)
        .where(col(EventNotice.done_at).is_(None))
        .order_by(col(EventNotice.id))
        .limit(1)
        .with_for_update(skip_locked=True)
    )


async def latest(session: AsyncSession, event_id: str, kind: MessageKind) -> EventNotice | None:
    """Return the newest notice of a kind."""
    return await session.scalar(
        select(EventNotice)
        .where(col(EventNotice.event_id) == event_id, col(EventNotice.kind) == kind)
        .order_by(col(EventNotice.id).desc())
        .limit(1)
    )


async def known_since(session: AsyncSession, event_id: str) -> datetime | None:
    """Return since when an event has changed unannounced: its last notice or first booking."""
    first = select(func.min(col(Booking.created_at))).where(col(Booking.event_id) == event_id)
    last = select(func.max(col(EventNotice.created_at))).where(
        col(EventNotice.event_id) == event_id, col(EventNotice.kind) == MessageKind.EVENT_CHANGED
    )
    return await session.scalar(
        select(func.greatest(first.scalar_subquery(), last.scalar_subquery()))
    )


async def reach(session: AsyncSession, event_id: str, until: datetime) -> RowMapping:
    """Count the bookings with a valid ticket made until a moment, and those no message reaches."""
    return (await session.execute(_REACH, {"event_id": event_id, "until": until})).mappings().one()


async def listed(session: AsyncSession, event_id: str) -> Sequence[RowMapping]:
    """Return the newest notices of an event, each with what became of its messages."""
    return (await session.execute(_SENT, {"event_id": event_id})).mappings().all()


async def refund_paise(session: AsyncSession, booking_id: str, at: datetime) -> int:
    """Return what a booking gives back after a cancellation, whether that is decided yet or not."""
    return int(await session.scalar(_REFUND, {"booking_id": booking_id, "at": at}) or 0)


async def next_bookings(
    session: AsyncSession, notice: EventNotice, *, limit: int
) -> Sequence[tuple[Intent, Booking]]:
    """Return bookings a notice has not reached yet, in the order of their ids.

    A ticket that was valid when the notice was given counts, so that a faster refund leaves no
    one out.
    """
    had_a_ticket = exists().where(
        and_(
            col(Ticket.booking_id) == col(Booking.id),
            or_(
                col(Ticket.status) == TicketStatus.VALID, col(Ticket.voided_at) >= notice.created_at
            ),
        )
    )
    query = (
        select(Intent, Booking)
        .join(Intent, col(Intent.id) == col(Booking.intent_id))
        .where(
            col(Booking.event_id) == notice.event_id,
            col(Booking.created_at) <= (notice.booked_until or notice.created_at),
            had_a_ticket,
        )
        .order_by(col(Booking.id))
        .limit(limit)
    )
    if notice.reached is not None:
        query = query.where(col(Booking.id) > notice.reached)
    return [(intent, booking) for intent, booking in (await session.execute(query)).all()]


async def edits(session: AsyncSession, slug: str, *, since: datetime) -> Sequence[AuditEntry]:
    """Return the edits of an event after a moment, the oldest first."""
    result = await session.scalars(
        select(AuditEntry)
        .where(
            col(AuditEntry.subject) == slug,
            col(AuditEntry.at) > since,
            col(AuditEntry.action) == "event.change",
        )
        .order_by(col(AuditEntry.at), col(AuditEntry.id))
    )
    return result.all()


async def revision(session: AsyncSession, slug: str, *, with_tickets: bool = False) -> int:
    """Return how often an event was changed or cancelled; it only grows.

    Args:
        with_tickets: Count changes of its ticket types as well.
    """
    actions = ("event%", "tier.%", "stock.%") if with_tickets else ("event%",)
    found = await session.scalar(
        select(func.count()).where(
            col(AuditEntry.subject) == slug,
            or_(*(col(AuditEntry.action).like(one) for one in actions)),
        )
    )
    return int(found or 0)
