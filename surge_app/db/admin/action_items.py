"""Money and messages that Surge cannot resolve automatically."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.models import BALANCE_LOW

# What costs money if it waits comes first.
_ORDER = ", ".join(
    f"'{kind}'"
    for kind in (
        "dispute",
        "undecided_payment",
        "unpaid_booking",
        "stuck_refund",
        "unmatched_refund",
        "stuck_webhook",
        "cash_refund",
        "gateway_refund",
        "dead_message",
        "unmatched_payment",
    )
)
_IS_OPEN = """NOT EXISTS (SELECT FROM audit_log a
            WHERE a.subject = {id} AND a.action = 'refund.noted')"""
_IS_UNPAID = """b.status = 'confirmed' AND b.total_paise > 0
            AND NOT EXISTS (SELECT FROM payments p
                WHERE p.intent_id = b.intent_id AND p.disposition = 'applied')
            AND NOT EXISTS (SELECT FROM audit_log a
                WHERE a.subject = b.ref AND a.action = 'booking.unpaid')"""
_OPEN = text(
    f"""
    SELECT kind, id, at, event, subject, amount_paise, detail, due_at FROM (
        SELECT CASE WHEN u.status = 'refund' THEN 'unmatched_refund' ELSE 'unmatched_payment' END
                AS kind, u.id, u.seen_at AS at, '' AS event,
            coalesce(b.ref, u.order_id) AS subject, u.amount_paise, u.status AS detail,
            CAST(NULL AS timestamptz) AS due_at
        FROM unmatched_payments u LEFT JOIN payments p ON p.id = u.order_id
        LEFT JOIN bookings b ON b.intent_id = p.intent_id
        WHERE u.resolved_at IS NULL
        UNION ALL
        SELECT 'dispute', d.id, d.created_at, e.slug, coalesce(b.ref, d.payment_id),
            d.amount_paise, concat_ws(': ', d.status, nullif(d.reason, '')), d.respond_by
        FROM disputes d JOIN payments p ON p.id = d.payment_id
        JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
        LEFT JOIN bookings b ON b.intent_id = i.id
        WHERE d.resolved_at IS NULL
        UNION ALL
        SELECT 'gateway_refund', r.id, r.created_at, e.slug, b.ref, r.amount_paise,
            r.gateway_id, NULL
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN bookings b ON b.intent_id = p.intent_id JOIN events e ON e.id = b.event_id
        WHERE r.idempotency_key LIKE 'gateway-%' AND {_IS_OPEN.format(id="r.id")}
        UNION ALL
        SELECT 'undecided_payment', p.id, p.created_at, e.slug, p.order_id, p.amount_paise,
            p.status, NULL
        FROM payments p JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
        WHERE p.status = 'captured' AND p.disposition IS NULL
            AND p.created_at < clock_timestamp() - interval '1 minute'
        UNION ALL
        SELECT CASE WHEN r.by_hand THEN 'cash_refund' ELSE 'stuck_refund' END, r.id, r.created_at,
            e.slug, coalesce(b.ref, p.order_id), r.amount_paise,
            CASE WHEN r.by_hand THEN 'Paid by ' || coalesce(p.method, 'cash')
                ELSE coalesce(r.last_error, r.status) END, NULL
        FROM refunds r JOIN payments p ON p.id = r.payment_id
        JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
        LEFT JOIN bookings b ON b.intent_id = i.id
        WHERE r.status IN ('requested', 'sent', 'failed')
            AND (r.next_attempt_at IS NULL OR r.last_error = '{BALANCE_LOW}')
        UNION ALL
        SELECT 'stuck_webhook', w.id, w.received_at, '', w.provider || ' ' || w.event_id, 0,
            coalesce(w.last_error, ''), NULL
        FROM webhook_inbox w
        WHERE w.processed_at IS NULL AND w.received_at < clock_timestamp() - interval '1 minute'
        UNION ALL
        SELECT 'dead_message', m.id, m.created_at, e.slug, coalesce(b.ref, ''), 0,
            m.channel || ' to ' || m.recipient || ': '
                || coalesce(m.delivery_detail, m.last_error, m.delivery, ''), NULL
        FROM message_outbox m JOIN intents i ON i.id = m.intent_id
        JOIN events e ON e.id = i.event_id LEFT JOIN bookings b ON b.id = m.booking_id
        WHERE (m.status = 'dead' OR m.delivery IN ('bounced', 'failed'))
            AND m.resolved_at IS NULL AND m.kind NOT IN ('contact_changed', 'contact_code')
        UNION ALL
        SELECT 'unpaid_booking', b.id, b.created_at, e.slug, b.ref, b.total_paise,
            'confirmed, and no payment is applied to it', NULL
        FROM bookings b JOIN events e ON e.id = b.event_id WHERE {_IS_UNPAID}
    ) AS open_items
    ORDER BY due_at NULLS LAST, array_position(ARRAY[{_ORDER}], kind), at, id
    LIMIT :most OFFSET :skip
    """  # noqa: S608  a constant of ours
)
_RESOLVE = text(
    """
    UPDATE unmatched_payments SET resolved_at = clock_timestamp()
    WHERE id = :id AND resolved_at IS NULL AND (status = 'refund') = :is_refund RETURNING id
    """
)


async def open_items(session: AsyncSession, *, most: int, skip: int) -> Sequence[RowMapping]:
    """Return open items: those with a deadline first, then money, then what only informs."""
    return (await session.execute(_OPEN, {"most": most, "skip": skip})).mappings().all()


async def resolve_dispute(session: AsyncSession, dispute_id: str) -> bool:
    """Note that an organizer knows of a dispute; whether it was open."""
    query = text(
        "UPDATE disputes SET resolved_at = clock_timestamp()"
        " WHERE id = :id AND resolved_at IS NULL RETURNING id"
    )
    return (await session.execute(query, {"id": dispute_id})).scalar() is not None


async def gateway_refund(session: AsyncSession, refund_id: str) -> bool:
    """Lock a refund made in the gateway's dashboard; whether no organizer took note of it."""
    named = {"id": refund_id}
    await session.execute(text("SELECT FROM refunds WHERE id = :id FOR UPDATE"), named)
    query = text(
        "SELECT FROM refunds r WHERE r.id = :id AND r.idempotency_key LIKE 'gateway-%'"
        f" AND {_IS_OPEN.format(id='r.id')}"
    )
    return (await session.execute(query, named)).first() is not None


async def resolve(session: AsyncSession, item_id: str, *, is_refund: bool) -> bool:
    """Close an unmatched payment or refund; whether it was open."""
    values = {"id": item_id, "is_refund": is_refund}
    return (await session.execute(_RESOLVE, values)).scalar() is not None


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
