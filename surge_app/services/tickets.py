"""Bookings as their owners see them: on the page, in the calendar, on paper."""

# icalendar types its values only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import io
from datetime import timedelta

import anyio.to_thread
import segno
from icalendar import Calendar
from icalendar import Event as CalendarEvent

from surge_app.clock import utc_now
from surge_app.db import bookings as queries
from surge_app.db import catalog as catalog_queries
from surge_app.db import intents as intent_queries
from surge_app.db import units
from surge_app.db.engine import Database
from surge_app.errors import NotFound
from surge_app.models import Ticket, TicketStatus
from surge_app.services.catalog import event_view
from surge_app.services.identity import Identity
from surge_app.services.paper import draw_tickets
from surge_app.services.ports import Attachment
from surge_app.services.ticket_codes import TicketCodes
from surge_app.services.views import BookingView, IntentLineView, TicketView

_LASTS = timedelta(hours=3)
_QR_SCALE = 6
_MOST_INLINE = 6


class Tickets:
    """Reads bookings and draws their tickets. Who may see one is the caller's question."""

    def __init__(
        self, database: Database, identity: Identity, codes: TicketCodes, *, base_url: str
    ) -> None:
        """Keep the collaborators."""
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
            created_at=booking.created_at,
        )

    def _ticket(self, event_id: str, ticket: Ticket, tier_name: str) -> TicketView:
        text = self._codes.qr_text(event_id, ticket.code)
        return TicketView(
            ticket.code,
            tier_name,
            ticket.seq,
            str(ticket.status),
            qr_svg(text),
            text,
            ticket.attendee_name,
        )

    async def pdf(self, ref: str) -> bytes:
        """Return the tickets of a booking as a printable PDF, A4; raises NotFound."""
        booking = await self.view(ref)
        return await anyio.to_thread.run_sync(draw_tickets, booking)

    async def calendar(self, ref: str) -> bytes:
        """Return the event of a booking as an iCalendar file; raises NotFound."""
        return _calendar(await self.view(ref), self.link(ref))

    async def attachments(self, ref: str) -> tuple[Attachment, ...]:
        """Return what goes with the confirmation: codes inline, tickets as PDF, the calendar."""
        booking = await self.view(ref)
        pdf = await anyio.to_thread.run_sync(draw_tickets, booking)
        valid = [one for one in booking.tickets if one.status == TicketStatus.VALID]
        codes = [
            Attachment(
                f"ticket-{one.seq}.png", "image/png", qr_png(one.qr_text), f"ticket{one.seq}"
            )
            for one in valid[:_MOST_INLINE]
        ]
        return (
            *codes,
            Attachment(f"{ref}.pdf", "application/pdf", pdf),
            Attachment(f"{ref}.ics", "text/calendar", _calendar(booking, self.link(ref))),
        )


def qr_svg(text: str) -> str:
    """Return a QR as an inline SVG that scales with its box."""
    return segno.make_qr(text, error="m").svg_inline(
        scale=4, border=2, dark="#1A1720", light="#FFFFFF", omitsize=True
    )


def qr_png(text: str) -> bytes:
    """Return a QR as a PNG with a quiet zone."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=_QR_SCALE, border=4)
    return out.getvalue()


def _calendar(booking: BookingView, link: str) -> bytes:
    entry = CalendarEvent()
    entry.add("uid", f"{booking.ref}@surge")
    entry.add("dtstamp", booking.created_at)
    entry.add("dtstart", booking.event.starts_at)
    entry.add("dtend", booking.event.starts_at + _LASTS)
    entry.add("summary", booking.event.name)
    entry.add("location", booking.event.venue)
    entry.add("description", f"Booking {booking.ref}. Tickets: {link}")
    calendar = Calendar()
    calendar.add("prodid", "-//Surge//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(entry)
    return calendar.to_ical()
