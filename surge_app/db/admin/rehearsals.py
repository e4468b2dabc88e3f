"""Rows of rehearsals: one runs at a time, and its process keeps it alive."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer
from sqlmodel import col

from surge_app.models import Rehearsal, RehearsalStatus


async def end_abandoned(session: AsyncSession, *, silent_for: timedelta, problem: str) -> None:
    """Stop what claims to run and has not been heard of for so long."""
    await session.execute(
        update(Rehearsal)
        .where(
            col(Rehearsal.status) == RehearsalStatus.RUNNING,
            col(Rehearsal.seen_at) < func.now() - silent_for,
        )
        .values(status=RehearsalStatus.STOPPED, problem=problem)
    )


async def update_running(session: AsyncSession, rehearsal_id: str, **values: Any) -> bool:
    """Change a rehearsal that runs; return whether it still did."""
    done = await session.execute(
        update(Rehearsal)
        .where(col(Rehearsal.id) == rehearsal_id, col(Rehearsal.status) == RehearsalStatus.RUNNING)
        .values(seen_at=func.now(), **values)
        .returning(col(Rehearsal.id))
    )
    return done.scalar() is not None


async def latest(session: AsyncSession, *, most: int) -> Sequence[Rehearsal]:
    """Return the newest, without their pages."""
    query = select(Rehearsal).order_by(col(Rehearsal.id).desc()).limit(most)
    return (await session.scalars(query.options(defer(col(Rehearsal.page))))).all()  # pyright: ignore[reportArgumentType] - a column of the table


async def one(session: AsyncSession, rehearsal_id: str) -> Rehearsal | None:
    """Return a rehearsal."""
    return await session.get(Rehearsal, rehearsal_id)
