"""Renders messages of the outbox as mail and SMS, from the data at the time of sending."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.group_commit import Batcher
from surge_app.db.messaging import event_notices
from surge_app.db.messaging.subjects import MessageSubject, subjects
from surge_app.db.payments import records as payment_queries, refunds
from surge_app.errors import NotFound
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
    SalesChannel,
)
from surge_app.services.bookings.tickets import Tickets, valid_tickets
from surge_app.services.bookings.views import DISCOUNT, BookingView
from surge_app.services.checkout.contacts import ascii_address, unlinked
from surge_app.services.events.catalog import organizer_contact
from surge_app.services.events.facts import shown_facts
from surge_app.services.messaging.sms_countries import country_of_number, country_of_zone
from surge_app.services.messaging.sms_templates import render_sms
from surge_app.services.vendors.ports import Attachment, Mail, ProviderRejected, Sms

_WITH_TICKETS = {MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN}
_EXAMPLE_NAME, _EXAMPLE_REF, _EXAMPLE_SUM = "Asha", "SRG-ABCD2345", "(the sum they paid)"
_WITH_CALENDAR = {MessageKind.EVENT_CHANGED, MessageKind.EVENT_CANCELLED}


@dataclass(frozen=True, slots=True)
class MessageContext:
    """The rows a message is about.

    Attributes:
        about: The intent with all that belongs to it.
        paid_paise: What the buyer paid, which may differ from the total of the order.
        refund_paise: What goes back, as far as the message is about that.
        cause: Why a payment buys nothing; empty if it buys.
    """

    about: MessageSubject
    event: Event
    intent: Intent
    booking: Booking | None
    refund: Refund | None
    notice: EventNotice | None
    paid_paise: int
    refund_paise: int
    cause: str = ""

    @property
    def by_hand(self) -> bool:
        """Return whether the organizer hands it back, the way it was paid at the box office."""
        if self.refund is not None:
            return self.refund.by_hand
        return self.booking is not None and self.booking.channel == SalesChannel.BOX_OFFICE

    @property
    def is_additional(self) -> bool:
        """Return whether it is about a payment that bought nothing, beside one that did."""
        return self.refund is not None and self.refund.reason not in set(RefundReason)

    @property
    def is_cancelled(self) -> bool:
        """Return whether no ticket of the booking is valid any more."""
        if self.refund is not None:
            return self.refund.reason == RefundReason.WHOLE
        return self.booking is not None and self.booking.status != BookingStatus.CONFIRMED


class Composer:
    """Renders a message; raises `ProviderRejected` if its data is gone."""

    def __init__(
        self, database: Database, tickets: Tickets, *, sms_countries: Collection[str] = ("IN",)
    ) -> None:
        self._database = database
        self._tickets = tickets
        self._sms_countries = sms_countries
        self._subjects: Batcher[str, MessageSubject] = Batcher(self._load_subjects)

    async def sms(self, message: OutboxMessage) -> Sms:
        """Render an SMS; raises `ProviderRejected` for a country that gets none."""
        context = await self._context(message)
        country = country_of_number(message.recipient)
        if country not in {*self._sms_countries, country_of_zone(context.event.time_zone)}:
            msg = f"SMS to {country or 'this country'} are off. SURGE_SMS_COUNTRIES allows them."
            raise ProviderRejected(msg)
        amount = rupees_ascii(context.refund_paise or context.paid_paise)
        text = self._sms_text(message, context, amount, self._link(message, context))
        return Sms(message.id, message.recipient, text)

    def _sms_text(
        self, message: OutboxMessage, context: MessageContext, amount: str, link: str
    ) -> str:
        event = context.event
        return render_sms(
            _sms_name(message, context),
            event=event.name,
            slug=event.slug,
            venue=event.venue,
            ref=context.booking.ref if context.booking else "",
            when=short_date(event.starts_at, event.time_zone),
            amount=amount,
            link=link,
        )

    async def mail(self, message: OutboxMessage) -> Mail:
        """Render a mail with its attachments."""
        context = await self._context(message)
        booking = self._tickets.message_view(context.about)
        files: tuple[Attachment, ...] = ()
        if booking is not None and message.kind in _WITH_TICKETS:
            files = await self._tickets.attachments(booking, context.about.revision)
        elif booking is not None and message.kind in _WITH_CALENDAR:
            files = (self._tickets.calendar_file(booking, context.about.revision),)
        is_again = message.kind == MessageKind.CONFIRMATION_AGAIN
        kind = MessageKind.CONFIRMATION if is_again else message.kind
        values = self._values(message, context, booking, files)
        subject, _, text = self._render(f"{kind}.mail.txt", values).partition("\n")
        return Mail(
            message_id=message.id,
            to=ascii_address(message.recipient),
            to_name=str(values["name"]),
            subject=subject.strip(),
            text=text.strip() + "\n",
            html=self._render(f"{kind}.mail.html", values),
            attachments=files,
            reply_to=ascii_address(context.event.organizer_email or ""),
        )

    async def preview(self, slug: str, notice: EventNotice) -> tuple[str, str, str]:
        """Return subject and text of a notice's mail, and its SMS, for an example booking."""
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
        if event is None:
            raise NotFound
        intent = Intent(name=_EXAMPLE_NAME, total_paise=1, event_id=event.id)
        booking = Booking(ref=_EXAMPLE_REF, email="", phone="")
        message = OutboxMessage(kind=notice.kind, created_at=utc_now())
        about = MessageSubject(intent, event, booking, 0)
        context = MessageContext(about, event, intent, booking, None, notice, 0, 1)
        link = self._tickets.page_url(booking.ref)
        values = self._values(message, context, None, ())
        values |= {"total": _EXAMPLE_SUM, "refunded": _EXAMPLE_SUM, "link": link}
        subject, _, text = self._render(f"{notice.kind}.mail.txt", values).partition("\n")
        sms = self._sms_text(message, context, _EXAMPLE_SUM, link)
        return subject.strip(), text.strip(), sms

    async def _context(self, message: OutboxMessage) -> MessageContext:
        about = await self._subjects.submit(message.intent_id)
        intent, booking = about.intent, about.booking
        # An offer of the gateway lowers what was paid below the total of the order.
        paid_paise = booking.total_paise if booking else intent.total_paise
        context = MessageContext(about, about.event, intent, booking, None, None, paid_paise, 0)
        # A payment that buys nothing is the key of its message.
        key = message.dedupe_key.partition(":")[0]
        if key == intent.id and not (message.refund_id or message.notice_id):
            return context
        async with self._database.transaction() as session:
            refund = message.refund_id and await refunds.by_id(session, message.refund_id)
            notice = message.notice_id and await event_notices.by_id(session, message.notice_id)
            payment = await payment_queries.by_id(session, key)
            refund_paise = refund.amount_paise if refund else 0
            if notice and booking and notice.kind == MessageKind.EVENT_CANCELLED:
                refund_paise = await event_notices.refund_paise(
                    session, booking.id, notice.created_at
                )
        return replace(
            context,
            refund=refund or None,
            notice=notice or None,
            paid_paise=payment.amount_paise if payment else paid_paise,
            refund_paise=refund_paise,
            cause=(payment.reason or "") if payment else "",
        )

    async def _load_subjects(
        self, intent_ids: Sequence[str]
    ) -> Sequence[MessageSubject | ProviderRejected]:
        async with self._database.transaction(is_planned_once=True) as session:
            found = await subjects(session, set(intent_ids))
        return [found.get(one) or ProviderRejected("the intent is gone") for one in intent_ids]

    def _link(self, message: OutboxMessage, context: MessageContext) -> str:
        if context.booking is None:
            return ""
        if message.kind == MessageKind.CONTACT_CHANGED:
            # The old address may be a stranger's, so it gets no link that opens the booking.
            return self._tickets.page_url(context.booking.ref)
        return self._tickets.link(context.booking.ref, context.booking.link_version or 0)

    def _contact_code(self, message: OutboxMessage, context: MessageContext) -> str:
        booking = context.booking
        if booking is None or message.kind != MessageKind.CONTACT_CODE:
            return ""
        return self._tickets.contact_code(
            booking.ref, booking.link_version or 0, message.created_at
        )

    def _values(
        self,
        message: OutboxMessage,
        context: MessageContext,
        booking: BookingView | None,
        files: tuple[Attachment, ...],
    ) -> dict[str, object]:
        event, intent, refund = context.event, context.intent, context.refund
        ref = context.booking.ref if context.booking else ""
        notice = context.notice
        return {
            "name": booking.name if booking else unlinked(intent.name or ""),
            "event_name": event.name,
            "venue": event.venue,
            "when": long_date(event.starts_at, event.time_zone),
            "total": rupees(context.paid_paise),
            "is_free": intent.total_paise == 0,
            "price": _price(booking),
            "refunded": rupees(context.refund_paise) if context.refund_paise else None,
            "reason": refund.reason if refund else None,
            "refund_ref": refund.gateway_id if refund else None,
            "by_hand": context.by_hand,
            "cause": context.cause,
            "is_cancelled": context.is_cancelled,
            "is_additional": context.is_additional,
            "ref": ref,
            "link": self._link(message, context),
            "code": self._contact_code(message, context),
            "tickets": _ticket_titles(booking, files),
            "words": notice.words if notice else "",
            "changes": (notice.changes or "").splitlines() if notice else [],
            "new_email": _masked(booking.email) if booking else "",
            "owned": context.about.owned,
            "limit": event.max_per_person,
            "contact": organizer_contact(event),
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


def _sms_name(message: OutboxMessage, context: MessageContext) -> str:
    """Return the name of the text; refunds have one for each outcome for tickets and money."""
    if message.kind in _WITH_TICKETS:
        return "confirmation" if context.intent.total_paise else "confirmation_free"
    # What is handed back does not travel through banks for days, so these texts name no amount.
    free = "" if context.refund_paise and not context.by_hand else "_free"
    if message.kind == MessageKind.EVENT_CANCELLED:
        return f"event_cancelled{free}"
    if message.kind != MessageKind.REFUNDED:
        return str(message.kind)
    reason = context.refund.reason if context.refund else None
    if context.is_additional:
        return "refunded_extra"
    if reason == RefundReason.GOODWILL:
        return "refunded_goodwill"
    return f"refunded_whole{free}" if context.is_cancelled else f"refunded_some{free}"


def _price(booking: BookingView | None) -> list[tuple[str, str]]:
    """Return the rows of the price: tickets, then the booking fee."""
    if booking is None or booking.total_paise == 0:
        return []
    lines = [
        (f"{line.quantity} × {line.tier_name}", rupees(line.quantity * line.unit_price_paise))
        for line in booking.lines
    ]
    if booking.fee_paise:
        lines.append(("Booking fee", rupees(booking.fee_paise)))
    if booking.discount_paise:
        lines.append((DISCOUNT, f"−{rupees(booking.discount_paise)}"))
    return lines


def _ticket_titles(
    booking: BookingView | None, files: tuple[Attachment, ...]
) -> list[tuple[str, str | None]]:
    """Return the titles of the valid tickets, each with the id of its inline picture, if any."""
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
