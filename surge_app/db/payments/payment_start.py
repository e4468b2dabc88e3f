"""Queries at the start of a payment: who pays, what else they have, and the order they get."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from surge_app.db.engine import Database, Transaction, execute

# A payment that began longer ago than this has come back from the bank, or is known as a row.
_RECENT = timedelta(minutes=30)
# By then a paying buyer has returned, and the webhook has come or is lost.
_FIRST_CHECK = timedelta(seconds=60)
# A hold whose payment begins late stays this long while the event's share for slow payments has
# room; its whole window needs a real attempt.
_GRACE_SECONDS = 180
# Sorted, so that of two batches with the same buyers one waits and never both.
_LOCK_BUYERS = """
SELECT pg_advisory_xact_lock(locks.key) FROM (
    SELECT DISTINCT hashtextextended(n.event_id || ':' || n.contact, 0) AS key
    FROM (
        SELECT x.event_id, unnest(ARRAY[email_key(x.email), x.phone]) AS contact
        FROM unnest(
            %(event_ids)s::text[], %(emails)s::text[], %(phones)s::text[]
        ) AS x (event_id, email, phone)
    ) AS n WHERE n.contact IS NOT NULL ORDER BY 1
) AS locks
"""
# Each contact has an index of its own: one condition over both would walk the whole event.
_HISTORIES = """
SELECT x.id, hold_clock() AS now,
    (SELECT coalesce(sum(quantity), 0) FROM intent_lines WHERE intent_id = x.id) AS own,
    coalesce(others.bought, 0) AS bought, coalesce(others.bought_here, 0) AS bought_here,
    coalesce(others.orders, '{}') AS competing_orders,
    ARRAY[email_key(x.email), x.phone] AS keys
FROM unnest(
    %(ids)s::text[], %(event_ids)s::text[],
    %(emails)s::text[], %(phones)s::text[]
) AS x (id, event_id, email, phone)
JOIN intents mine ON mine.id = x.id
CROSS JOIN LATERAL (
    SELECT sum(o.tickets) FILTER (
            WHERE o.total_paise > 0 OR o.request_key IS NOT NULL
            OR o.visitor_id = mine.visitor_id
        ) AS bought,
        sum(o.tickets) FILTER (WHERE o.visitor_id = mine.visitor_id) AS bought_here,
        array_agg(o.order_id ORDER BY o.paying_at DESC) FILTER (
            WHERE o.visitor_id = mine.visitor_id
            AND o.order_id IS NOT NULL AND o.status <> 'confirmed' AND (
                o.status = 'paying'
                OR o.paying_at > clock_timestamp() - %(recent)s::interval
                OR EXISTS (SELECT FROM payments p WHERE p.intent_id = o.id
                           AND p.status IN ('created', 'authorized') AND p.reason IS NULL))
        ) AS orders
    FROM (
        SELECT i.id, i.visitor_id, i.status, i.order_id, i.paying_at, i.total_paise,
            i.request_key, CASE WHEN i.status = 'confirmed' THEN (
                SELECT count(*) FROM bookings b JOIN tickets k ON k.booking_id = b.id
                WHERE b.intent_id = i.id AND k.status = 'valid') END AS tickets
        FROM (
            SELECT id, visitor_id, status, order_id, paying_at, total_paise, request_key
            FROM intents WHERE event_id = x.event_id AND email IS NOT NULL
                AND email_key(email) = email_key(x.email)
            UNION
            SELECT id, visitor_id, status, order_id, paying_at, total_paise, request_key
            FROM intents WHERE event_id = x.event_id AND phone = x.phone
        ) AS i
    ) AS o
    WHERE o.id <> x.id
) AS others
"""
_QUANTITIES = """
SELECT intent_id, tier_id, quantity FROM intent_lines WHERE intent_id = ANY(%(ids)s)
"""
_RECORD_CONTACTS = """
UPDATE intents SET name = x.name, email = x.email, phone = x.phone,
    language = x.language, attendee_names = CAST(x.attendees AS jsonb)
