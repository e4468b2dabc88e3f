"""Queries over bookings, tickets and the list of participants."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlmodel import col

from surge_app.db.bookings.participants import Filter
from surge_app.db.engine import locked
from surge_app.errors import NotFound
from surge_app.models import (
    AuditEntry,
    Booking,
    BookingStatus,
    Disposition,
    Event,
    Intent,
    IntentLine,
    Payment,
    Refund,
    Ticket,
    TicketStatus,
    Tier,
    Unit,
)

_PARTICIPANTS = """
    SELECT b.ref, t.seq, t.code, t.status AS ticket_status, b.status AS booking_status,
           b.name, b.email, b.phone, tier.name AS tier_name,
           l.unit_price_paise, b.currency,
           -- Once for each booking, so that a column adds up.
           CASE WHEN t.seq = 1 THEN b.fee_paise END AS fee_paise,
           CASE WHEN t.seq = 1 THEN b.total_paise END AS total_paise,
           p.id AS payment_id, b.created_at, t.attendee_name, t.checked_in_at,
           t.checked_in_gate, b.channel, p.method, p.reference, p.taken_by
    FROM bookings b
    JOIN tickets t ON t.booking_id = b.id
    JOIN units u ON u.id = t.unit_id
    JOIN tiers tier ON tier.id = u.tier_id
    JOIN intent_lines l ON l.intent_id = b.intent_id AND l.tier_id = tier.id
    LEFT JOIN payments p ON p.intent_id = b.intent_id AND p.disposition = 'applied'
    WHERE b.event_id = :event_id AND {wanted}
    ORDER BY b.created_at, b.id, t.seq
"""

_NAME_TICKETS = text(
    """
    UPDATE tickets t SET attendee_name = wanted.name
    FROM unnest(CAST(:seqs AS int[]), CAST(:names AS text[])) AS wanted (seq, name)
    WHERE t.booking_id = :booking_id AND t.seq = wanted.seq
        AND t.status = 'valid' AND t.checked_in_at IS NULL
    RETURNING t.seq
    """
)


@dataclass(frozen=True, slots=True)
class AccessFacts:
    """The owner of a booking and the valid version of its link."""

    visitor_id: str
    link_version: int


async def access_facts(session: AsyncSession, ref: str) -> AccessFacts | None:
    """Return what decides about the right to a booking."""
    result = await session.execute(
        select(col(Intent.visitor_id), col(Booking.link_version))
        .join(Intent, col(Intent.id) == col(Booking.intent_id))
        .where(col(Booking.ref) == ref)
    )
    row = result.one_or_none()
    return None if row is None else AccessFacts(row[0], row[1] or 0)


async def by_ref(session: AsyncSession, ref: str, *, for_update: bool = False) -> Booking | None:
    """Return a booking, locked for a change if asked."""
    query = select(Booking).where(col(Booking.ref) == ref)
    return await session.scalar(locked(query) if for_update else query)


async def require_booking(session: AsyncSession, ref: str, *, for_update: bool = False) -> Booking:
    """Return a booking as `by_ref` does; raises NotFound."""
    booking = await by_ref(session, ref, for_update=for_update)
    if booking is None:
        raise NotFound
    return booking


async def email_keys(session: AsyncSession, addresses: Sequence[str]) -> list[str]:
    """Return one key for all spellings of each address, in their order."""
    keys = await session.execute(select(*(func.email_key(address) for address in addresses)))
    return list(keys.one())


async def by_intent(session: AsyncSession, intent_id: str) -> Booking | None:
    """Return the booking of an intent."""
    return await session.scalar(select(Booking).where(col(Booking.intent_id) == intent_id))


async def newest_confirmed(
    session: AsyncSession, slug: str, refs: Sequence[str], *, visitor_id: str
) -> str | None:
    """Return which of some bookings, or of a visitor's, is the newest that stands for an event."""
    owned = [col(Booking.ref).in_(refs)]
    if visitor_id:
        held = select(col(Intent.id)).where(
            col(Intent.event_id) == col(Event.id), col(Intent.visitor_id) == visitor_id
        )
        owned.append(col(Booking.intent_id).in_(held))
    return await session.scalar(
        select(col(Booking.ref))
        .join(Event, col(Event.id) == col(Booking.event_id))
        .where(col(Event.slug) == slug, or_(*owned), col(Booking.status) == BookingStatus.CONFIRMED)
        .order_by(col(Booking.created_at).desc())
        .limit(1)
    )


