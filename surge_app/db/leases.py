"""Leases: how several workers share rows that are due, without a broker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Refund, WebhookEventRow

_Row = TypeVar("_Row", Refund, WebhookEventRow)
_NOW = func.clock_timestamp()


async def lease_due(
    session: AsyncSession,
    table: type[_Row],
    *waiting: ColumnElement[bool],
    limit: int,
    lease: timedelta,
) -> Sequence[_Row]:
    """Lease rows that are due, the longest due first, and skip those that others hold.

    Each lease counts as an attempt and sets the next one `lease` away, so a crash only delays.

    Args:
        lease: How long no one else gets them.
    """
    picked = (
        select(col(table.id))
        .where(*waiting, col(table.next_attempt_at) <= _NOW)
        .order_by(col(table.next_attempt_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
        .cte("picked")
    )
    result = await session.scalars(
        update(table)
        .where(col(table.id) == picked.c.id)
        .values(attempts=col(table.attempts) + 1, next_attempt_at=_NOW + lease)
        .returning(table)
    )
    return result.all()
