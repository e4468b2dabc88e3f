"""Queries for `/metrics`: few rows, or counts from an index; never a whole sale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.models import BALANCE_LOW

# What was sold follows from the capacity, so sold units, the many, are not counted.
_SALES = text(
    """
    SELECT e.id, e.slug, coalesce(sum(t.capacity), 0) AS capacity,
        coalesce(sum((SELECT count(*) FROM units u
            WHERE u.tier_id = t.id AND u.status = 'available')), 0) AS available,
        coalesce(sum((SELECT count(*) FROM units u
            WHERE u.tier_id = t.id AND u.status = 'held')), 0) AS held
    FROM events e LEFT JOIN tiers t ON t.event_id = e.id
    WHERE e.phase <> 'draft' AND e.starts_at > now() - CAST(:since AS interval)
        AND NOT (e.is_rehearsal AND coalesce(e.sales_close_at, e.starts_at) <= now())
    GROUP BY e.id, e.slug ORDER BY e.slug
    """
)
_LIVE_INTENTS = text(
    """
    SELECT e.slug, i.status, count(*) AS count,
        greatest(0, max(extract(epoch FROM hold_clock() - i.expires_at)))::float AS overdue
    FROM intents i JOIN events e ON e.id = i.event_id
    WHERE i.status IN ('held', 'paying')
    GROUP BY e.slug, i.status
    """
)
# Each half has an index of its own; one condition for both would read the whole table.
_MESSAGES = text(
    """
    SELECT e.slug, m.channel, m.state, count(*) AS count,
        max(extract(epoch FROM now() - m.created_at))::float AS oldest
    FROM (
        SELECT intent_id, channel, 'pending' AS state, created_at FROM message_outbox
        WHERE status IN ('pending', 'sending')
        UNION ALL
        SELECT intent_id, channel, 'dead', created_at FROM message_outbox
        WHERE status = 'dead' AND resolved_at IS NULL
    ) m JOIN intents i ON i.id = m.intent_id JOIN events e ON e.id = i.event_id
    GROUP BY e.slug, m.channel, m.state
    """
)
_WORK = text(
    f"""
    SELECT 'webhook' AS kind, count(*) AS count,
        coalesce(max(extract(epoch FROM now() - received_at)), 0)::float AS oldest
    FROM webhook_inbox WHERE processed_at IS NULL
    UNION ALL
    SELECT 'refund', count(*), coalesce(max(extract(epoch FROM now() - created_at)), 0)::float
    FROM refunds WHERE status IN ('requested', 'sent', 'failed') AND next_attempt_at IS NOT NULL
    UNION ALL
    SELECT 'refund_stuck', count(*), coalesce(max(extract(epoch FROM now() - created_at)), 0)::float
    FROM refunds WHERE status IN ('requested', 'sent', 'failed') AND NOT by_hand
        AND (next_attempt_at IS NULL OR last_error = '{BALANCE_LOW}')
    UNION ALL
    SELECT 'unmatched_payment', count(*),
        coalesce(max(extract(epoch FROM now() - seen_at)), 0)::float
    FROM unmatched_payments WHERE resolved_at IS NULL
    """  # noqa: S608  a constant of ours
)
_LEADERS = text(
    """
    SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()
        AND a.application_name LIKE 'surge-leader %'
    """
)


@dataclass(frozen=True, slots=True)
class SaleCounts:
    """The units of an event that is not long over."""

    event_id: str
    slug: str
    available: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class LiveIntents:
    """Holds of one status; `overdue_seconds` is how far the latest is past its deadline."""

    slug: str
    status: str
    count: int
    overdue_seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages of a channel that wait (`pending`) or were given up (`dead`)."""

    slug: str
    channel: str
    state: str
    count: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits: webhook, refund, refund_stuck or unmatched_payment."""

    kind: str
    count: int
    oldest_seconds: float


async def sales(session: AsyncSession, *, since: timedelta) -> list[SaleCounts]:
    """Count the units of every published event that begins later than `since` ago."""
    found = (await session.execute(_SALES, {"since": since})).all()
    return [
        SaleCounts(
            event_id=row.id,
            slug=row.slug,
            available=int(row.available),
            held=int(row.held),
            sold=int(row.capacity - row.available - row.held),
        )
        for row in found
    ]


async def live_intents(session: AsyncSession) -> Sequence[LiveIntents]:
    """Count the holds of every event by status."""
    return [LiveIntents(*row) for row in (await session.execute(_LIVE_INTENTS)).all()]


async def messages(session: AsyncSession) -> Sequence[Waiting]:
    """Count the messages that are not delivered."""
    return [Waiting(*row) for row in (await session.execute(_MESSAGES)).all()]


async def backlogs(session: AsyncSession) -> Sequence[Backlog]:
    """Count the work that waits; each kind is there, if only with 0."""
    return [Backlog(*row) for row in (await session.execute(_WORK)).all()]


async def leaders(session: AsyncSession) -> int:
    """Count the processes that lead the jobs: 1, or 0 for a moment after one was lost."""
    return int(await session.scalar(_LEADERS) or 0)
