"""Queries of organizers who look after holds that ended without tickets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import DateTime, Interval, cast, func, literal, null, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Disposition, Intent, IntentStatus, Payment

_HOLD_NOW = func.hold_clock(type_=DateTime(timezone=True))


async def listed(
    session: AsyncSession, *, event_id: str, status: IntentStatus, before: str | None, limit: int
) -> Sequence[Intent]:
    """Return intents of an event in a status, the newest first.

    Args:
        before: Only those older than this intent.
    """
    query = select(Intent).where(col(Intent.event_id) == event_id, col(Intent.status) == status)
    if before is not None:
        query = query.where(col(Intent.id) < before)
    return (await session.scalars(query.order_by(col(Intent.id).desc()).limit(limit))).all()


async def was_refunded(session: AsyncSession, intent_id: str) -> bool:
    """Return whether money that came for an intent is on its way back."""
    found = await session.scalar(
        select(col(Payment.id))
        .where(col(Payment.intent_id) == intent_id, col(Payment.disposition) == Disposition.REFUND)
        .limit(1)
    )
    return found is not None


async def make_live(session: AsyncSession, intent: Intent, *, window: timedelta) -> None:
    """Give an ended intent its old status and a new deadline.

    Whose payment had started pays the same order, so the gateway is asked about it again.
    """
    was_paying = intent.paying_at is not None
    values = {
        "status": IntentStatus.PAYING if was_paying else IntentStatus.HELD,
        "ended_at": null(),
        "expires_at": _HOLD_NOW + cast(literal(window), Interval),
        "next_check_at": func.clock_timestamp() if was_paying else null(),
    }
    await session.execute(update(Intent).where(col(Intent.id) == intent.id).values(values))
    await session.refresh(intent)
