"""Bookings as their owners see them: on the page, in the calendar, on paper."""

# icalendar types its values only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import anyio.to_thread
from icalendar import Calendar, Event as CalendarEvent, Timezone

from surge_app.clock import utc_now
from surge_app.db.bookings import records as queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.messaging import event_notices
from surge_app.errors import NotFound
from surge_app.models import Ticket, TicketStatus
from surge_app.services.access.identity import Identity
from surge_app.services.bookings.pdf import draw_receipt, draw_tickets
from surge_app.services.bookings.qr import qr_png
from surge_app.services.bookings.ticket_signing import TicketCodes
from surge_app.services.bookings.views import BookingView, TicketView
from surge_app.services.checkout.views import IntentLineView
from surge_app.services.events.catalog import event_view
from surge_app.services.vendors.ports import Attachment

_LASTS = timedelta(hours=3)
_MOST_INLINE = 6


class Tickets:
    """Reads bookings and draws their tickets. Who may see one is the caller's question."""

    def __init__(
        self, database: Database, identity: Identity, codes: TicketCodes, *, base_url: str
    ) -> None:
        self._database = database
        self._identity = identity
        self._codes = codes
        self._base_url = base_url

    def link(self, ref: str) -> str:
        """Return the link that opens a booking without any login."""
        return f"{self._base_url}/bookings/{ref}?token={self._identity.booking_token(ref)}"

    async def view(self, ref: str) -> BookingView:
        """Return a booking.

        Raises:
            NotFound: If there is none with this reference.
        """
        async with self._database.transaction() as session:
            booking = await queries.by_ref(session, ref)
            if booking is None:
                raise NotFound
            event = await catalog_queries.event_by_id(session, booking.event_id)
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
            tickets = await queries.tickets(session, booking.id)
            lines = await intent_queries.lines(session, booking.intent_id)
            payment = await queries.applied_payment(session, booking.intent_id)
        return BookingView(
            ref=booking.ref,
            status=str(booking.status),
            event=event_view(event, tiers, counts, utc_now()),
            name=booking.name,
            email=booking.email,
            phone=booking.phone,
            lines=tuple(
                IntentLineView(line.tier_id, name, line.quantity, line.unit_price_paise)
                for line, name in lines
            ),
            tickets=tuple(self._ticket(event.id, *row) for row in tickets),
            subtotal_paise=booking.subtotal_paise,
            fee_paise=booking.fee_paise,
            total_paise=booking.total_paise,
            currency=booking.currency,
            payment_id=payment.id if payment else "",
            channel=booking.channel,
            created_at=booking.created_at,
        )

    def _ticket(self, event_id: str, ticket: Ticket, tier_name: str) -> TicketView:
        text = self._codes.qr_text(event_id, ticket.code)
        return TicketView(
            ticket.code,
            tier_name,
            ticket.seq,
            str(ticket.status),
            text,
            ticket.attendee_name,
            ticket.checked_in_at is not None,
        )

    async def pdf(self, ref: str) -> bytes:
        """Return the tickets of a booking as a printable PDF, A4; raises NotFound."""
        booking = await self.view(ref)
        return await anyio.to_thread.run_sync(draw_tickets, booking)

    async def calendar(self, ref: str) -> bytes:
        """Return the event of a booking as an iCalendar file; raises NotFound."""
        return (await self.calendar_file(await self.view(ref))).content

    async def receipt(self, ref: str) -> bytes:
        """Return what was paid for what as a PDF, A4; raises NotFound."""
        booking = await self.view(ref)
        return await anyio.to_thread.run_sync(draw_receipt, booking)

    async def attachments(self, booking: BookingView) -> tuple[Attachment, ...]:
        """Return what goes with the confirmation: codes inline, tickets as PDF, the calendar."""
        pdf = await anyio.to_thread.run_sync(draw_tickets, booking)
        codes = [
            Attachment(
                f"ticket-{one.seq}.png", "image/png", qr_png(one.qr_text), f"ticket{one.seq}"
            )
            for one in valid_tickets(booking)[:_MOST_INLINE]
        ]
        return (
            *codes,
            Attachment(f"{booking.ref}.pdf", "application/pdf", pdf),
            await self.calendar_file(booking),
        )

    async def calendar_file(self, booking: BookingView) -> Attachment:
        """Return the event for a calendar, or its cancellation if the booking is over."""
        async with self._database.transaction() as session:
            revision = await event_notices.revision(session, booking.event.slug)
        is_over = booking.event.status == "cancelled" or not valid_tickets(booking)
        method = "CANCEL" if is_over else "PUBLISH"
        content = _calendar(booking, self.link(booking.ref), method=method, revision=revision)
        return Attachment(f"{booking.ref}.ics", f"text/calendar; method={method}", content)


def valid_tickets(booking: BookingView) -> list[TicketView]:
    """Return the tickets of a booking that open a door."""
    return [one for one in booking.tickets if one.status == TicketStatus.VALID]


@lru_cache(maxsize=64)
def _zone(name: str) -> Timezone:
    """Return the rules of a time zone; working them out costs more than the rest of the file."""
    return Timezone.from_tzid(name)


def _calendar(booking: BookingView, link: str, *, method: str, revision: int) -> bytes:
    """Return an iCalendar file; a later one with the same uid takes the place of an earlier."""
    event = booking.event
    starts = event.starts_at.astimezone(ZoneInfo(event.time_zone))
    entry = CalendarEvent()
    entry.add("uid", f"{booking.ref}@surge")
    entry.add("sequence", revision)
    entry.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    entry.add("dtstamp", utc_now())
    entry.add("dtstart", starts)
    ends = event.ends_at.astimezone(starts.tzinfo) if event.ends_at else starts + _LASTS
    entry.add("dtend", ends)
    entry.add("summary", event.name)
    entry.add("location", ", ".join(filter(None, (event.venue, event.address))))
    entry.add("description", f"Booking {booking.ref}. Tickets: {link}")
    entry.add("url", link)
    calendar = Calendar()
    calendar.add("prodid", "-//Surge//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(_zone(event.time_zone))
    calendar.add_component(entry)
    return calendar.to_ical()
