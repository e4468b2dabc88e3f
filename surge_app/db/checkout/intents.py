"""Queries over intents.

Deadlines are compared with one clock only: `hold_clock()` of the database, which is its own clock
except that it stands still while the gateway is out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import DateTime, ScalarSelect, and_, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.engine import Database, Transaction, execute, locked
from surge_app.models import (
    LIVE_INTENT_STATUSES,
    Booking,
    Event,
    Intent,
    IntentLine,
    IntentStatus,
    Tier,
)
from surge_app.models.base import columns_of, create_row

_NOW = func.clock_timestamp()
# As a subquery it is asked once, and an index can serve a comparison with it.
_HOLD_NOW = select(func.hold_clock(type_=DateTime(timezone=True))).scalar_subquery()
_WITH_IDS = f"""
SELECT {columns_of(Intent, "i")} FROM intents i
WHERE i.id = ANY(%(ids)s) OR i.order_id = ANY(%(order_ids)s) ORDER BY i.id
"""  # noqa: S608  columns of our own tables
_EVENTS = f"SELECT {columns_of(Event, 'e')} FROM events e WHERE e.id = ANY(%(ids)s)"  # noqa: S608  as above
_LATEST_ID = """
SELECT i.id FROM events e JOIN intents i ON i.event_id = e.id AND i.visitor_id = %(visitor_id)s
WHERE e.slug = %(slug)s ORDER BY i.status NOT IN ('held', 'paying'), i.created_at DESC LIMIT 1
"""
_IS_LIVE = col(Intent.status).in_(LIVE_INTENT_STATUSES)


async def live_counts(session: AsyncSession, event_id: str) -> dict[str, int]:
    """Count the live intents of an event by status."""
    result = await session.execute(
        select(col(Intent.status), func.count())
        .where(col(Intent.event_id) == event_id, _IS_LIVE)
        .group_by(col(Intent.status))
    )
    return dict(result.all())


async def sold_at_the_counter(
    session: AsyncSession, request_key: str
) -> tuple[Intent, Booking] | None:
    """Return what a press of a button at the counter sold."""
    result = await session.execute(
        select(Intent, Booking)
        .join(Booking, col(Booking.intent_id) == col(Intent.id))
        .where(col(Intent.request_key) == request_key)
    )
    found = result.one_or_none()
    return None if found is None else (found[0], found[1])


async def database_now(session: AsyncSession) -> datetime:
    """Return the moment by the database's clock, for everything but the deadlines of holds."""
    return (await session.execute(select(_NOW))).scalar_one()


async def hold_now(session: AsyncSession) -> datetime:
    """Return the moment by the only clock that decides about holds."""
    return (await session.execute(select(_HOLD_NOW))).scalar_one()


async def with_events(
    session: Transaction,
    *,
    ids: Iterable[str] = (),
    order_ids: Iterable[str] = (),
    for_update: bool = True,
) -> list[tuple[Intent, Event]]:
    """Return intents with these ids or orders and their events; they belong to no session.

    They are locked in the order of their ids.
    """
    statement = f"{_WITH_IDS} FOR UPDATE" if for_update else _WITH_IDS
    wanted = {"ids": list(ids), "order_ids": list(order_ids)}
    rows = await (await execute(session, statement, wanted)).fetchall()
    if not rows:
        return []
    found = await execute(session, _EVENTS, {"ids": list({row.event_id for row in rows})})
    events = {row.id: create_row(Event, **row._asdict()) for row in await found.fetchall()}
    return [(create_row(Intent, **row._asdict()), events[row.event_id]) for row in rows]


async def by_id(
    session: AsyncSession, intent_id: str, *, for_update: bool = False
) -> Intent | None:
    """Return an intent, locked for a change if asked."""
    query = select(Intent).where(col(Intent.id) == intent_id)
    return await session.scalar(locked(query) if for_update else query)


