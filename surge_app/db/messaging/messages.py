"""Queries over messages and their delivery reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, not_, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bulk_insert import insert_many
from surge_app.db.engine import locked
from surge_app.db.messaging.outbox import is_lost
from surge_app.models import (
    Booking,
    DeliveryEvent,
    DeliveryStatus,
    Event,
    Intent,
    MessageKind,
    MessageStatus,
    OutboxMessage,
)

_NOW = func.clock_timestamp()
_CONFIRMATIONS = (MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN)


async def by_id(
    session: AsyncSession, message_id: str, *, for_update: bool = False
) -> OutboxMessage | None:
    """Return a message, locked for a change if asked."""
    query = select(OutboxMessage).where(col(OutboxMessage.id) == message_id)
    return await session.scalar(locked(query) if for_update else query)


async def by_provider_id(
    session: AsyncSession, channel: str, provider_id: str
) -> OutboxMessage | None:
    """Return the message a provider knows by this id."""
    return await session.scalar(
        select(OutboxMessage).where(
            col(OutboxMessage.channel) == channel, col(OutboxMessage.provider_id) == provider_id
        )
    )


async def listed(
    session: AsyncSession, *, status: str, slug: str | None, before: str | None, limit: int
) -> Sequence[tuple[OutboxMessage, str, str | None]]:
    """Return messages with the slug of their event and the reference of their booking."""
    query = (
        select(OutboxMessage, col(Event.slug), col(Booking.ref))
        .join(Intent, col(Intent.id) == col(OutboxMessage.intent_id))
        .join(Event, col(Event.id) == col(Intent.event_id))
        .outerjoin(Booking, col(Booking.id) == col(OutboxMessage.booking_id))
        .where(_is(status))
        .order_by(col(OutboxMessage.id).desc())
        .limit(limit)
    )
    if slug is not None:
        query = query.where(col(Event.slug) == slug)
    if before is not None:
        query = query.where(col(OutboxMessage.id) < before)
    return [(message, event, ref) for message, event, ref in (await session.execute(query)).all()]


async def confirmations(session: AsyncSession, ref: str) -> Sequence[OutboxMessage]:
    """Return the newest confirmation of a booking on each channel."""
    result = await session.scalars(
        select(OutboxMessage)
        .ext(distinct_on(col(OutboxMessage.channel)))
        .join(Booking, col(Booking.intent_id) == col(OutboxMessage.intent_id))
        .where(col(Booking.ref) == ref, col(OutboxMessage.kind).in_(_CONFIRMATIONS))
        .order_by(col(OutboxMessage.channel), col(OutboxMessage.id).desc())
    )
    return result.all()


async def sent_within(
    session: AsyncSession, booking_id: str, kind: MessageKind, span: timedelta
) -> tuple[int, float]:
    """Return how often a kind of message was sent for a booking, and the oldest's age (s)."""
    result = await session.execute(
        select(
            func.count(func.distinct(col(OutboxMessage.created_at))),
            func.extract("epoch", _NOW - func.min(col(OutboxMessage.created_at))),
        )
        .join(Booking, col(Booking.intent_id) == col(OutboxMessage.intent_id))
        .where(
            col(Booking.id) == booking_id,
            col(OutboxMessage.kind) == kind,
            col(OutboxMessage.created_at) > _NOW - span,
        )
    )
    count, age = result.one()
    return int(count), float(age or 0)


async def store_event(session: AsyncSession, event: DeliveryEvent) -> bool:
    """Store what a provider told; False if it was stored before."""
    return bool(await insert_many(session, [event], on_conflict="ON CONFLICT DO NOTHING"))


async def note_delivery(
    session: AsyncSession, message_id: str, status: DeliveryStatus, *, detail: str, at: datetime
) -> None:
    """Record how a message stands with its provider."""
    await session.execute(
        update(OutboxMessage)
        .where(col(OutboxMessage.id) == message_id)
        .values(delivery=status, delivery_detail=detail or None, delivery_at=at)
    )


def _is(status: str) -> ColumnElement[bool]:
    if status == "trouble":
        return is_lost()
    if status in {"bounced", "dead"}:
        is_dead = col(OutboxMessage.status) == MessageStatus.DEAD
        return and_(is_lost(), is_dead if status == "dead" else not_(is_dead))
    if status == "pending":
        return col(OutboxMessage.status).in_([MessageStatus.PENDING, MessageStatus.SENDING])
    return col(OutboxMessage.status) == status
