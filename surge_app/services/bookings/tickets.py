"""Bookings as views, calendar entries and PDFs."""

# icalendar types its values only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

import anyio.to_thread
from icalendar import Calendar, Event as CalendarEvent, Timezone, vText
from icalendar.parser import Contentline

from surge_app.clock import utc_now
from surge_app.db.bookings import records as queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.messaging import event_notices
from surge_app.db.messaging.subjects import MessageSubject
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.languages import gettext as _, use
from surge_app.models import (
    Disposition,
    MessageKind,
    Payment,
    Refund,
    RefundStatus,
    Ticket,
    TicketStatus,
)
from surge_app.services.access.identity import Identity
from surge_app.services.bookings.pdf import draw_receipt, draw_tickets
from surge_app.services.bookings.qr import qr_png
from surge_app.services.bookings.ticket_signing import TicketCodes
from surge_app.services.bookings.views import BookingView, RefundLine, TicketView
from surge_app.services.checkout.contacts import unlinked
from surge_app.services.checkout.views import line_views
from surge_app.services.concurrency import BoundedWorker
from surge_app.services.events.catalog import event_view
from surge_app.services.events.changes import changes_since
from surge_app.services.vendors.ports import Attachment

_LASTS = timedelta(hours=3)
_MAX_INLINE = 6
_PDFS = Limit("booking-pdf", per_minute=10, burst=10)
_MAX_PDFS_WAITING = 4
_MAX_PDFS = 64
_ENTRY_END = b"END:VEVENT"


class _CalendarEvent(NamedTuple):
    """The part of a calendar entry that all bookings of an event share."""

    name: str
    location: str
    starts_at: datetime
    ends_at: datetime | None
    time_zone: str


