"""Queries over payments and the webhook inbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import InboxEvent, Payment

_NOW = func.clock_timestamp()


async def by_id(session: AsyncSession, payment_id: str) -> Payment | None:
    """Return a payment."""
    return await session.scalar(select(Payment).where(col(Payment.id) == payment_id))


async def store_event(session: AsyncSession, event: InboxEvent) -> bool:
    """Store a webhook.

    Returns:
        False if this event, or the same signed body under another event id, is stored already.
    """
    result = await session.execute(
        insert(InboxEvent)
        .values(**event.model_dump(exclude={"received_at"}))
        .on_conflict_do_nothing()
        .returning(col(InboxEvent.id))
    )
    return result.scalar_one_or_none() is not None


async def event_by_id(session: AsyncSession, event_id: str) -> InboxEvent | None:
    """Return a stored webhook by our own id."""
    return await session.scalar(select(InboxEvent).where(col(InboxEvent.id) == event_id))


async def due_events(
    session: AsyncSession, *, limit: int, lease: timedelta
) -> Sequence[InboxEvent]:
    """Take unprocessed webhooks, passing over rows others work on.

    Taking counts as an attempt and puts the next one `lease` away, so a crash only delays.
    """
    picked = (
        select(col(InboxEvent.id))
        .where(col(InboxEvent.processed_at).is_(None), col(InboxEvent.next_attempt_at) <= _NOW)
        .order_by(col(InboxEvent.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    result = await session.scalars(
        update(InboxEvent)
        .where(col(InboxEvent.id) == picked.c.id)
        .values(attempts=col(InboxEvent.attempts) + 1, next_attempt_at=_NOW + lease)
        .returning(InboxEvent)
    )
    return result.all()


async def finish_event(session: AsyncSession, event_id: str, outcome: str) -> None:
    """Mark a webhook as processed."""
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_id)
        .values(processed_at=_NOW, outcome=outcome, last_error=None)
    )


async def postpone_event(
    session: AsyncSession, event_id: str, *, delay: timedelta, error: str
) -> None:
    """Try a webhook again later."""
    await session.execute(
        update(InboxEvent)
        .where(col(InboxEvent.id) == event_id)
        .values(next_attempt_at=_NOW + delay, last_error=error)
    )
