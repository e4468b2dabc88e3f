"""Queries over the outbox: add messages, lease due ones, record the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, Update, and_, func, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bulk_insert import insert_many
from surge_app.db.engine import Database, Transaction
from surge_app.models import Channel, DeliveryStatus, MessageKind, MessageStatus, OutboxMessage
from surge_app.models.base import columns_of, create_row

WAKE = "surge_outbox"
"""The channel of Postgres' NOTIFY on which the dispatcher hears of new messages."""

_NOW = func.clock_timestamp()
# Equal notifications of one transaction are sent once.
_ONCE = f"ON CONFLICT (dedupe_key) DO NOTHING RETURNING pg_notify('{WAKE}', '')"
_CLAIM = f"""
WITH picked AS (
    SELECT id FROM message_outbox
    WHERE channel = %(channel)s AND status IN ('pending', 'sending')
        AND next_attempt_at <= clock_timestamp() - %(overdue)s
    ORDER BY next_attempt_at LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE message_outbox m SET status = 'sending', attempts = m.attempts + 1,
        unknowns = m.unknowns + (m.status = 'sending')::int,
        next_attempt_at = clock_timestamp() + %(lease)s,
        first_tried_at = coalesce(m.first_tried_at, clock_timestamp())
    FROM picked WHERE m.id = picked.id
    RETURNING {columns_of(OutboxMessage, "m")}
)
SELECT rest.due_in, claimed.* FROM (
    SELECT extract(epoch FROM min(next_attempt_at) - clock_timestamp())::float8 AS due_in
    FROM message_outbox
    WHERE channel = %(channel)s AND status IN ('pending', 'sending')
        AND id NOT IN (SELECT id FROM picked)
) AS rest LEFT JOIN claimed ON true
"""  # noqa: S608  columns of our own table
_MARK_SENT = """
UPDATE message_outbox m SET status = 'sent', sent_at = clock_timestamp(),
    provider_id = x.provider_id, last_error = NULL
FROM unnest(%(ids)s::text[], %(provider_ids)s::text[]) AS x (id, provider_id)
WHERE m.id = x.id
"""


async def add(session: Transaction, messages: Sequence[OutboxMessage]) -> None:
    """Store messages; one whose `dedupe_key` is stored already is left as it is.

    The dispatcher is woken when, and only if, the transaction commits.
    """
    await insert_many(session, messages, on_conflict=_ONCE)


async def claim(
    database: Database, *, channel: str, limit: int, lease: timedelta, overdue: timedelta
) -> tuple[Sequence[OutboxMessage], float | None]:
    """Lease messages that have been due for as long as `overdue`, passing over rows others hold.

    A message whose sender died comes back when the lease ends, and counts as one more attempt
    that may have taken effect.

    Returns:
        The messages, and in how many seconds the next one that is left is due, if one waits.
    """
    values = {"channel": channel, "limit": limit, "lease": lease, "overdue": overdue}
    rows = [row._asdict() for row in await database.rows(_CLAIM, values)]
    due_in = [row.pop("due_in") for row in rows]
    return [create_row(OutboxMessage, **row) for row in rows if row["id"] is not None], due_in[0]


async def mark_sent(database: Database, sent: Sequence[tuple[str, str]]) -> None:
    """Record that a provider accepted messages, each with its id, whichever process sends it."""
    ids, provider_ids = zip(*sent, strict=True)
    await database.rows(_MARK_SENT, {"ids": list(ids), "provider_ids": list(provider_ids)})


async def reschedule(
    session: AsyncSession, message: OutboxMessage, *, delay: timedelta, error: str, is_unknown: bool
) -> None:
    """Try a message again later, unless someone else has taken it over since.

    Args:
        message: As it was taken.
        delay: From now, by the database's clock.
        is_unknown: Whether this attempt may have taken effect.
    """
    await session.execute(
        _if_still_ours(message).values(
            status=MessageStatus.PENDING,
            next_attempt_at=_NOW + delay,
            last_error=error,
            unknowns=col(OutboxMessage.unknowns) + int(is_unknown),
        )
    )


async def mark_dead(session: AsyncSession, message: OutboxMessage, error: str) -> None:
    """Give a message up; an organizer can send it again."""
    await session.execute(
        _if_still_ours(message).values(status=MessageStatus.DEAD, last_error=error)
    )


async def redirect(session: AsyncSession, booking_id: str, *, email: str, phone: str) -> None:
    """Send the unsent messages of a booking to its corrected contact; sent ones stay as they are.

    A message that may have been sent keeps its recipient, and so does what is about the old one.
    """
    for channel, contact in ((Channel.EMAIL, email), (Channel.SMS, phone)):
        if contact:
            await session.execute(
                update(OutboxMessage)
                .where(
                    col(OutboxMessage.booking_id) == booking_id,
                    col(OutboxMessage.channel) == channel,
                    col(OutboxMessage.status) == MessageStatus.PENDING,
                    col(OutboxMessage.unknowns) == 0,
                    col(OutboxMessage.kind).not_in(
                        [MessageKind.CONTACT_CHANGED, MessageKind.CONTACT_CODE]
                    ),
                )
                .values(recipient=contact)
            )


async def resolve_lost(
    session: AsyncSession, *conditions: ColumnElement[bool]
) -> Sequence[OutboxMessage]:
    """Close messages that were given up or did not arrive, as something else replaces them."""
    result = await session.scalars(
        update(OutboxMessage)
        .where(is_lost(), *conditions)
        .values(resolved_at=_NOW)
        .returning(OutboxMessage)
    )
    return result.all()


def is_lost() -> ColumnElement[bool]:
    """Return the condition that a message did not arrive and nothing replaces it yet."""
    return and_(
        or_(
            col(OutboxMessage.status) == MessageStatus.DEAD,
            col(OutboxMessage.delivery).in_([DeliveryStatus.BOUNCED, DeliveryStatus.FAILED]),
        ),
        col(OutboxMessage.resolved_at).is_(None),
    )


def _if_still_ours(message: OutboxMessage) -> Update:
    return update(OutboxMessage).where(
        col(OutboxMessage.id) == message.id,
        col(OutboxMessage.status) == MessageStatus.SENDING,
        col(OutboxMessage.attempts) == message.attempts,
    )
