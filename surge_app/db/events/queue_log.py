"""Queries for the public logs of queues."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import QueueLogEntry


async def latest(session: AsyncSession, event_ids: Sequence[str]) -> dict[str, QueueLogEntry]:
    """Return the last entry of each log."""
    last = (
        select(col(QueueLogEntry.event_id), func.max(col(QueueLogEntry.seq)))
        .where(col(QueueLogEntry.event_id).in_(event_ids))
        .group_by(col(QueueLogEntry.event_id))
    )
    key = tuple_(col(QueueLogEntry.event_id), col(QueueLogEntry.seq))
    rows = await session.scalars(select(QueueLogEntry).where(key.in_(last)))
    return {row.event_id: row for row in rows}


async def add(session: AsyncSession, entry: QueueLogEntry) -> bool:
    """Append an entry; False if another process has written one with its number."""
    statement = (
        insert(QueueLogEntry)
        .values(entry.model_dump(exclude={"created_at"}))
        .on_conflict_do_nothing()
        .returning(col(QueueLogEntry.seq))
    )
    return (await session.execute(statement)).scalar() is not None


async def lines(session: AsyncSession, event_id: str, *, after: int, limit: int) -> Sequence[str]:
    """Return the lines that follow entry `after`, in order."""
    query = (
        select(col(QueueLogEntry.line))
        .where(col(QueueLogEntry.event_id) == event_id, col(QueueLogEntry.seq) > after)
        .order_by(col(QueueLogEntry.seq))
        .limit(limit)
    )
    return (await session.scalars(query)).all()
