"""The subjects of messages: intents with their event and booking, many in a few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.checkout import intents as intent_queries
from surge_app.models import (
    AuditEntry,
    Booking,
    Event,
    Intent,
    IntentLine,
    SalesChannel,
    Ticket,
    Tier,
    Unit,
)

# By the address alone: the mail goes there, and must tell nothing of a phone someone typed.
_OWNED = text(
    """
    SELECT mine.id, count(*) AS owned
    FROM intents mine
    JOIN intents i ON i.event_id = mine.event_id AND i.status = 'confirmed'
        AND i.email IS NOT NULL AND email_key(i.email) = email_key(mine.email)
    JOIN bookings b ON b.intent_id = i.id
    JOIN tickets k ON k.booking_id = b.id AND k.status = 'valid'
    WHERE mine.id = ANY(:ids)
    GROUP BY mine.id
    """
)


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
    session: AsyncSession, intent_ids: Collection[str]
) -> Mapping[str, MessageSubject]:
    """Return what messages about these intents speak of, by intent."""
    result = await session.execute(
        select(Intent, Event, Booking)
        .join(Event, col(Event.id) == col(Intent.event_id))
        .join(Booking, col(Booking.intent_id) == col(Intent.id), isouter=True)
        .where(col(Intent.id).in_(intent_ids))
    )
    rows = result.all()
    revisions = await _revisions(session, {event.slug for _, event, _ in rows})
    found = {
        intent.id: MessageSubject(intent, event, booking, revisions.get(event.slug, 0))
        for intent, event, booking in rows
    }
    for intent_id, lines in (await intent_queries.lines_of(session, list(intent_ids))).items():
        found[intent_id].lines.extend(lines)
    tickets = await session.execute(
        select(col(Booking.intent_id), Ticket, col(Tier.name))
        .join(Ticket, col(Ticket.booking_id) == col(Booking.id))
        .join(Unit, col(Unit.id) == col(Ticket.unit_id))
        .join(Tier, col(Tier.id) == col(Unit.tier_id))
        .where(col(Booking.intent_id).in_(intent_ids))
        .order_by(col(Ticket.seq))
    )
    for intent_id, ticket, tier_name in tickets.all():
        found[intent_id].tickets.append((ticket, tier_name))
    free = [intent.id for intent, _, booking in rows if _is_claimed(intent, booking)]
    if free:
        for row in await session.execute(_OWNED, {"ids": free}):
            found[row.id].owned = int(row.owned)
    return found


def _is_claimed(intent: Intent, booking: Booking | None) -> bool:
    """Return whether anyone could have made the booking by typing someone else's address."""
    is_online = booking is not None and booking.channel == SalesChannel.ONLINE
    return is_online and intent.total_paise == 0


async def _revisions(session: AsyncSession, slugs: Collection[str]) -> Mapping[str, int]:
    result = await session.execute(
        select(col(AuditEntry.subject), func.count())
        .where(col(AuditEntry.subject).in_(slugs), col(AuditEntry.action).like("event%"))
        .group_by(col(AuditEntry.subject))
    )
    return {row[0]: int(row[1]) for row in result.all()}
