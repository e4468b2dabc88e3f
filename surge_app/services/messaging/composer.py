"""Writes a message of the outbox: who is told what, with which files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.messaging import event_notices
from surge_app.db.payments import refunds
from surge_app.formatting import long_date, rupees, rupees_ascii, short_date
from surge_app.models import (
    Booking,
    BookingStatus,
    Event,
    EventNotice,
    Intent,
    MessageKind,
    OutboxMessage,
    Refund,
    RefundReason,
)
from surge_app.services.bookings.tickets import Tickets, valid_tickets
from surge_app.services.bookings.views import BookingView
from surge_app.services.events.catalog import organizer_line
from surge_app.services.events.facts import shown_facts
from surge_app.services.messaging.sms_templates import render_sms
from surge_app.services.vendors.ports import Attachment, Mail, ProviderRejected, Sms

_WITH_TICKETS = {MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN}
_WITH_CALENDAR = {MessageKind.EVENT_CHANGED, MessageKind.EVENT_CANCELLED}


@dataclass(frozen=True, slots=True)
class MessageContext:
    """What a message speaks of."""

    event: Event
    intent: Intent
    booking: Booking | None
    refund: Refund | None
    notice: EventNotice | None

    @property
    def is_extra(self) -> bool:
        """Whether it tells of money that bought nothing, beside what was bought."""
        return self.refund is not None and self.refund.reason not in set(RefundReason)

    @property
    def is_cancelled(self) -> bool:
        """Whether no ticket of the booking is valid after what the message tells of."""
        if self.refund is not None:
            return self.refund.reason == RefundReason.WHOLE
        return self.booking is not None and self.booking.status != BookingStatus.CONFIRMED


class Composer:
    """Turns rows of the outbox into mails and SMS, from the data as it is when they are sent."""

    def __init__(self, database: Database, tickets: Tickets) -> None:
        self._database = database
        self._tickets = tickets

    async def sms(self, message: OutboxMessage) -> Sms:
        """Write an SMS.

        Raises:
            ProviderRejected: If what it speaks of is gone.
        """
        subject = await self._subject(message)
        event, refund = subject.event, subject.refund
        paise = refund.amount_paise if refund else subject.intent.total_paise
        ref = subject.booking.ref if subject.booking else ""
        text = render_sms(
            _sms_name(message, subject),
            event=event.name,
            ref=ref,
            when=short_date(event.starts_at, event.time_zone),
            amount=rupees_ascii(paise),
            link=self._tickets.link(ref),
        )
        return Sms(message.id, message.recipient, text)

    async def mail(self, message: OutboxMessage) -> Mail:
        """Write a mail with its files.

        Raises:
            ProviderRejected: If what it speaks of is gone.
        """
        subject = await self._subject(message)
        booking = await self._tickets.view(subject.booking.ref) if subject.booking else None
        files: tuple[Attachment, ...] = ()
        if booking is not None and message.kind in _WITH_TICKETS:
            files = await self._tickets.attachments(booking)
        elif booking is not None and message.kind in _WITH_CALENDAR:
            files = (await self._tickets.calendar_file(booking),)
        is_again = message.kind == MessageKind.CONFIRMATION_AGAIN
        kind = MessageKind.CONFIRMATION if is_again else message.kind
        values = self._values(subject, booking, files)
        heading, _, text = self._render(f"{kind}.mail.txt", values).partition("\n")
        return Mail(
            message_id=message.id,
            to=message.recipient,
            to_name=str(values["name"]),
            subject=heading.strip(),
            text=text.strip() + "\n",
            html=self._render(f"{kind}.mail.html", values),
            attachments=files,
        )

    async def _subject(self, message: OutboxMessage) -> MessageContext:
        async with self._database.transaction() as session:
            intent = await intent_queries.by_id(session, message.intent_id)
            if intent is None:
                msg = "the intent is gone"
                raise ProviderRejected(msg)
            refund = message.refund_id and await refunds.by_id(session, message.refund_id)
            notice = message.notice_id and await event_notices.by_id(session, message.notice_id)
            return MessageContext(
                event=await catalog_queries.event_by_id(session, intent.event_id),
                intent=intent,
                booking=await booking_queries.by_intent(session, intent.id),
                refund=refund or None,
                notice=notice or None,
            )

    def _values(
        self, subject: MessageContext, booking: BookingView | None, files: tuple[Attachment, ...]
    ) -> dict[str, object]:
        event, intent, refund = subject.event, subject.intent, subject.refund
        return {
            "name": booking.name if booking else intent.name or "",
            "event_name": event.name,
            "venue": event.venue,
            "when": long_date(event.starts_at, event.time_zone),
            "total": rupees(intent.total_paise),
            "is_free": intent.total_paise == 0,
            "price": _price(booking),
            "back": rupees(refund.amount_paise) if refund else None,
            "reason": refund.reason if refund else None,
            "refund_ref": refund.gateway_id if refund else None,
            "in_cash": refund is not None and refund.by_hand,
            "is_cancelled": subject.is_cancelled,
            "is_extra": subject.is_extra,
            "ref": booking.ref if booking else None,
            "link": self._tickets.link(booking.ref) if booking else None,
            "tickets": _codes(booking, files),
            "words": subject.notice.words if subject.notice else "",
            "new_email": _masked(booking.email) if booking else "",
            "contact": organizer_line(event),
            "facts": [one for one in shown_facts(event, event.time_zone) if one.is_brief],
        }

    def _render(self, template: str, values: dict[str, object]) -> str:
        return self._templates.get_template(template).render(values)

    @cached_property
    def _templates(self) -> Environment:
        return Environment(
            loader=PackageLoader("surge_app.services.messaging", "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )


def _sms_name(message: OutboxMessage, subject: MessageContext) -> str:
    """Return which text fits; those of refunds differ by what became of tickets and money."""
    if message.kind in _WITH_TICKETS:
        return "confirmation" if subject.intent.total_paise else "confirmation_free"
    if message.kind != MessageKind.REFUNDED:
        return str(message.kind)
    reason = subject.refund.reason if subject.refund else None
    # Cash is not on its way through banks for days: of it only what became of the tickets is told.
    free = "" if subject.refund and not subject.refund.by_hand else "_free"
    if subject.is_extra:
        return "refunded_extra"
    if reason == RefundReason.GOODWILL:
        return "refunded_goodwill"
    return f"refunded_whole{free}" if subject.is_cancelled else f"refunded_some{free}"


def _price(booking: BookingView | None) -> list[tuple[str, str]]:
    """Return what was paid for what, as on every page: the lines, the fee, and the whole."""
    if booking is None or booking.total_paise == 0:
        return []
    lines = [
        (f"{line.quantity} × {line.tier_name}", rupees(line.quantity * line.unit_price_paise))
        for line in booking.lines
    ]
    if booking.fee_paise:
        lines.append(("Convenience fee", rupees(booking.fee_paise)))
    return lines


def _codes(
    booking: BookingView | None, files: tuple[Attachment, ...]
) -> list[tuple[str, str | None]]:
    """Return the valid tickets by title, with the name of the picture that goes along, if any."""
    pictures = {file.content_id for file in files}
    valid = valid_tickets(booking) if booking else ()
    return [
        (
            f"{ticket.tier_name}, ticket {ticket.seq}"
            + (f" ({ticket.attendee_name})" if ticket.attendee_name else ""),
            name if (name := f"ticket{ticket.seq}") in pictures else None,
        )
        for ticket in valid
    ]


def _masked(email: str) -> str:
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"
