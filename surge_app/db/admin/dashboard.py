"""Figures of sales. Each query reads what is new or rare, for all requested sales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Interval, cast, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import HistorySample

# A booking is stamped when its transaction begins; after this long it is surely visible.
_SETTLED_SECONDS = 120
_SOLD = text(
    f"""
    WITH cut AS MATERIALIZED (
        SELECT clock_timestamp() - interval '{_SETTLED_SECONDS} seconds' AS at
    )
    SELECT e.id, (SELECT at FROM cut) AS cut, new.*
    FROM unnest(CAST(:ids AS text[]), CAST(:since AS timestamptz[])) AS e (id, since)
    CROSS JOIN LATERAL (SELECT
        count(*) FILTER (WHERE b.created_at <= cut.at) AS old_bookings,
        coalesce(sum(total_paise) FILTER (WHERE b.created_at <= cut.at), 0) AS old_paise,
        coalesce(sum(fee_paise) FILTER (WHERE b.created_at <= cut.at), 0) AS old_fees,
        coalesce(sum(total_paise) FILTER (WHERE b.created_at <= cut.at
            AND b.channel = 'box_office'), 0) AS old_cash,
        count(b.id) AS bookings,
        coalesce(sum(total_paise), 0) AS paise,
        coalesce(sum(fee_paise), 0) AS fees,
        coalesce(sum(total_paise) FILTER (WHERE b.channel = 'box_office'), 0) AS cash,
        count(*) FILTER (WHERE b.created_at > clock_timestamp() - interval '1 minute')
            AS last_minute
    FROM cut JOIN bookings b ON b.event_id = e.id AND b.created_at > e.since) AS new
    """  # noqa: S608  a constant of ours
)
_TAKEN_BACK = text(
    """
    SELECT e.id, back.* FROM unnest(CAST(:ids AS text[])) AS e (id) CROSS JOIN LATERAL (SELECT
        (SELECT count(*) FROM bookings WHERE event_id = e.id AND status <> 'confirmed')
            AS bookings,
        coalesce(sum(g.amount_paise), 0) AS paise,
        coalesce(sum(g.amount_paise) FILTER (WHERE g.kind = 'refund_fee_owed'), 0) AS fees,
        coalesce(sum(g.amount_paise) FILTER (WHERE b.channel = 'box_office'), 0) AS cash,
        (SELECT coalesce(sum(r.amount_paise), 0)
         FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN intents i ON i.id = p.intent_id
         WHERE r.by_hand AND r.status <> 'processed' AND i.event_id = e.id) AS cash_owed,
        (SELECT count(DISTINCT t.unit_id)
         FROM audit_log a JOIN bookings v ON v.ref = a.subject AND v.event_id = e.id
         JOIN tickets t ON t.booking_id = v.id AND t.status <> 'valid'
         JOIN units u ON u.id = t.unit_id AND u.status = 'sold'
         WHERE a.action = 'booking.refund' AND NOT EXISTS (
             SELECT FROM tickets o WHERE o.unit_id = u.id AND o.status = 'valid')) AS withheld
    FROM ledger_entries g JOIN bookings b ON b.id = g.booking_id
    WHERE g.refund_id IS NOT NULL AND g.kind IN ('refund_owed', 'refund_fee_owed')
        AND b.event_id = e.id) AS back
    """
)
_MESSAGES = text(
    """
    SELECT e.id,
        (SELECT count(*) FROM message_outbox m JOIN intents i ON i.id = m.intent_id
         WHERE m.status IN ('pending', 'sending') AND i.event_id = e.id) AS pending,
        (SELECT count(*) FROM message_outbox m JOIN intents i ON i.id = m.intent_id
         WHERE (m.status = 'dead' OR m.delivery IN ('bounced', 'failed'))
            AND m.resolved_at IS NULL AND m.kind NOT IN ('contact_changed', 'contact_code')
            AND i.event_id = e.id) AS dead
    FROM unnest(CAST(:ids AS text[])) AS e (id)
    """
)
_PRUNE = text(
    """
    DELETE FROM board_samples s
    WHERE s.at < now() - CAST(:keep AS interval) AND EXISTS (
        SELECT FROM board_samples n WHERE n.event_id = s.event_id AND n.at > s.at
            AND n.at < date_trunc('hour', s.at) + interval '1 hour')
    """
)


@dataclass(frozen=True, slots=True)
class _Totals:
    """Sums over the bookings made before `upto`, which are not read again."""

    upto: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    bookings: int = 0
    paise: int = 0
    fees: int = 0
    cash: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """The money of an event, in paise; `EventStats` says what each figure means."""

    bookings: int
    bookings_last_minute: int
    withheld: int
    gross_paise: int
    refunded_paise: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    cash_owed_paise: int


class MoneyReader:
    """Reads the money of events: the price of a booking never changes, so each is read once."""

    def __init__(self) -> None:
        self._totals: dict[str, _Totals] = {}

    async def read(self, session: AsyncSession, event_ids: Sequence[str]) -> dict[str, Money]:
        """Return the figures by event; refunds come from the ledger each time."""
        known = {event_id: self._totals.get(event_id, _Totals()) for event_id in event_ids}
        values = {"ids": list(known), "since": [total.upto for total in known.values()]}
        added = {row.id: row for row in await session.execute(_SOLD, values)}
        refunded = {row.id: row for row in await session.execute(_TAKEN_BACK, {"ids": list(known)})}
        found: dict[str, Money] = {}
        for event_id, old in known.items():
            new, back = added[event_id], refunded[event_id]
            gross = old.paise + int(new.paise)
            found[event_id] = Money(
                bookings=old.bookings + new.bookings - back.bookings,
                bookings_last_minute=new.last_minute,
                withheld=back.withheld,
                gross_paise=gross,
                refunded_paise=int(back.paise),
                revenue_paise=gross - int(back.paise),
                fees_paise=old.fees + int(new.fees) - int(back.fees),
                cash_paise=old.cash + int(new.cash) - int(back.cash),
                cash_owed_paise=int(back.cash_owed),
            )
            self._totals[event_id] = _Totals(
                upto=max(new.cut, old.upto),
                bookings=old.bookings + new.old_bookings,
                paise=old.paise + int(new.old_paise),
                fees=old.fees + int(new.old_fees),
                cash=old.cash + int(new.old_cash),
            )
        return found


async def messages(session: AsyncSession, event_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Count by event the messages that are not sent yet, and those that were lost."""
    rows = await session.execute(_MESSAGES, {"ids": list(event_ids)})
    return {row.id: (row.pending, row.dead) for row in rows}


async def samples(
    session: AsyncSession, event_id: str, *, since: timedelta
) -> Sequence[HistorySample]:
    """Return the samples of the last while, the oldest first."""
    after = func.now() - cast(literal(since), Interval)
    query = (
        select(HistorySample)
        .where(col(HistorySample.event_id) == event_id, col(HistorySample.at) > after)
        .order_by(col(HistorySample.at))
    )
    return (await session.scalars(query)).all()


async def prune(session: AsyncSession, *, keep: timedelta) -> None:
    """Keep the last sample of each hour of those that are older than that."""
    await session.execute(_PRUNE, {"keep": keep})
