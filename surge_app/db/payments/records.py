"""Queries over payments and the webhook inbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bulk_insert import insert_many
from surge_app.db.leases import lease_due
from surge_app.models import Dispute, Event, Intent, Payment, WebhookEventRow

_NOW = func.clock_timestamp()
_FINISH = text(
    """
    UPDATE webhook_inbox SET processed_at = clock_timestamp(), outcome = x.outcome,
        last_error = NULL
    FROM unnest(CAST(:ids AS text[]), CAST(:outcomes AS text[])) AS x (id, outcome)
    WHERE webhook_inbox.id = x.id
    """
)


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


async def stored_orders(session: AsyncSession, order_ids: Sequence[str]) -> dict[str, str]:
    """Return those of these orders that are ours, as they are stored; unlocked."""
    result = await session.scalars(
        select(col(Intent.order_id)).where(col(Intent.order_id).in_(order_ids))
    )
    return {order_id: order_id for order_id in result.all() if order_id is not None}


async def event_of_order(session: AsyncSession, order_id: str) -> str | None:
    """Return the slug of the event an order was made for."""
    return await session.scalar(
        select(col(Event.slug))
        .join(Intent, col(Intent.event_id) == col(Event.id))
        .where(col(Intent.order_id) == order_id)
    )


async def store_events(session: AsyncSession, events: Sequence[WebhookEventRow]) -> set[str]:
    """Store webhooks.

    Returns:
        The ids of those that are new: neither the event nor its signed body, under whatever
        event id, was stored before.
    """
    await insert_many(session, events, on_conflict="ON CONFLICT DO NOTHING")
    stored = await session.scalars(
        select(col(WebhookEventRow.id)).where(
            col(WebhookEventRow.id).in_([event.id for event in events])
        )
    )
    return set(stored.all())


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


async def finish_events(session: AsyncSession, outcomes: Mapping[str, str]) -> None:
    """Mark webhooks as processed, each with what became of it, by their ids."""
    if outcomes:
        values = {"ids": list(outcomes), "outcomes": list(outcomes.values())}
        await session.execute(_FINISH, values)


async def postpone_event(
    session: AsyncSession, event_id: str, *, delay: timedelta, error: str
) -> None:
    """Try a webhook again later."""
    await session.execute(
        update(WebhookEventRow)
        .where(col(WebhookEventRow.id) == event_id)
        .values(next_attempt_at=_NOW + delay, last_error=error)
    )
