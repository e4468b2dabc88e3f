"""Queries over the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bulk import insert_many
from surge_app.models import MessageKind, MessageStatus, OutboxMessage

_NOW = func.clock_timestamp()
_WAITING = (MessageStatus.PENDING, MessageStatus.SENDING)


async def add(session: AsyncSession, messages: Sequence[OutboxMessage]) -> None:
    """Store messages; one whose `dedupe_key` is stored already is left as it is."""
    await insert_many(session, messages, on_conflict="ON CONFLICT (dedupe_key) DO NOTHING")


async def take_due(
    session: AsyncSession, *, limit: int, lease: timedelta
) -> Sequence[OutboxMessage]:
    """Lease messages that are due, passing over rows others work on.

    A message whose sender died comes back when the lease ends.
    """
    picked = (
        select(col(OutboxMessage.id))
        .where(col(OutboxMessage.status).in_(_WAITING), col(OutboxMessage.next_attempt_at) <= _NOW)
        .order_by(col(OutboxMessage.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    result = await session.scalars(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == picked.c.id)
        .values(
            status=MessageStatus.SENDING,
            attempts=col(OutboxMessage.attempts) + 1,
            next_attempt_at=_NOW + lease,
        )
        .returning(OutboxMessage)
    )
    return result.all()


async def mark_sent(session: AsyncSession, message_id: str, provider_id: str) -> None:
    """Record that a provider accepted a message."""
    await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message_id)
        .values(status=MessageStatus.SENT, sent_at=_NOW, provider_id=provider_id, last_error=None)
    )


async def postpone(session: AsyncSession, message_id: str, *, delay: timedelta, error: str) -> None:
    """Try a message again later."""
    await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message_id)
        .values(status=MessageStatus.PENDING, next_attempt_at=_NOW + delay, last_error=error)
    )


async def bury(session: AsyncSession, message_id: str, error: str) -> None:
    """Give a message up; an organizer can send it again."""
    await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message_id)
        .values(status=MessageStatus.DEAD, last_error=error)
    )


async def revive(session: AsyncSession, booking_id: str, *, kind: MessageKind) -> int:
    """Put the messages of a booking back in line and return how many there are."""
    result = await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.booking_id) == booking_id, col(OutboxMessage.kind) == kind)
        .values(status=MessageStatus.PENDING, attempts=0, next_attempt_at=_NOW, last_error=None)
        .returning(col(OutboxMessage.id))
    )
    return len(result.all())