class Tickets:
    """Reads bookings and draws their tickets. The caller has checked the right to them."""

    def __init__(
        self,
        database: Database,
        identity: Identity,
        codes: TicketCodes,
        limits: RateLimiter,
        *,
        base_url: str,
    ) -> None:
        self._limits = limits
        self._worker = BoundedWorker(_MAX_PDFS_WAITING)
        self._pdfs: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._database = database
        self._identity = identity
        self._codes = codes
        self._base_url = base_url

    def page_url(self, ref: str) -> str:
        """Return the address of a booking's page, for browsers that have the right to it."""
        return f"{self._base_url}/bookings/{ref}"

    def link(self, ref: str, link_version: int) -> str:
        """Return the link that opens a booking without any sign-in."""
        return f"{self.page_url(ref)}?token={self._identity.booking_token(ref, link_version)}"

    def contact_code(self, ref: str, link_version: int, at: datetime) -> str:
        """Return the code that confirms a change of contact, sent at a moment."""
        return self._identity.contact_code(ref, link_version, at)

    async def view(self, ref: str) -> BookingView:
        """Return a booking.

        Raises:
            NotFound: If there is none with this reference.
        """
        async with self._database.transaction() as session:
            booking = await queries.require_booking(session, ref)
            event = await catalog_queries.event_by_id(session, booking.event_id)
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
            tickets = await queries.tickets(session, booking.id)
            lines = await intent_queries.lines(session, booking.intent_id)
            payment = await queries.applied_payment(session, booking.intent_id)
            language = await queries.language(session, booking.intent_id)
            refunds = await queries.refunds(session, booking.intent_id)
            edits = await event_notices.edits(session, event.slug, since=booking.created_at)
            cancelled = MessageKind.EVENT_CANCELLED
            notice = await event_notices.latest(session, event.id, cancelled)
        return BookingView(
            ref=booking.ref,
            status=str(booking.status),
            event=event_view(event, tiers, counts, utc_now()),
            name=booking.name,
            email=booking.email,
            phone=booking.phone,
            lines=line_views(lines),
            tickets=tuple(self._ticket(event.id, *row) for row in tickets),
            subtotal_paise=booking.subtotal_paise,
            fee_paise=booking.fee_paise,
            total_paise=booking.total_paise,
            currency=booking.currency,
            payment_id=payment.id if payment else "",
            payment_method=(payment.method or "") if payment else "",
            channel=booking.channel,
            created_at=booking.created_at,
            language=language,
            refunds=tuple(_refund_line(*row) for row in refunds),
            changes=changes_since(event, edits),
            cancelled_at=notice.created_at if notice else None,
            cancel_reason=notice.words if notice else "",
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
        """Return the tickets of a booking as a PDF, A4.

        Raises:
            NotFound: If there is no such booking.
            RateLimited: If a booking asks too often, or too many PDFs wait to be drawn.
        """
        return await self._requested(ref, draw_tickets)

    async def calendar(self, ref: str) -> bytes:
        """Return the event of a booking as an iCalendar file; raises NotFound."""
        booking = await self.view(ref)
        async with self._database.transaction() as session:
            revision = await event_notices.revision(session, booking.event.slug)
        return self.calendar_file(booking, revision).content

    async def receipt(self, ref: str) -> bytes:
        """Return the receipt of a booking as a PDF, A4; raises like `pdf`."""
        return await self._requested(ref, draw_receipt)

    async def _requested(self, ref: str, draw: Callable[[BookingView], bytes]) -> bytes:
        await self._limits.check(_PDFS, ref)
        booking = _outgoing(await self.view(ref))
        key = _pdf_key(booking, draw)
        if key not in self._pdfs:
            self._store_pdf(key, await self._worker.run(draw, booking))
        return self._pdfs[key]

    def _store_pdf(self, key: tuple[str, str], pdf: bytes) -> None:
        self._pdfs[key] = pdf
        while len(self._pdfs) > _MAX_PDFS:
            self._pdfs.popitem(last=False)

    def message_view(self, about: MessageSubject) -> BookingView | None:
        """Return a booking as far as a message shows it, without the counts of the sale."""
        booking, event = about.booking, about.event
        if booking is None:
            return None
        view = BookingView(
            ref=booking.ref,
            status=str(booking.status),
            event=event_view(event, [], {}, utc_now()),
            name=booking.name,
            email=booking.email,
            phone=booking.phone,
            lines=line_views(about.lines),
            tickets=tuple(self._ticket(event.id, *row) for row in about.tickets),
            subtotal_paise=booking.subtotal_paise,
            fee_paise=booking.fee_paise,
            total_paise=booking.total_paise,
            currency=booking.currency,
            payment_id="",
            payment_method="",
            channel=booking.channel,
            created_at=booking.created_at,
            language=about.intent.language,
        )
        return _outgoing(view)

    async def attachments(self, booking: BookingView, revision: int) -> tuple[Attachment, ...]:
        """Return the attachments of a confirmation: codes inline, tickets as PDF, calendar."""
        pdf = await anyio.to_thread.run_sync(draw_tickets, booking)
        codes = [
            Attachment(
                f"ticket-{one.seq}.png", "image/png", qr_png(one.qr_text), f"ticket{one.seq}"
            )
            for one in valid_tickets(booking)[:_MAX_INLINE]
        ]
        return (
            *codes,
            Attachment(f"{booking.ref}.pdf", "application/pdf", pdf),
            self.calendar_file(booking, revision),
        )

    def calendar_file(self, booking: BookingView, revision: int) -> Attachment:
        """Return the event for a calendar, or its cancellation if the booking is over."""
        is_over = booking.event.status == "cancelled" or not valid_tickets(booking)
        method = "CANCEL" if is_over else "PUBLISH"
        with use(booking.language):
            own, link = booking.in_language(), self.page_url(booking.ref)
            content = _calendar(own, link, method=method, revision=revision)
        return Attachment(f"{booking.ref}.ics", f"text/calendar; method={method}", content)


def _outgoing(booking: BookingView) -> BookingView:
    """Return a booking as it leaves by mail or on paper, where programs make links of names."""
    tickets = tuple(
        replace(one, attendee_name=unlinked(one.attendee_name)) for one in booking.tickets
    )
    return replace(booking, name=unlinked(booking.name), tickets=tickets)


def _refund_line(refund: Refund, payment: Payment) -> RefundLine:
    return RefundLine(
        amount_paise=refund.amount_paise,
        at=refund.processed_at or refund.created_at,
        is_paid=refund.status == RefundStatus.PROCESSED,
        reference=refund.gateway_id or "",
        by_hand=refund.by_hand,
        is_additional=payment.disposition != Disposition.APPLIED,
    )


def _pdf_key(booking: BookingView, draw: Callable[[BookingView], bytes]) -> tuple[str, str]:
    """Return what a PDF depends on: everything of the booking but the counts of the sale."""
    event = replace(booking.event, tiers=(), status="")
    return draw.__name__, repr(replace(booking, event=event))


def valid_tickets(booking: BookingView) -> list[TicketView]:
    """Return the valid tickets of a booking."""
    return [one for one in booking.tickets if one.status == TicketStatus.VALID]


@lru_cache(maxsize=64)
def _calendar_frame(event: _CalendarEvent, method: str) -> bytes:
    """Return a file without what is a booking's own; the rules of a time zone cost the most."""
    calendar = Calendar()
    calendar.add("prodid", "-//Surge//Tickets//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(Timezone.from_tzid(event.time_zone))
    entry = CalendarEvent()
    entry.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    starts = event.starts_at.astimezone(ZoneInfo(event.time_zone))
    entry.add("dtstart", starts)
    ends = event.ends_at.astimezone(starts.tzinfo) if event.ends_at else starts + _LASTS
    entry.add("dtend", ends)
    entry.add("summary", event.name)
    entry.add("location", event.location)
    calendar.add_component(entry)
    return calendar.to_ical()


def _calendar(booking: BookingView, link: str, *, method: str, revision: int) -> bytes:
    """Return an iCalendar file; a higher sequence replaces an earlier one with the same uid."""
    event = booking.event
    location = ", ".join(filter(None, (event.venue, event.address)))
    facts = _CalendarEvent(event.name, location, event.starts_at, event.ends_at, event.time_zone)
    text = _("Booking {ref}. Tickets: {link}", ref=booking.ref, link=link)
    own = (
        f"UID:{booking.ref}@surge",
        f"SEQUENCE:{revision}",
        f"DTSTAMP:{utc_now():%Y%m%dT%H%M%SZ}",
        f"DESCRIPTION:{vText(text).to_ical().decode()}",
        f"URL:{link}",
    )
    lines = b"".join(Contentline(line).to_ical() + b"\r\n" for line in own)
    return _calendar_frame(facts, method).replace(_ENTRY_END, lines + _ENTRY_END)