async def latest(
    session: AsyncSession, *, event_id: str | ScalarSelect[str], visitor_id: str
) -> Intent | None:
    """Return the live intent of a visitor, or else the most recent one."""
    return await session.scalar(
        select(Intent)
        .where(col(Intent.event_id) == event_id, col(Intent.visitor_id) == visitor_id)
        .order_by(case((_IS_LIVE, 0), else_=1), col(Intent.created_at).desc())
        .limit(1)
    )


async def latest_id(database: Database, slug: str, visitor_id: str) -> str | None:
    """Return the id of what `latest` returns."""
    found = await database.rows(_LATEST_ID, {"slug": slug, "visitor_id": visitor_id})
    return found[0].id if found else None


async def live_of(session: AsyncSession, slug: str, visitor_ids: Iterable[str]) -> Sequence[Intent]:
    """Return the live intents of visitors for an event, locked in the order of their ids."""
    event_id = select(col(Event.id)).where(col(Event.slug) == slug).scalar_subquery()
    query = select(Intent).where(
        col(Intent.event_id) == event_id, col(Intent.visitor_id).in_(list(visitor_ids)), _IS_LIVE
    )
    return (await session.scalars(locked(query.order_by(col(Intent.id))))).all()


async def lines(session: AsyncSession, intent_id: str) -> Sequence[tuple[IntentLine, str]]:
    """Return the lines of an intent with the names of their tiers, in the event's order."""
    result = await session.execute(
        select(IntentLine, col(Tier.name))
        .join(Tier, col(Tier.id) == col(IntentLine.tier_id))
        .where(col(IntentLine.intent_id) == intent_id)
        .order_by(col(Tier.position), col(Tier.id))
    )
    return [(line, name) for line, name in result.all()]


async def lines_of(
    session: AsyncSession, intent_ids: Sequence[str]
) -> dict[str, list[tuple[IntentLine, str]]]:
    """Return the lines of many intents with the names of their tiers, by intent."""
    result = await session.execute(
        select(IntentLine, col(Tier.name))
        .join(Tier, col(Tier.id) == col(IntentLine.tier_id))
        .where(col(IntentLine.intent_id).in_(intent_ids))
        .order_by(col(Tier.position), col(Tier.id))
    )
    found: dict[str, list[tuple[IntentLine, str]]] = {}
    for line, name in result.all():
        found.setdefault(line.intent_id, []).append((line, name))
    return found


async def delete_lines(session: AsyncSession, intent_id: str) -> None:
    """Forget the lines of an intent, before others are written."""
    await session.execute(delete(IntentLine).where(col(IntentLine.intent_id) == intent_id))


async def booking_ref(session: AsyncSession, intent_id: str) -> str | None:
    """Return the reference of the booking an intent became."""
    return await session.scalar(select(col(Booking.ref)).where(col(Booking.intent_id) == intent_id))


async def end(session: AsyncSession, intent_ids: Iterable[str], status: IntentStatus) -> None:
    """Move live intents to an ended status."""
    await session.execute(
        update(Intent)
        .where(col(Intent.id).in_(list(intent_ids)), _IS_LIVE)
        .values(status=status, ended_at=_NOW)
    )


async def due(session: AsyncSession, *, limit: int, slack: timedelta) -> Sequence[Intent]:
    """Return live intents past their deadline, locked, passing over those others work on.

    Args:
        limit: At most so many, the longest overdue first.
        slack: Paying intents are returned only once overdue by this much, so that the gateway
            can be asked first.
    """
    is_due = or_(
        and_(col(Intent.status) == IntentStatus.HELD, col(Intent.expires_at) <= _HOLD_NOW),
        and_(
            col(Intent.status) == IntentStatus.PAYING, col(Intent.expires_at) + slack <= _HOLD_NOW
        ),
    )
    result = await session.scalars(
        select(Intent)
        .where(is_due)
        .order_by(col(Intent.expires_at))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return result.all()
