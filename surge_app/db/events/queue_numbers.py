"""Queries for what of a queue must outlive Redis: which numbers may be in use, and the draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Event, Intent, IntentStatus


async def raise_floor(session: AsyncSession, *, event_id: str, floor: int, to: int) -> bool:
    """Reserve the numbers from `floor` to `to` for the queue of an event.

    Returns:
        False if another process has reserved them.
    """
    raised = await session.execute(
        update(Event)
        .where(col(Event.id) == event_id, col(Event.line_floor) == floor)
        .values(line_floor=to)
        .returning(col(Event.id))
    )
    return raised.scalar() is not None


async def note_early(session: AsyncSession, *, event_id: str, early: int) -> None:
    """Note, once, how many numbers came before the opening."""
    await session.execute(
        update(Event)
        .where(col(Event.id) == event_id, col(Event.line_early).is_(None))
        .values(line_early=early)
    )


@dataclass(frozen=True, slots=True)
class Holder:
    """A visitor who holds units, with the deadline."""

    visitor_id: str
    until: datetime


async def holders(session: AsyncSession, event_id: str) -> list[Holder]:
    """Return the visitors with a live intent for an event."""
    live = [IntentStatus.HELD, IntentStatus.PAYING]
    rows = await session.execute(
        select(col(Intent.visitor_id), col(Intent.expires_at)).where(
            col(Intent.event_id) == event_id, col(Intent.status).in_(live)
        )
    )
    return [Holder(row.visitor_id, row.expires_at) for row in rows]