async def tickets(session: AsyncSession, booking_id: str) -> Sequence[tuple[Ticket, str]]:
    """Return the tickets of a booking with the names of their tiers."""
    result = await session.execute(
        select(Ticket, col(Tier.name))
        .join(Unit, col(Unit.id) == col(Ticket.unit_id))
        .join(Tier, col(Tier.id) == col(Unit.tier_id))
        .where(col(Ticket.booking_id) == booking_id)
        .order_by(col(Ticket.seq))
    )
    return [(ticket, name) for ticket, name in result.all()]


async def applied_payment(session: AsyncSession, intent_id: str) -> Payment | None:
    """Return the payment a booking was made from."""
    return await session.scalar(
        select(Payment).where(
            col(Payment.intent_id) == intent_id, col(Payment.disposition) == Disposition.APPLIED
        )
    )


async def language(session: AsyncSession, intent_id: str) -> str:
    """Return the language of a purchase."""
    query = select(col(Intent.language)).where(col(Intent.id) == intent_id)
    return (await session.execute(query)).scalar_one()


async def refunds(session: AsyncSession, intent_id: str) -> Sequence[tuple[Refund, Payment]]:
    """Return the refunds of an intent's payments with those payments, the oldest first."""
    result = await session.execute(
        select(Refund, Payment)
        .join(Payment, col(Payment.id) == col(Refund.payment_id))
        .where(col(Payment.intent_id) == intent_id)
        .order_by(col(Refund.created_at), col(Refund.id))
    )
    return [(refund, payment) for refund, payment in result.all()]


async def prices_of_valid_tickets(session: AsyncSession, booking_id: str) -> dict[int, int]:
    """Return what each valid ticket of a booking cost, in paise, by its number.

    A discount is spread over the tickets by their prices.
    """
    paid = col(IntentLine.unit_price_paise) * col(Booking.subtotal_paise)
    result = await session.execute(
        select(
            col(Ticket.seq),
            func.coalesce(paid.op("/")(func.nullif(col(Intent.subtotal_paise), 0)), 0),
        )
        .join(Booking, col(Booking.id) == col(Ticket.booking_id))
        .join(Intent, col(Intent.id) == col(Booking.intent_id))
        .join(Unit, col(Unit.id) == col(Ticket.unit_id))
        .join(
            IntentLine,
            and_(
                col(IntentLine.intent_id) == col(Booking.intent_id),
                col(IntentLine.tier_id) == col(Unit.tier_id),
            ),
        )
        .where(col(Ticket.booking_id) == booking_id, col(Ticket.status) == TicketStatus.VALID)
    )
    return dict(result.all())


async def void_tickets(session: AsyncSession, booking_id: str, seqs: Iterable[int]) -> list[str]:
    """Void tickets of a booking that are valid, by their numbers.

    Returns:
        The ids of their units.
    """
    result = await session.scalars(
        update(Ticket)
        .where(
            col(Ticket.booking_id) == booking_id,
            col(Ticket.seq).in_(list(seqs)),
            col(Ticket.status) == TicketStatus.VALID,
        )
        .values(status=TicketStatus.VOID, voided_at=func.now())
        .returning(col(Ticket.unit_id))
    )
    return list(result.all())


async def name_tickets(session: AsyncSession, booking_id: str, names: Mapping[int, str]) -> int:
    """Change the attendees' names on valid, unused tickets; returns how many were changed."""
    values = {"booking_id": booking_id, "seqs": list(names), "names": list(names.values())}
    return len((await session.execute(_NAME_TICKETS, values)).all())


async def actions_within(
    session: AsyncSession, ref: str, action: str, span: timedelta
) -> tuple[int, float]:
    """Return how often something was done to a booking, and the oldest time's age in seconds."""
    now = func.clock_timestamp()
    result = await session.execute(
        select(func.count(), func.extract("epoch", now - func.min(col(AuditEntry.at)))).where(
            col(AuditEntry.subject) == ref,
            col(AuditEntry.action) == action,
            col(AuditEntry.at) > now - span,
        )
    )
    count, age = result.one()
    return int(count), float(age or 0)


async def stream_participants(
    engine: AsyncEngine, event_id: str, wanted: Filter, *, batch: int
) -> AsyncIterator[dict[str, Any]]:
    """Yield one row for each ticket of the bookings that match, through a server-side cursor.

    Memory stays flat however long the list is.
    """
    condition, values = wanted.condition()
    async with engine.connect() as connection:
        result = await connection.stream(
            text(_PARTICIPANTS.format(wanted=condition)),
            {**values, "event_id": event_id},
            execution_options={"yield_per": batch},
        )
        async for row in result.mappings():
            yield dict(row)