FROM unnest(
    %(ids)s::text[], %(names)s::text[], %(emails)s::text[],
    %(phones)s::text[], %(languages)s::text[], %(attendees)s::text[]
) AS x (id, name, email, phone, language, attendees)
WHERE intents.id = x.id
"""
_BEGIN = """
SELECT id, order_id, total_paise, expires_at, as_of AS now FROM begin_payments(
    %(ids)s::text[], %(order_ids)s::text[], %(totals)s::bigint[], %(seconds)s::int[],
    %(grace)s::int, %(check_in)s::interval
)
"""


@dataclass(frozen=True, slots=True)
class Buyer:
    """The buyer of an intent, as given for its payment.

    Attributes:
        attendees: Names by tier; None if the event does not ask for them.
        language: Of the messages about the purchase.
    """

    intent_id: str
    event_id: str
    name: str
    email: str
    phone: str
    attendees: Mapping[str, Sequence[str]] | None = None
    language: str = "en"


@dataclass(frozen=True, slots=True)
class PurchaseHistory:
    """Other purchases of a buyer for an event, by any spelling of the email address or by phone.

    Attributes:
        now: By the clock of holds.
        own: The tickets of the intent itself.
        bought: The valid tickets of other bookings. A hold counts for nothing, nor does a free
            booking of another browser: both take no more than typing someone's address.
        bought_here: Those that were bought in the same browser; only these may be mentioned.
        competing_orders: Orders of the same browser that may be paid already, the latest first.
        keys: What names the buyer, the email address in its normalised form.
    """

    now: datetime
    own: int
    bought: int
    bought_here: int
    competing_orders: tuple[str, ...]
    keys: tuple[str, ...]


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


async def purchase_histories(
    session: Transaction, buyers: Sequence[Buyer]
) -> Mapping[str, PurchaseHistory]:
    """Return the other purchases of these buyers, by intent.

    Their purchases of these events wait for each other until the transaction ends, so two
    requests of one person are counted one after the other. Locks of intents come before.
    """
    if not buyers:
        return {}
    contacts: dict[str, object] = {
        "event_ids": [buyer.event_id for buyer in buyers],
        "emails": [buyer.email or None for buyer in buyers],
        "phones": [buyer.phone or None for buyer in buyers],
    }
    await execute(session, _LOCK_BUYERS, contacts)
    ids = [buyer.intent_id for buyer in buyers]
    found = await execute(session, _HISTORIES, {**contacts, "ids": ids, "recent": _RECENT})
    return {
        row.id: PurchaseHistory(
            now=row.now,
            own=row.own,
            bought=int(row.bought),
            bought_here=int(row.bought_here),
            competing_orders=tuple(row.competing_orders),
            keys=tuple(key for key in row.keys if key),
        )
        for row in await found.fetchall()
    }


async def quantities(
    session: Transaction, intent_ids: Collection[str]
) -> Mapping[str, dict[str, int]]:
    """Return how many tickets of each tier intents have, by intent; asks nothing about none."""
    found: dict[str, dict[str, int]] = {}
    if intent_ids:
        rows = await execute(session, _QUANTITIES, {"ids": list(intent_ids)})
        for row in await rows.fetchall():
            found.setdefault(row.intent_id, {})[row.tier_id] = row.quantity
    return found


async def record_contacts(session: Transaction, buyers: Sequence[Buyer]) -> None:
    """Write down who pays for intents the caller has locked."""
    if buyers:
        values = {
            "ids": [one.intent_id for one in buyers],
            "names": [one.name for one in buyers],
            "emails": [one.email for one in buyers],
            "phones": [one.phone for one in buyers],
            "languages": [one.language for one in buyers],
            "attendees": [
                None if one.attendees is None else json.dumps(one.attendees) for one in buyers
            ],
        }
        await execute(session, _RECORD_CONTACTS, values)


async def begin_payment(
    database: Database, orders: Sequence[OrderCreated]
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
        "grace": _GRACE_SECONDS,
    }
    return {
        row.id: PaymentBegun(row.order_id, row.total_paise, row.expires_at, row.now)
        for row in await database.rows(_BEGIN, values)
    }
