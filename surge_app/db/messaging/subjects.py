"""The subjects of messages: intents with their event and booking, many in a few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from surge_app.db.checkout.intents import with_events
from surge_app.db.engine import Transaction, execute
from surge_app.models import Booking, Event, Intent, IntentLine, SalesChannel, Ticket
from surge_app.models.base import columns_of, create_row

_BOOKINGS = f"""
SELECT {columns_of(Booking, "b")} FROM bookings b WHERE b.intent_id = ANY(%(ids)s)
"""  # noqa: S608  columns of our own tables
_LINES = f"""
SELECT {columns_of(IntentLine, "l")}, t.name AS tier_name
FROM intent_lines l JOIN tiers t ON t.id = l.tier_id
WHERE l.intent_id = ANY(%(ids)s) ORDER BY t.position, t.id
"""  # noqa: S608  as above
_TICKETS = f"""
SELECT {columns_of(Ticket, "k")}, t.name AS tier_name, b.intent_id
FROM bookings b JOIN tickets k ON k.booking_id = b.id
JOIN units u ON u.id = k.unit_id JOIN tiers t ON t.id = u.tier_id
WHERE b.intent_id = ANY(%(ids)s) ORDER BY k.seq
"""  # noqa: S608  as above
_REVISIONS = """
SELECT subject, count(*) AS number FROM audit_log
WHERE subject = ANY(%(slugs)s) AND action LIKE 'event%%' GROUP BY subject
"""
# By the address alone: the mail goes there, and must tell nothing of a phone someone typed.
_OWNED = """
SELECT mine.id, count(*) AS owned
FROM intents mine
JOIN intents i ON i.event_id = mine.event_id AND i.status = 'confirmed'
    AND i.email IS NOT NULL AND email_key(i.email) = email_key(mine.email)
JOIN bookings b ON b.intent_id = i.id
JOIN tickets k ON k.booking_id = b.id AND k.status = 'valid'
WHERE mine.id = ANY(%(ids)s)
GROUP BY mine.id
"""


@dataclass(slots=True)
class MessageSubject:
    """The rows around one intent; lines and tickets come with the names of their tiers.

    Attributes:
        revision: How often its event was changed or cancelled.
        owned: For a free booking, the valid tickets its email address has for the event.
    """

    intent: Intent
    event: Event
    booking: Booking | None
    revision: int
    owned: int = 0
    lines: list[tuple[IntentLine, str]] = field(default_factory=list[tuple[IntentLine, str]])
    tickets: list[tuple[Ticket, str]] = field(default_factory=list[tuple[Ticket, str]])


async def subjects(
    session: Transaction, intent_ids: Collection[str]
) -> Mapping[str, MessageSubject]:
    """Return what messages about these intents speak of, by intent."""
    ids = {"ids": list(intent_ids)}
    rows = await with_events(session, ids=ids["ids"], for_update=False)
    bookings = {
        row.intent_id: create_row(Booking, **row._asdict())
        for row in await (await execute(session, _BOOKINGS, ids)).fetchall()
    }
    slugs = {"slugs": list({event.slug for _, event in rows})}
    changed = await (await execute(session, _REVISIONS, slugs)).fetchall()
    revisions = {row.subject: int(row.number) for row in changed}
    found = {
        intent.id: MessageSubject(
            intent, event, bookings.get(intent.id), revisions.get(event.slug, 0)
        )
        for intent, event in rows
    }
    for row in await (await execute(session, _LINES, ids)).fetchall():
        values = row._asdict()
        tier_name = values.pop("tier_name")
        found[row.intent_id].lines.append((create_row(IntentLine, **values), tier_name))
    for row in await (await execute(session, _TICKETS, ids)).fetchall():
        values = row._asdict()
        tier_name, intent_id = values.pop("tier_name"), values.pop("intent_id")
        found[intent_id].tickets.append((create_row(Ticket, **values), tier_name))
    free = [one.intent.id for one in found.values() if _is_claimed(one.intent, one.booking)]
    if free:
        for row in await (await execute(session, _OWNED, {"ids": free})).fetchall():
            found[row.id].owned = int(row.owned)
    return found


def _is_claimed(intent: Intent, booking: Booking | None) -> bool:
    """Return whether anyone could have made the booking by typing someone else's address."""
    is_online = booking is not None and booking.channel == SalesChannel.ONLINE
    return is_online and intent.total_paise == 0
