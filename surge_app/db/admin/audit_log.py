"""Queries over the log of actions: a page of it, and whose actions it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

# What an action was about is named by an event's slug, a booking's reference, or the id of a
# message, a payment or a refund; each of them belongs to an event.
_PAGE = text(
    """
    SELECT a.id, a.at, a.actor, a.action, a.subject, a.before, a.after,
        coalesce(about.slug, e.slug, '') AS event, coalesce(b.ref, mb.ref, '') AS booking,
        coalesce(about.time_zone, e.time_zone, '') AS time_zone
    FROM audit_log a
    LEFT JOIN events about ON about.slug = a.subject
    LEFT JOIN bookings b ON b.ref = a.subject
    LEFT JOIN message_outbox m ON m.id = a.subject
    LEFT JOIN refunds r ON r.id = a.subject
    LEFT JOIN payments p ON p.id = coalesce(r.payment_id, a.subject)
    LEFT JOIN intents i ON i.id = coalesce(m.intent_id, p.intent_id)
    LEFT JOIN bookings mb ON mb.intent_id = i.id
    LEFT JOIN events e ON e.id = coalesce(b.event_id, i.event_id)
    WHERE (CAST(:before AS text) IS NULL OR a.id < :before)
        AND (CAST(:actor AS text) IS NULL OR a.actor = :actor)
        AND (CAST(:action AS text) IS NULL OR a.action = :action)
        AND (CAST(:event AS text) IS NULL OR coalesce(about.slug, e.slug) = :event)
        AND (CAST(:subject AS text) IS NULL OR :subject IN (a.subject, b.ref, mb.ref))
    ORDER BY a.id DESC LIMIT :most
    """
)
# From one value to the next by an index, however many rows each has.
_DISTINCT = """
    WITH RECURSIVE known AS (
        (SELECT {0} AS word FROM audit_log ORDER BY {0} LIMIT 1)
        UNION ALL
        SELECT (SELECT {0} FROM audit_log WHERE {0} > known.word ORDER BY {0} LIMIT 1)
        FROM known WHERE known.word IS NOT NULL
    )
    SELECT word FROM known WHERE word IS NOT NULL
"""
_ACTORS, _ACTIONS = (text(_DISTINCT.format(column)) for column in ("actor", "action"))
_LAST_CHANGE = text(
    """
    SELECT actor, at FROM audit_log
    WHERE subject = :subject AND jsonb_exists(after, :field)
        AND after ->> 'tier_id' IS NOT DISTINCT FROM CAST(:tier_id AS text)
    ORDER BY at DESC LIMIT 1
    """
)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """A filter; None leaves a field open.

    Attributes:
        event: The slug of the event it was about, itself or by a booking.
        subject: A booking's reference, an event's slug, or the id of what was acted on.
    """

    event: str | None = None
    actor: str | None = None
    action: str | None = None
    subject: str | None = None


async def page(
    session: AsyncSession, wanted: LogFilter, *, before: str | None, most: int
) -> Sequence[RowMapping]:
    """Return actions that match, the newest first, after the one whose id is `before`."""
    values = {
        "event": wanted.event,
        "actor": wanted.actor,
        "action": wanted.action,
        "subject": wanted.subject,
        "before": before,
        "most": most,
    }
    return (await session.execute(_PAGE, values)).mappings().all()


async def last_change(
    session: AsyncSession, subject: str, field: str, *, tier_id: str | None = None
) -> Row[Any] | None:
    """Return actor and moment of the last action on a subject, or its tier, that set a field."""
    sent = {"subject": subject, "field": field, "tier_id": tier_id}
    return (await session.execute(_LAST_CHANGE, sent)).first()


async def known(session: AsyncSession) -> tuple[Sequence[str], Sequence[str]]:
    """Return who ever acted, and which actions there were."""
    actors = (await session.scalars(_ACTORS)).all()
    return actors, (await session.scalars(_ACTIONS)).all()
