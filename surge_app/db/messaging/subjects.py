"""The subjects of messages: intents with their event and booking, many in a few statements."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.models import AuditEntry, Booking, Event, Intent, IntentLine, Ticket, Tier, Unit


@dataclass(slots=True)
class MessageSubject:
    """The rows around one intent; lines and tickets come with the names of their tiers.

    Attributes:
        revision: How often its event was changed or cancelled.
    """

    intent: Intent
    event: Event
    booking: Booking | None
    revision: int
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
    lines = await session.execute(
        select(IntentLine, col(Tier.name))
        .join(Tier, col(Tier.id) == col(IntentLine.tier_id))
        .where(col(IntentLine.intent_id).in_(intent_ids))
        .order_by(col(Tier.position), col(Tier.id))
    )
    for line, tier_name in lines.all():
        found[line.intent_id].lines.append((line, tier_name))
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
    return found


async def _revisions(session: AsyncSession, slugs: Collection[str]) -> Mapping[str, int]:
    result = await session.execute(
        select(col(AuditEntry.subject), func.count())
        .where(col(AuditEntry.subject).in_(slugs), col(AuditEntry.action).like("event%"))
        .group_by(col(AuditEntry.subject))
    )
    return {row[0]: int(row[1]) for row in result.all()}
