"""Find bookings, show their history, and correct them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.bookings import participants as queries, records as booking_queries
from surge_app.db.bookings.participants import Filter
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.messaging import outbox
from surge_app.db.payments import records as payment_queries, refunds as refund_queries
from surge_app.errors import AlreadyRefunded, EditConflict, InvalidRequest
from surge_app.languages import gettext as _
from surge_app.models import (
    AuditEntry,
    Booking,
    BookingStatus,
    MessageKind,
    PaymentSource,
    SalesChannel,
)
from surge_app.services.bookings.versioning import bump_version
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.events.edit_conflicts import require_unchanged
from surge_app.services.messaging.outbox_rows import messages_for
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import RefundPlan, plan_refund

__all__ = ["BookingDetail", "Filter", "Participant", "ParticipantPage", "Participants"]

_MAX_LISTED = 200
_FILTERS: dict[str, set[str]] = {
    "status": set(BookingStatus),
    "presence": {"inside", "outside"},
    "channel": set(SalesChannel),
}


@dataclass(frozen=True, slots=True)
class Participant:
    """A booking in the list; `inside` counts its valid tickets that are checked in."""

    ref: str
    name: str
    email: str
    phone: str
    status: str
    total_paise: int
    channel: str
    tickets: int
    valid: int
    inside: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ParticipantPage:
    """Some bookings, the newest first; `next_before` asks for the next page, None ends it."""

    event: str
    participants: tuple[Participant, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class SoldTicket:
    """A ticket as the organizer sees it: without its code, which admits."""

    ticket: int
    tier: str
    attendee_name: str
    status: str
    checked_in_at: datetime | None
    gate: str


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """Something that happened.

    Attributes:
        what: held, payment_started, payment, booked, message, refund, checked_in or action.
        state: Its status, such as a message's delivery; of an action, its actor.
    """

    at: datetime
    what: str
    detail: str
    state: str


@dataclass(frozen=True, slots=True)
class BookingDetail:
    """A booking with all stored details.

    Attributes:
        channel: online, box_office or complimentary.
        in_cash: It was paid at the box office; refunds are handed back, the way of `method`.
        version: Sent with an action, which is refused if someone else acted since.
        refundable_paise: What can still be refunded.
        dispute: The state of a dispute of its payment, in the gateway's word; empty without one.
    """

    ref: str
    version: int
    event_slug: str
    event_name: str
    time_zone: str
    status: str
    name: str
    email: str
    phone: str
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    refundable_paise: int
    channel: str
    in_cash: bool
    method: str
    created_at: datetime
    tickets: tuple[SoldTicket, ...]
    timeline: tuple[TimelineEntry, ...]
    dispute: str = ""


class Participants:
    """Finds bookings, shows everything about one, and corrects its contact."""

    def __init__(self, database: Database, contacts: Contacts) -> None:
        self._database = database
        self._contacts = contacts

    async def search(
        self, slug: str, wanted: Filter, *, before: str | None = None, limit: int = 50
    ) -> ParticipantPage:
        """Return bookings of an event that match.

        Args:
            wanted: By name, email, reference or the last digits of a mobile number, and filters.
            before: `next_before` of the page before.
            limit: At most 200.

        Raises:
            InvalidRequest: If a filter is none.
            NotFound: If there is no such event.
        """
        for field, known in _FILTERS.items():
            if getattr(wanted, field) not in {None, *known}:
                msg = _(
                    "The filter {name} is one of {values}.",
                    name=field,
                    values=", ".join(sorted(known)),
                )
                raise InvalidRequest(msg)
        most = min(max(1, limit), _MAX_LISTED)
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            rows = await queries.page(session, event.id, wanted, before=before, most=most + 1)
        found = tuple(
            Participant(**{name: row[name] for name in Participant.__dataclass_fields__})
            for row in rows[:most]
        )
        return ParticipantPage(
            event.name, found, rows[most - 1]["id"] if len(rows) > most else None
        )

    async def detail(self, ref: str) -> BookingDetail:
        """Return everything stored about a booking; raises NotFound."""
        async with self._database.transaction() as session:
            booking = await booking_queries.require_booking(session, ref)
            event = await catalog_queries.event_by_id(session, booking.event_id)
            tickets = await booking_queries.tickets(session, booking.id)
            payment = await booking_queries.applied_payment(session, booking.intent_id)
            entries = await refund_queries.entries_of_booking(session, booking.id)
            disputes = await payment_queries.disputes(session, booking.intent_id)
            timeline = await queries.timeline(
                session, booking_id=booking.id, intent_id=booking.intent_id, ref=ref
            )
        return BookingDetail(
            ref=booking.ref,
            version=booking.version,
            event_slug=event.slug,
            event_name=event.name,
            time_zone=event.time_zone,
            status=booking.status,
            name=booking.name,
            email=booking.email,
            phone=booking.phone,
            subtotal_paise=booking.subtotal_paise,
            fee_paise=booking.fee_paise,
            total_paise=booking.total_paise,
            refundable_paise=ledger.balance(entries).retained_paise,
            channel=booking.channel,
            in_cash=payment is not None and payment.source == PaymentSource.BOX_OFFICE,
            method=(payment.method or "") if payment else "",
            created_at=booking.created_at,
            tickets=tuple(
                SoldTicket(
                    ticket=ticket.seq,
                    tier=tier,
                    attendee_name=ticket.attendee_name,
                    status=ticket.status,
                    checked_in_at=ticket.checked_in_at,
                    gate=ticket.checked_in_gate or "",
                )
                for ticket, tier in tickets
            ),
            timeline=tuple(TimelineEntry(**row) for row in timeline),
            dispute=disputes[0].status if disputes else "",
        )

    async def correct(
        self,
        ref: str,
        *,
        name: object,
        email: object,
        phone: object,
        actor: str,
        version: int | None = None,
        expected: Mapping[str, str] | None = None,
    ) -> None:
        """Correct the contact of a booking; messages sent from now on go there.

        The first address of a box-office buyer gets the confirmation.

        Args:
            name: As typed.
            email: As typed.
            phone: As typed.
            version: Of the booking as it was seen; None skips the comparison.
            expected: The contact the form was opened with; what it leaves as it was stays as it
                is stored.

        Raises:
            EditConflict: If someone else acted on it since it was shown.
            InvalidContact: If a field needs another look.
            NotFound: If there is no such booking.
        """
        async with self._database.transaction() as session:
            booking = await booking_queries.require_booking(session, ref, for_update=True)
            bump_version(booking, version)
            contact = self._contacts.check(
                name=name,
                email=email,
                phone=phone,
                may_lack_address=booking.channel != SalesChannel.ONLINE,
            )
            wanted = {"name": contact.name, "email": contact.email, "phone": contact.phone}
            before = {field: getattr(booking, field) for field in wanted}
            if expected is not None:
                changed = {field: one for field, one in wanted.items() if one != expected[field]}
                await require_unchanged(
                    session, ref, stored=before, expected=expected, changes=changed
                )
                wanted = {**before, **changed}
            is_new = any(wanted[field] and not before[field] for field in ("email", "phone"))
            await session.flush()
            await queries.correct(session, ref, **wanted)
            await outbox.redirect(session, booking.id, email=wanted["email"], phone=wanted["phone"])
            if is_new:
                await _confirm(session, booking)
            session.add(
                AuditEntry(
                    actor=actor, action="booking.correct", subject=ref, before=before, after=wanted
                )
            )

    async def preview_refund(
        self,
        ref: str,
        *,
        version: int,
        tickets: Sequence[int] | None = None,
        amount_paise: int | None = None,
    ) -> RefundPlan:
        """Return what `Refunds.refund` would do with the same arguments; raises as it does."""
        async with self._database.transaction() as session:
            booking = await booking_queries.require_booking(session, ref)
            if booking.version != version:
                raise EditConflict
            if booking.status != BookingStatus.CONFIRMED:
                raise AlreadyRefunded
            entries = await refund_queries.entries_of_booking(session, booking.id)
            prices = await booking_queries.prices_of_valid_tickets(session, booking.id)
        return plan_refund(
            ledger.balance(entries), prices, tickets=tickets, amount_paise=amount_paise
        )


async def _confirm(session: AsyncSession, booking: Booking) -> None:
    """Send the confirmation to addresses a booking had none of; it is sent once to each channel."""
    await session.refresh(booking)
    intent = await intent_queries.by_id(session, booking.intent_id)
    if intent is not None and booking.status == BookingStatus.CONFIRMED:
        await outbox.add(session, messages_for(intent, booking, MessageKind.CONFIRMATION))
