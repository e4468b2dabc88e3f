"""What the dashboard counts. Each query reads what is new or rare, never a whole sale again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Interval, cast, delete, func, literal, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import HistorySample

# A booking is stamped when its transaction begins; after this long it is surely visible.
_SETTLED_SECONDS = 120
_SOLD = text(
    f"""
    WITH cut AS (
        SELECT clock_timestamp() - interval '{_SETTLED_SECONDS} seconds' AS at
    )
    SELECT (SELECT at FROM cut) AS cut,
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
    FROM cut JOIN bookings b ON b.event_id = :event_id AND b.created_at > :since
    """  # noqa: S608  a constant of ours
)
_TAKEN_BACK = text(
    """
    SELECT
        (SELECT count(*) FROM bookings WHERE event_id = :event_id AND status <> 'confirmed')
            AS bookings,
        coalesce(sum(g.amount_paise), 0) AS paise,
        coalesce(sum(g.amount_paise) FILTER (WHERE g.kind = 'refund_fee_owed'), 0) AS fees,
        coalesce(sum(g.amount_paise) FILTER (WHERE b.channel = 'box_office'), 0) AS cash,
        (SELECT coalesce(sum(r.amount_paise), 0)
         FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN intents i ON i.id = p.intent_id
         WHERE r.by_hand AND r.status <> 'processed' AND i.event_id = :event_id) AS cash_owed,
        (SELECT count(DISTINCT t.unit_id)
         FROM audit_log a JOIN bookings v ON v.ref = a.subject AND v.event_id = :event_id
         JOIN tickets t ON t.booking_id = v.id AND t.status <> 'valid'
         JOIN units u ON u.id = t.unit_id AND u.status = 'sold'
         WHERE a.action = 'booking.refund' AND NOT EXISTS (
             SELECT FROM tickets o WHERE o.unit_id = u.id AND o.status = 'valid')) AS withheld
    FROM ledger_entries g JOIN bookings b ON b.id = g.booking_id
    WHERE g.refund_id IS NOT NULL AND g.kind IN ('refund_owed', 'refund_fee_owed')
        AND b.event_id = :event_id
    """
)
_MESSAGES = text(
    """
    SELECT
        (SELECT count(*) FROM message_outbox m JOIN intents i ON i.id = m.intent_id
         WHERE m.status IN ('pending', 'sending') AND i.event_id = :event_id) AS pending,
        (SELECT count(*) FROM message_outbox m JOIN intents i ON i.id = m.intent_id
         WHERE m.status = 'dead' AND i.event_id = :event_id) AS dead
    """
)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over bookings up to a moment after which only new ones are read.

    Attributes:
        upto: Where to go on; bookings made before are in the sums.
    """

    upto: datetime
    bookings: int = 0
    paise: int = 0
    fees: int = 0
    cash: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """The money of an event, in paise; `BoardView` says what each figure means."""

    bookings: int
    bookings_last_minute: int
    withheld: int
    gross_paise: int
    refunded_paise: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    cash_owed_paise: int


async def money(session: AsyncSession, event_id: str, known: Totals) -> tuple[Money, Totals]:
    """Add what is new to what is known; returns the figures and what is known from now on.

    The price of a booking never changes, so old ones are read once; what is given back of
    them is in the ledger.
    """
    new = (await session.execute(_SOLD, {"event_id": event_id, "since": known.upto})).one()
    back = (await session.execute(_TAKEN_BACK, {"event_id": event_id})).one()
    gross, refunded = known.paise + int(new.paise), int(back.paise)
    found = Money(
        bookings=known.bookings + new.bookings - back.bookings,
        bookings_last_minute=new.last_minute,
        withheld=back.withheld,
        gross_paise=gross,
        refunded_paise=refunded,
        revenue_paise=gross - refunded,
        fees_paise=known.fees + int(new.fees) - int(back.fees),
        cash_paise=known.cash + int(new.cash) - int(back.cash),
        cash_owed_paise=int(back.cash_owed),
    )
    later = Totals(
        upto=max(new.cut or known.upto, known.upto),
        bookings=known.bookings + new.old_bookings,
        paise=known.paise + int(new.old_paise),
        fees=known.fees + int(new.old_fees),
        cash=known.cash + int(new.old_cash),
    )
    return found, later


async def messages(session: AsyncSession, event_id: str) -> tuple[int, int]:
    """Count the messages of an event that wait to be sent, and those that were given up."""
    row = (await session.execute(_MESSAGES, {"event_id": event_id})).one()
    return row.pending, row.dead


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
    """Delete samples that are older than that."""
    before = func.now() - cast(literal(keep), Interval)
    await session.execute(delete(HistorySample).where(col(HistorySample.at) < before))
