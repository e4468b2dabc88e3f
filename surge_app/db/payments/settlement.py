"""Queries of settlement: a few statements for a whole batch of intents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Interval, cast, func, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bulk_insert import insert_many
from surge_app.db.checkout import intents
from surge_app.db.engine import Transaction, execute
from surge_app.models import (
    LIVE_INTENT_STATUSES,
    Event,
    Intent,
    IntentStatus,
    Payment,
    UnmatchedPayment,
)
from surge_app.models.base import columns_of, create_row

_NOW = func.clock_timestamp()
# The intent of a payment never changes; a row of another intent is left alone, and missed.
_FORWARD = """
ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, amount_paise = EXCLUDED.amount_paise,
    discount_paise = EXCLUDED.discount_paise,
    currency = EXCLUDED.currency, error = EXCLUDED.error, reason = EXCLUDED.reason,
    disposition = EXCLUDED.disposition, settled_at = EXCLUDED.settled_at
WHERE payments.intent_id = EXCLUDED.intent_id
"""
# A row for each payment of an intent, and one without a payment if there is none.
_FACTS = f"""
SELECT {columns_of(Payment, "p")}, i.id AS of_intent, b.ref, b.status AS booking_status, (
    SELECT coalesce(sum(l.quantity), 0)::int FROM intent_lines l WHERE l.intent_id = i.id
) AS quantity
FROM intents i LEFT JOIN bookings b ON b.intent_id = i.id
LEFT JOIN payments p ON p.intent_id = i.id
WHERE i.id = ANY(%(ids)s)
"""  # noqa: S608  columns of our own table
_SELL = """
WITH confirmed AS (
    UPDATE intents SET status = 'confirmed', ended_at = clock_timestamp(), next_check_at = NULL
    WHERE id = ANY(%(intent_ids)s)
)
UPDATE units SET status = 'sold' WHERE intent_id = ANY(%(intent_ids)s) AND status = 'held'
RETURNING intent_id, tier_id, number, id
"""
_BEGIN_WINDOW = """
UPDATE intents i SET attempted_at = clock_timestamp(),
    expires_at = greatest(i.expires_at, hold_clock() + make_interval(secs => e.payment_seconds))
FROM events e
WHERE i.id = ANY(%(intent_ids)s) AND i.status = 'paying' AND i.attempted_at IS NULL
    AND e.id = i.event_id
"""
_EXPIRE = """
WITH ended AS (
    UPDATE intents SET status = 'expired', ended_at = clock_timestamp()
    WHERE id = ANY(%(intent_ids)s) AND status IN ('held', 'paying')
)
UPDATE units SET status = 'available', intent_id = NULL
WHERE intent_id = ANY(%(intent_ids)s) AND status = 'held'
"""


@dataclass(slots=True)
class SettlementContext:
    """The stored facts of one intent; its rows belong to no session.

    Attributes:
        quantity: How many tickets its lines ask for.
        payments: By their id.
        trace: What this is settled in, for the messages it causes.
        customer_fees: What the buyer pays the gateway on top, by payment.
        discounts: By how much an offer lowered the order, by payment; None if not asked.
        is_over_limit: Whether its buyer would have too many tickets with it.
    """

    intent: Intent
    event: Event
    quantity: int
    payments: dict[str, Payment]
    booking_ref: str | None
    booking_status: str | None
    trace: str | None = None
    is_over_limit: bool = False
    customer_fees: dict[str, int] = field(default_factory=dict[str, int])
    discounts: dict[str, int | None] = field(default_factory=dict[str, int | None])


async def contexts(
    session: Transaction,
    *,
    order_ids: Iterable[str] = (),
    intent_ids: Iterable[str] = (),
    for_update: bool = True,
) -> list[SettlementContext]:
    """Return the intents with these orders or ids, and everything around them.

    With the lock, related rows are read after it is granted: its previous holder has
    written by then.
    """
    found = await intents.with_events(
        session, ids=intent_ids, order_ids=order_ids, for_update=for_update
    )
    if not found:
        return []
    ids = {"ids": [intent.id for intent, _ in found]}
    named = {intent.id: (intent, event) for intent, event in found}
    known: dict[str, SettlementContext] = {}
    for row in await (await execute(session, _FACTS, ids)).fetchall():
        values = row._asdict()
        facts = {name: values.pop(name) for name in ("quantity", "ref", "booking_status")}
        intent_id = values.pop("of_intent")
        if intent_id not in known:
            known[intent_id] = SettlementContext(
                *named[intent_id],
                quantity=facts["quantity"],
                payments={},
                booking_ref=facts["ref"],
                booking_status=facts["booking_status"],
            )
        if row.id is not None:
            known[intent_id].payments[row.id] = create_row(Payment, **values)
    return [known[intent.id] for intent, _ in found]


async def write_payments(session: Transaction, payments: Sequence[Payment]) -> None:
    """Store payments as they are now.

    Raises:
        ValueError: If one of them is stored for another intent.
    """
    if await insert_many(session, payments, on_conflict=_FORWARD) != len(payments):
        raise ValueError("a payment is stored for another intent")


async def write_unmatched(session: Transaction, payments: Sequence[UnmatchedPayment]) -> None:
    """Store money that is no order's of ours; what is stored already is left as it is."""
    await insert_many(session, payments, on_conflict="ON CONFLICT (id) DO NOTHING")


async def sell(
    session: Transaction, intent_ids: Iterable[str]
) -> Mapping[str, list[tuple[str, str]]]:
    """Mark intents as confirmed, which need no more queries, and their held units as sold.

    Returns:
        By intent, the tier and the id of each unit, in a stable order.
    """
    result = await execute(session, _SELL, {"intent_ids": list(intent_ids)})
    sold: dict[str, list[tuple[str, str]]] = {}
    for intent_id, tier_id, _, unit_id in sorted(await result.fetchall()):
        sold.setdefault(intent_id, []).append((tier_id, unit_id))
    return sold


async def begin_window(session: Transaction, intent_ids: Iterable[str]) -> None:
    """Give paying intents their whole window, once: the gateway has reported an attempt."""
    await execute(session, _BEGIN_WINDOW, {"intent_ids": list(intent_ids)})


async def expire(session: Transaction, intent_ids: Iterable[str]) -> None:
    """End live intents and give their held units back to everyone."""
    await execute(session, _EXPIRE, {"intent_ids": list(intent_ids)})


async def resume_payment(session: AsyncSession, intent_id: str, *, window: timedelta) -> None:
    """Make an ended intent a paying one again, for as long as a capture may take."""
    await session.execute(
        update(Intent)
        .where(col(Intent.id) == intent_id)
        .values(
            status=IntentStatus.PAYING,
            ended_at=None,
            paying_at=func.coalesce(col(Intent.paying_at), _NOW),
            expires_at=func.hold_clock() + cast(literal(window), Interval),
        )
    )


async def holds_something(session: AsyncSession, *, event_id: str, visitor_id: str) -> bool:
    """Return whether a visitor has a live intent for an event."""
    found = await session.scalar(
        select(literal(1))
        .where(
            col(Intent.event_id) == event_id,
            col(Intent.visitor_id) == visitor_id,
            col(Intent.status).in_(LIVE_INTENT_STATUSES),
        )
        .limit(1)
    )
    return found is not None
