"""Money and messages that Surge cannot resolve automatically."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_MAX_ITEMS = 100
_IS_UNPAID = """b.status = 'confirmed' AND b.total_paise > 0
            AND NOT EXISTS (SELECT FROM payments p
                WHERE p.intent_id = b.intent_id AND p.disposition = 'applied')
            AND NOT EXISTS (SELECT FROM audit_log a
                WHERE a.subject = b.ref AND a.action = 'booking.unpaid')"""
_OPEN = text(
    f"""
    SELECT kind, id, at, event, subject, amount_paise, detail FROM (
        SELECT 'unmatched_payment' AS kind, u.id, u.seen_at AS at, '' AS event,
            u.order_id AS subject, u.amount_paise, u.status AS detail
        FROM unmatched_payments u WHERE u.resolved_at IS NULL
        UNION ALL
        SELECT 'undecided_payment', p.id, p.created_at, e.slug, p.order_id, p.amount_paise,
            p.status
        FROM payments p JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
        WHERE p.status = 'captured' AND p.disposition IS NULL
            AND p.created_at < clock_timestamp() - interval '1 minute'
        UNION ALL
        SELECT CASE WHEN r.by_hand THEN 'cash_refund' ELSE 'stuck_refund' END, r.id, r.created_at,
            e.slug, coalesce(b.ref, p.order_id), r.amount_paise, coalesce(r.last_error, r.status)
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
        LEFT JOIN bookings b ON b.intent_id = i.id
        WHERE r.status IN ('requested', 'sent', 'failed') AND r.next_attempt_at IS NULL
        UNION ALL
        SELECT 'stuck_webhook', w.id, w.received_at, '', w.provider || ' ' || w.event_id, 0,
            coalesce(w.last_error, '')
        FROM webhook_inbox w
        WHERE w.processed_at IS NULL AND w.received_at < clock_timestamp() - interval '1 minute'
        UNION ALL
        SELECT 'dead_message', m.id, m.created_at, e.slug, coalesce(b.ref, ''), 0,
            m.channel || ' to ' || m.recipient || ': '
                || coalesce(m.delivery_detail, m.last_error, m.delivery, '')
        FROM message_outbox m JOIN intents i ON i.id = m.intent_id
        JOIN events e ON e.id = i.event_id LEFT JOIN bookings b ON b.id = m.booking_id
        WHERE (m.status = 'dead' OR m.delivery IN ('bounced', 'failed'))
            AND m.resolved_at IS NULL AND m.kind NOT IN ('contact_changed', 'contact_code')
        UNION ALL
        SELECT 'unpaid_booking', b.id, b.created_at, e.slug, b.ref, b.total_paise,
            'confirmed, and no payment is applied to it'
        FROM bookings b JOIN events e ON e.id = b.event_id WHERE {_IS_UNPAID}
    ) AS open_items ORDER BY at LIMIT {_MAX_ITEMS}
    """  # noqa: S608  a constant of ours
)
_RESOLVE = text(
    """
    UPDATE unmatched_payments SET resolved_at = clock_timestamp()
    WHERE id = :id AND resolved_at IS NULL RETURNING id
    """
)


async def open_items(session: AsyncSession) -> Sequence[RowMapping]:
    """Return the open items, the oldest first, at most 100."""
    return (await session.execute(_OPEN)).mappings().all()


async def resolve(session: AsyncSession, payment_id: str) -> bool:
    """Close an unmatched payment; whether it was open."""
    return (await session.execute(_RESOLVE, {"id": payment_id})).scalar() is not None


async def order_of(session: AsyncSession, payment_id: str) -> str | None:
    """Return the order of a captured payment nothing was decided about."""
    query = text(
        "SELECT order_id FROM payments"
        " WHERE id = :id AND status = 'captured' AND disposition IS NULL"
    )
    return (await session.execute(query, {"id": payment_id})).scalar()


async def unpaid_booking(session: AsyncSession, booking_id: str) -> str | None:
    """Lock a booking and return its reference, if its payment is missing and the item is open."""
    named = {"id": booking_id}
    # A transaction that waited for the lock reads again after it.
    await session.execute(text("SELECT FROM bookings WHERE id = :id FOR UPDATE"), named)
    query = text(f"SELECT b.ref FROM bookings b WHERE b.id = :id AND {_IS_UNPAID}")  # noqa: S608
    return (await session.execute(query, named)).scalar()


async def is_unprocessed(session: AsyncSession, event_id: str) -> bool:
    """Return whether a stored webhook is not processed yet."""
    query = text("SELECT FROM webhook_inbox WHERE id = :id AND processed_at IS NULL")
    return (await session.execute(query, {"id": event_id})).first() is not None
