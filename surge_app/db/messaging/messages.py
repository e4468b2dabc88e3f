"""Queries over messages and their delivery reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, func, not_, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.engine import Database, locked
from surge_app.db.messaging.outbox import is_lost
from surge_app.models import Booking, Event, Intent, MessageKind, MessageStatus, OutboxMessage

_NOW = func.clock_timestamp()
_STAGE = "CASE {word} WHEN 'deferred' THEN 1 WHEN 'delivered' THEN 2 WHEN {word} THEN 3 ELSE 0 END"
# If it was unknown whether the provider had accepted a message, a report proves it.
_WAS_UNKNOWN = "m.status IN ('pending', 'dead') AND m.unknowns > 0"
# Reports come in any order, and a later stage is never taken back by an earlier one: both are
# compared in the row as it is when its lock is granted. Locks are taken in one order, so that no
# two batches wait for each other.
_RECORD_REPORTS = (
    """
    WITH told AS (
        SELECT x.id, x.key, x.provider_id, x.word, x.detail, x.at, x.status,
            {told_stage} AS stage,
            coalesce(x.message_id, (
                SELECT m.id FROM message_outbox m
                WHERE m.channel = %(channel)s AND m.provider_id = x.provider_id LIMIT 1
            )) AS message_id
        FROM unnest(
            %(id)s::text[], %(key)s::text[], %(message_id)s::text[], %(provider_id)s::text[],
            %(word)s::text[], %(detail)s::text[], %(at)s::timestamptz[], %(status)s::text[]
        ) AS x (id, key, message_id, provider_id, word, detail, at, status)
    ), locked AS (
        SELECT m.id FROM message_outbox m
        WHERE m.id IN (SELECT message_id FROM told) AND m.channel = %(channel)s
        ORDER BY m.id FOR UPDATE
    ), stored AS (
        INSERT INTO delivery_events (id, channel, key, message_id, word, detail, at)
        SELECT t.id, %(channel)s, t.key, t.message_id, t.word, t.detail, t.at
        FROM told t JOIN locked l ON l.id = t.message_id
        ON CONFLICT DO NOTHING
        RETURNING id
    ), furthest AS (
        SELECT DISTINCT ON (t.message_id) t.* FROM told t JOIN stored s ON s.id = t.id
        ORDER BY t.message_id, t.stage DESC, t.at DESC
    ), applied AS (
        UPDATE message_outbox m SET
            status = CASE WHEN {was_unknown} THEN 'sent' ELSE m.status END,
            sent_at = CASE WHEN {was_unknown} THEN clock_timestamp() ELSE m.sent_at END,
            provider_id = CASE WHEN {was_unknown} THEN f.provider_id ELSE m.provider_id END,
            last_error = CASE WHEN {was_unknown} THEN NULL ELSE m.last_error END,
            delivery = CASE WHEN f.stage > {stage} THEN f.status ELSE m.delivery END,
            delivery_detail = CASE WHEN f.stage > {stage} THEN f.detail
                ELSE m.delivery_detail END,
            delivery_at = CASE WHEN f.stage > {stage} THEN f.at ELSE m.delivery_at END
        FROM furthest f
        WHERE m.id = f.message_id AND (f.stage > {stage} OR {was_unknown})
        RETURNING f.id, m.delivery
    )
    SELECT t.id, l.id AS message_id, s.id IS NOT NULL AS is_new, a.delivery
    FROM told t
    LEFT JOIN locked l ON l.id = t.message_id
    LEFT JOIN stored s ON s.id = t.id
    LEFT JOIN applied a ON a.id = t.id
    """.replace("{was_unknown}", _WAS_UNKNOWN)
    .replace("{told_stage}", _STAGE.replace("{word}", "x.status"))
    .replace("{stage}", _STAGE.replace("{word}", "m.delivery"))
)
_REPORT_COLUMNS = ("id", "key", "message_id", "provider_id", "word", "detail", "at", "status")
_CONFIRMATIONS = (MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN)


@dataclass(frozen=True, slots=True)
class RecordedReport:
    """The outcome of a report.

    Attributes:
        id: The id it was stored under.
        message_id: None if it is of no message of ours.
        is_new: Whether it was not stored before.
        delivery: Where its message stands, if the report changed it.
    """

    id: str
    message_id: str | None
    is_new: bool
    delivery: str | None


async def by_id(
    session: AsyncSession, message_id: str, *, for_update: bool = False
) -> OutboxMessage | None:
    """Return a message, locked for a change if asked."""
    query = select(OutboxMessage).where(col(OutboxMessage.id) == message_id)
    return await session.scalar(locked(query) if for_update else query)


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


async def record_reports(
    database: Database, channel: str, reports: Sequence[Mapping[str, object]]
) -> Sequence[RecordedReport]:
    """Store reports of one channel and move their messages on, however many, in one statement.

    Args:
        channel: Reports of a message of another channel count for nothing.
        reports: The fields of a report, with an id of ours.

    Returns:
        What became of each report.
    """
    columns: dict[str, object] = {
        name: [report[name] for report in reports] for name in _REPORT_COLUMNS
    }
    rows = await database.rows(_RECORD_REPORTS, {"channel": channel, **columns})
    return [RecordedReport(*row) for row in rows]


def _is(status: str) -> ColumnElement[bool]:
    if status == "trouble":
        return is_lost()
    if status in {"bounced", "dead"}:
        is_dead = col(OutboxMessage.status) == MessageStatus.DEAD
        return and_(is_lost(), is_dead if status == "dead" else not_(is_dead))
    if status == "pending":
        return col(OutboxMessage.status).in_([MessageStatus.PENDING, MessageStatus.SENDING])
    return col(OutboxMessage.status) == status
