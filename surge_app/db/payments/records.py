"""Queries over payments and the webhook inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.engine import Database
from surge_app.db.leases import lease_due
from surge_app.models import Dispute, Event, Intent, Payment, WebhookEventRow

_NOW = func.clock_timestamp()
# What becomes of a payment is decided once: a later webhook about it changes nothing.
_STORE = """
INSERT INTO webhook_inbox (
    id, provider, event_id, body_sha256, body, attempts, next_attempt_at, trace,
    processed_at, outcome
)
SELECT x.id, x.provider, x.event_id, x.body_sha256, x.body, 0, x.next_attempt_at, x.trace,
    CASE WHEN p.id IS NOT NULL THEN clock_timestamp() END,
    CASE WHEN p.id IS NOT NULL THEN 'settled before' END
FROM unnest(
    %(ids)s::text[], %(providers)s::text[], %(event_ids)s::text[], %(digests)s::bytea[],
    %(bodies)s::bytea[], %(due)s::timestamptz[], %(traces)s::text[], %(payment_ids)s::text[]
) AS x (id, provider, event_id, body_sha256, body, next_attempt_at, trace, payment_id)
LEFT JOIN payments p ON p.id = x.payment_id AND p.disposition IS NOT NULL
ON CONFLICT DO NOTHING
RETURNING id, processed_at IS NOT NULL AS is_done
"""
_FINISH = """
UPDATE webhook_inbox SET processed_at = clock_timestamp(), outcome = x.outcome, last_error = NULL
FROM unnest(%(ids)s::text[], %(outcomes)s::text[]) AS x (id, outcome)
WHERE webhook_inbox.id = x.id
"""
_ORDER_AND_BOOKING = """
SELECT i.order_id, b.ref, b.status FROM intents i
LEFT JOIN payments p ON p.id = %(payment_id)s AND p.intent_id = i.id AND p.disposition = 'applied'
LEFT JOIN bookings b ON b.intent_id = p.intent_id
WHERE i.order_id = %(order_id)s
"""


# A later word never takes back how a dispute ended; what changes it needs a decision again.
_STORE_DISPUTE = text(
    """
    INSERT INTO disputes (id, payment_id, amount_paise, reason, status, respond_by, resolved_at)
    SELECT :id, p.id, :amount_paise, :reason, :status, :respond_by,
        CASE WHEN :status IN ('won', 'closed') THEN clock_timestamp() END
    FROM payments p WHERE p.id = :payment_id
    ON CONFLICT (id) DO UPDATE SET amount_paise = EXCLUDED.amount_paise,
        reason = EXCLUDED.reason, respond_by = EXCLUDED.respond_by, status = EXCLUDED.status,
        resolved_at = CASE WHEN disputes.status = EXCLUDED.status THEN disputes.resolved_at
            ELSE EXCLUDED.resolved_at END
    WHERE disputes.status NOT IN ('won', 'lost', 'closed')
    """
)


async def store_dispute(session: AsyncSession, dispute: Mapping[str, object]) -> bool:
    """Store how a dispute stands; False if its payment is none of ours."""
    await session.execute(_STORE_DISPUTE, dict(dispute))
    return await by_id(session, str(dispute["payment_id"])) is not None


async def disputes(session: AsyncSession, intent_id: str) -> Sequence[Dispute]:
    """Return the disputes of an intent's payments, the newest first."""
    result = await session.scalars(
        select(Dispute)
        .join(Payment, col(Payment.id) == col(Dispute.payment_id))
        .where(col(Payment.intent_id) == intent_id)
        .order_by(col(Dispute.created_at).desc())
    )
    return result.all()


async def by_id(session: AsyncSession, payment_id: str) -> Payment | None:
    """Return a payment."""
    return await session.scalar(select(Payment).where(col(Payment.id) == payment_id))


async def order_and_booking(
    database: Database, order_id: str, payment_id: str
) -> tuple[str, str | None, str | None] | None:
    """Return an order of ours as it is stored, and reference and status of what it bought.

    The booking is left out unless this very payment was applied to it.
    """
    values = {"order_id": order_id, "payment_id": payment_id}
    found = await database.rows(_ORDER_AND_BOOKING, values)
    return tuple(found[0]) if found else None


async def stored_orders(session: AsyncSession, order_ids: Sequence[str]) -> set[str]:
    """Return those of these orders that are ours."""
    result = await session.scalars(
        select(col(Intent.order_id)).where(col(Intent.order_id).in_(order_ids))
    )
    return {order_id for order_id in result.all() if order_id is not None}


async def event_of_order(session: AsyncSession, order_id: str) -> str | None:
    """Return the slug of the event an order was made for."""
    return await session.scalar(
        select(col(Event.slug))
        .join(Intent, col(Intent.event_id) == col(Event.id))
        .where(col(Intent.order_id) == order_id)
    )


async def store_events(
    database: Database, events: Sequence[tuple[WebhookEventRow, str | None]]
) -> Mapping[str, bool]:
    """Store webhooks, each with the payment it is about, if any.

    Returns:
        By the ids of those that are new, whether their payment was settled before, which leaves
        nothing to process. New is what neither its event id nor its signed body, under whatever
        event id, was stored before.
    """
    rows = [event for event, _ in events]
    found = await database.rows(
        _STORE,
        {
            "ids": [row.id for row in rows],
            "providers": [row.provider for row in rows],
            "event_ids": [row.event_id for row in rows],
            "digests": [row.body_sha256 for row in rows],
            "bodies": [row.body for row in rows],
            "due": [row.next_attempt_at for row in rows],
            "traces": [row.trace for row in rows],
            "payment_ids": [payment_id for _, payment_id in events],
        },
    )
    return {row.id: row.is_done for row in found}


async def events_by_id(
    session: AsyncSession, event_ids: Sequence[str]
) -> Sequence[WebhookEventRow]:
    """Return stored webhooks by our own ids."""
    query = select(WebhookEventRow).where(col(WebhookEventRow.id).in_(event_ids))
    return (await session.scalars(query)).all()


async def lease_due_events(
    session: AsyncSession, *, limit: int, lease: timedelta
) -> Sequence[WebhookEventRow]:
    """Lease webhook events that are not processed yet; see `lease_due`."""
    is_waiting = col(WebhookEventRow.processed_at).is_(None)
    return await lease_due(session, WebhookEventRow, is_waiting, limit=limit, lease=lease)


async def finish_events(database: Database, outcomes: Mapping[str, str]) -> None:
    """Mark webhooks as processed, each with what became of it, by their ids."""
    if outcomes:
        values = {"ids": list(outcomes), "outcomes": list(outcomes.values())}
        await database.rows(_FINISH, values)


async def postpone_event(
    session: AsyncSession, event_id: str, *, delay: timedelta, error: str
) -> None:
    """Try a webhook again later."""
    await session.execute(
        update(WebhookEventRow)
        .where(col(WebhookEventRow.id) == event_id)
        .values(next_attempt_at=_NOW + delay, last_error=error)
    )
