"""Queries at the start of a payment: who pays, what else they have, and the order they get."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import Event, Intent, IntentLine

# A payment that began longer ago than this has come back from the bank, or is known as a row.
_RECENT = timedelta(minutes=30)
# By then whoever is paying has come back, and the webhook has come or is lost.
_FIRST_CHECK = timedelta(seconds=60)
# Sorted, so that of two batches with the same people one waits and never both.
_LOCK_PERSONS = text(
    """
    SELECT pg_advisory_xact_lock(locks.key) FROM (
        SELECT DISTINCT hashtextextended(name, 0) AS key
        FROM unnest(CAST(:names AS text[])) AS n (name) ORDER BY 1
    ) AS locks
    """
)
# Each contact has an index of its own: one condition over both would walk the whole event.
_STANDINGS = text(
    """
    SELECT x.id, hold_clock() AS now,
        (SELECT coalesce(sum(quantity), 0) FROM intent_lines WHERE intent_id = x.id) AS own,
        coalesce(rest.tickets, 0) AS others, coalesce(rest.orders, '{}') AS rivals
    FROM unnest(
        CAST(:ids AS text[]), CAST(:event_ids AS text[]),
        CAST(:emails AS text[]), CAST(:phones AS text[])
    ) AS x (id, event_id, email, phone)
    CROSS JOIN LATERAL (
        SELECT sum(CASE
                WHEN o.status IN ('held', 'paying') THEN (
                    SELECT sum(quantity) FROM intent_lines WHERE intent_id = o.id)
                WHEN o.status = 'confirmed' THEN (
                    SELECT count(*) FROM bookings b JOIN tickets k ON k.booking_id = b.id
                    WHERE b.intent_id = o.id AND k.status = 'valid')
            END) AS tickets,
            array_agg(o.order_id ORDER BY o.paying_at DESC) FILTER (
                WHERE o.order_id IS NOT NULL AND o.status <> 'confirmed' AND (
                    o.status = 'paying'
                    OR o.paying_at > clock_timestamp() - CAST(:recent AS interval)
                    OR EXISTS (SELECT FROM payments p WHERE p.intent_id = o.id
                               AND p.status IN ('created', 'authorized') AND p.reason IS NULL))
            ) AS orders
        FROM (
            SELECT id, status, order_id, paying_at FROM intents
            WHERE event_id = x.event_id AND email = x.email
            UNION
            SELECT id, status, order_id, paying_at FROM intents
            WHERE event_id = x.event_id AND phone = x.phone
        ) AS o
        WHERE o.id <> x.id
    ) AS rest
    """
)
_NOTE = text(
    """
    UPDATE intents SET name = x.name, email = x.email, phone = x.phone,
        attendee_names = CAST(x.attendees AS jsonb)
    FROM unnest(
        CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:emails AS text[]),
        CAST(:phones AS text[]), CAST(:attendees AS text[])
    ) AS x (id, name, email, phone, attendees)
    WHERE intents.id = x.id
    """
)
_LOCK = text("SELECT id FROM intents WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
_BEGIN = text(
    """
    UPDATE intents i SET
        order_id = coalesce(i.order_id, x.order_id),
        status = 'paying',
        paying_at = coalesce(i.paying_at, clock_timestamp()),
        next_check_at = coalesce(i.next_check_at, clock_timestamp() + CAST(:check_in AS interval)),
        expires_at = CASE i.status WHEN 'held'
            THEN hold_clock() + make_interval(secs => x.seconds) ELSE i.expires_at END
    FROM unnest(
        CAST(:ids AS text[]), CAST(:order_ids AS text[]),
        CAST(:totals AS bigint[]), CAST(:seconds AS int[])
    ) AS x (id, order_id, total, seconds)
    WHERE i.id = x.id AND i.status IN ('held', 'paying') AND i.expires_at > hold_clock()
        AND (i.order_id IS NOT NULL OR i.total_paise = x.total)
    RETURNING i.id, i.order_id, i.total_paise, i.expires_at, hold_clock() AS now
    """
)


@dataclass(frozen=True, slots=True)
class Person:
    """Who wants to pay for an intent of an event.

    Attributes:
        attendees: Who comes, by tier; None where nobody asks.
    """

    intent_id: str
    event_id: str
    name: str
    email: str
    phone: str
    attendees: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """What else a person has of an event, by email or phone.

    Attributes:
        now: By the clock of holds.
        own: How many tickets the intent itself asks for.
        others: How many tickets the person holds or has bought beside it; void ones do not count.
        rivals: Orders of the person's other intents that may be paid, or be being paid; the
            latest first.
    """

    now: datetime
    own: int
    others: int
    rivals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrderCreated:
    """An order made for an intent while it cost this much, and how long it may be paid."""

    intent_id: str
    order_id: str
    total_paise: int
    seconds: int


@dataclass(frozen=True, slots=True)
class PaymentBegun:
    """A payment that may be made until its deadline, by the clock of holds."""

    order_id: str
    total_paise: int
    expires_at: datetime
    now: datetime


async def locked_intents(
    session: AsyncSession, intent_ids: Collection[str]
) -> dict[str, tuple[Intent, Event]]:
    """Return intents, locked in the order of their ids, with their events."""
    result = await session.execute(
        select(Intent, Event)
        .join(Event, col(Event.id) == col(Intent.event_id))
        .where(col(Intent.id).in_(intent_ids))
        .order_by(col(Intent.id))
        .with_for_update(of=Intent)
        .execution_options(populate_existing=True)
    )
    found = {intent.id: (intent, event) for intent, event in result.all()}
    session.expunge_all()
    return found


async def purchase_histories(
    session: AsyncSession, persons: Sequence[Person]
) -> Mapping[str, PurchaseHistory]:
    """Return what else these people have, by intent.

    Their purchases of these events wait for each other until the transaction ends, so two
    requests of one person are counted one after the other. Locks of intents come before.
    """
    names = [f"{one.event_id}:{contact}" for one in persons for contact in (one.email, one.phone)]
    await session.execute(_LOCK_PERSONS, {"names": names})
    result = await session.execute(
        _STANDINGS,
        {
            "ids": [one.intent_id for one in persons],
            "event_ids": [one.event_id for one in persons],
            "emails": [one.email for one in persons],
            "phones": [one.phone for one in persons],
            "recent": _RECENT,
        },
    )
    return {
        row.id: PurchaseHistory(row.now, row.own, int(row.others), tuple(row.rivals))
        for row in result
    }


async def quantities(
    session: AsyncSession, intent_ids: Collection[str]
) -> Mapping[str, dict[str, int]]:
    """Return how many tickets of each tier intents have, by intent; asks nothing about none."""
    found: dict[str, dict[str, int]] = {}
    if intent_ids:
        wanted = select(IntentLine).where(col(IntentLine.intent_id).in_(intent_ids))
        for line in (await session.scalars(wanted)).all():
            found.setdefault(line.intent_id, {})[line.tier_id] = line.quantity
        session.expunge_all()
    return found


async def record_order(session: AsyncSession, persons: Sequence[Person]) -> None:
    """Write down who pays for intents the caller has locked."""
    if persons:
        values = {
            "ids": [one.intent_id for one in persons],
            "names": [one.name for one in persons],
            "emails": [one.email for one in persons],
            "phones": [one.phone for one in persons],
            "attendees": [
                None if one.attendees is None else json.dumps(one.attendees) for one in persons
            ],
        }
        await session.execute(_NOTE, values)


async def begin_payment(
    session: AsyncSession, orders: Sequence[OrderCreated]
) -> Mapping[str, PaymentBegun]:
    """Make live holds paying ones, each with its one order and a window of its own, once.

    Returns:
        By intent; those are missing that ended, or were changed after their order was made.
    """
    values = {
        "ids": [one.intent_id for one in orders],
        "order_ids": [one.order_id for one in orders],
        "totals": [one.total_paise for one in orders],
        "seconds": [one.seconds for one in orders],
        "check_in": _FIRST_CHECK,
    }
    await session.execute(_LOCK, {"ids": values["ids"]})
    result = await session.execute(_BEGIN, values)
    return {
        row.id: PaymentBegun(row.order_id, row.total_paise, row.expires_at, row.now)
        for row in result
    }


async def owner_of_order(session: AsyncSession, order_id: str) -> str | None:
    """Return the visitor whose intent has an order."""
    query = select(col(Intent.visitor_id)).where(col(Intent.order_id) == order_id)
    return await session.scalar(query)
