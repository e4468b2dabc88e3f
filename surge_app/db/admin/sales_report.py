"""Sums over the whole sale of an event: by day, ticket type and channel, and its payments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

_SALES = text(
    """
    SELECT (b.created_at AT TIME ZONE e.time_zone)::date AS day, b.channel, l.tier_id,
        sum(l.quantity) AS tickets, sum(l.quantity * l.unit_price_paise) AS paise
    FROM bookings b JOIN events e ON e.id = b.event_id
    JOIN intent_lines l ON l.intent_id = b.intent_id
    WHERE b.event_id = :event_id GROUP BY 1, 2, 3 ORDER BY 1
    """
)
_CANCELLED = text(
    """
    SELECT l.tier_id, count(*) AS tickets, sum(l.unit_price_paise) AS paise,
        count(DISTINCT u.id) FILTER (WHERE u.status = 'sold' AND NOT EXISTS (
            SELECT FROM tickets o WHERE o.unit_id = u.id AND o.status = 'valid')) AS withheld
    FROM bookings b JOIN tickets t ON t.booking_id = b.id AND t.status <> 'valid'
    JOIN units u ON u.id = t.unit_id
    JOIN intent_lines l ON l.intent_id = b.intent_id AND l.tier_id = u.tier_id
    WHERE b.event_id = :event_id GROUP BY 1
    """
)
_STEPS = text(
    """
    SELECT
        (SELECT count(DISTINCT i.visitor_id) FROM intents i
         LEFT JOIN bookings b ON b.intent_id = i.id
         WHERE i.event_id = :event_id AND coalesce(b.channel, 'online') = 'online') AS held,
        (SELECT count(DISTINCT i.visitor_id) FROM intents i JOIN bookings b ON b.intent_id = i.id
         WHERE i.event_id = :event_id AND b.channel = 'online') AS paid,
        sampled.admitted, sampled.visits
    FROM (SELECT max(s.admitted) AS admitted, max(s.visits) AS visits
        FROM board_samples s WHERE s.event_id = :event_id) AS sampled
    """
)
_BOX_OFFICE = text(
    """
    SELECT p.method, sum(p.amount_paise - coalesce((
        SELECT sum(r.amount_paise) FROM refunds r WHERE r.payment_id = p.id), 0)) AS paise
    FROM bookings b JOIN payments p ON p.intent_id = b.intent_id AND p.disposition = 'applied'
    WHERE b.event_id = :event_id AND b.channel = 'box_office' GROUP BY 1
    """
)
_ATTEMPTS = text(
    """
    SELECT count(*) AS attempts, count(*) FILTER (WHERE p.status = 'failed') AS failed
    FROM payments p JOIN intents i ON i.id = p.intent_id
    WHERE i.event_id = :event_id AND p.source = 'gateway'
        AND p.created_at > clock_timestamp() - interval '15 minutes'
    """
)
_PAUSE = text(
    "SELECT actor, at FROM audit_log WHERE subject = :slug AND action = 'queue.pause'"
    " ORDER BY at DESC LIMIT 1"
)

_Rows = Sequence[Row[Any]]


async def sales(session: AsyncSession, event_id: str) -> _Rows:
    """Sum what was sold by day, channel and tier, refunds included."""
    return (await session.execute(_SALES, {"event_id": event_id})).all()


async def cancelled(session: AsyncSession, event_id: str) -> _Rows:
    """Count the cancelled tickets of each tier, their price, and those not back on sale."""
    return (await session.execute(_CANCELLED, {"event_id": event_id})).all()


async def steps(session: AsyncSession, event_id: str) -> Row[Any]:
    """Count the visitors who held and paid, and the most that were ever let in."""
    return (await session.execute(_STEPS, {"event_id": event_id})).one()


async def box_office(session: AsyncSession, event_id: str) -> _Rows:
    """Sum what the box office took by method, minus refunds."""
    return (await session.execute(_BOX_OFFICE, {"event_id": event_id})).all()


async def attempts(session: AsyncSession, event_id: str) -> Row[Any]:
    """Count the payments of the last quarter of an hour, and those that failed."""
    return (await session.execute(_ATTEMPTS, {"event_id": event_id})).one()


async def last_pause(session: AsyncSession, slug: str) -> Row[Any] | None:
    """Return who paused the queue last, and when."""
    return (await session.execute(_PAUSE, {"slug": slug})).first()
