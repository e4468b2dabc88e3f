"""Renders messages of the outbox as mail and SMS, from the data at the time of sending."""

# Jinja types its environment only in part.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import textwrap
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cached_property

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.group_commit import Batcher
from surge_app.db.messaging import event_notices
from surge_app.db.messaging.subjects import MessageSubject, subjects
from surge_app.db.payments import records as payment_queries, refunds
from surge_app.formatting import long_date, rupees, rupees_ascii, short_date, tickets
from surge_app.languages import A_, current, gettext as _, use
from surge_app.models import (
    Booking,
    Event,
    EventNotice,
    Intent,
    MessageKind,
    OutboxMessage,
    RefundReason,
)
from surge_app.observability.log import get_logger
from surge_app.services.bookings.tickets import Tickets, valid_tickets
from surge_app.services.bookings.views import DISCOUNT, BookingView
from surge_app.services.checkout.contacts import ascii_address, unlinked
from surge_app.services.events.catalog import event_view, organizer_contact
from surge_app.services.events.changes import change_lines
from surge_app.services.events.views import EventView
from surge_app.services.messaging.message_context import (
    MessageContext,
    money_sentences,
    refund_title,
)
from surge_app.services.messaging.sms_countries import country_of_number, country_of_zone
from surge_app.services.messaging.sms_templates import render_sms, template_name
from surge_app.services.vendors.ports import Attachment, Mail, ProviderRejected, Sms

_log = get_logger(__name__)

_ENGLISH = "en"
_LONGEST_LINE = 80
_WITH_TICKETS = {MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN}
_EXAMPLE_NAME, _EXAMPLE_REF, _EXAMPLE_SUM = "Asha", "SRG-ABCD2345", A_("(the sum they paid)")
_WITH_CALENDAR = {MessageKind.EVENT_CHANGED, MessageKind.EVENT_CANCELLED}


class Composer:
    """Renders a message in the language of its purchase.

    Raises `ProviderRejected` if its data is gone.

    Args:
        database: Has the data.
        tickets: Draws the attachments.
        sms_countries: Where SMS go, beside the country of the event.
        sms_texts: Those that are registered; None if networks carry any text.
    """

    def __init__(
        self,
        database: Database,
        tickets: Tickets,
        *,
        sms_countries: Collection[str] = ("IN",),
        sms_texts: Collection[str] | None = None,
    ) -> None:
        self._database = database
        self._tickets = tickets
        self._sms_countries = sms_countries
        self._sms_texts = sms_texts
        self._subjects: Batcher[str, MessageSubject] = Batcher(self._load_subjects)

    async def sms(self, message: OutboxMessage) -> Sms:
        """Render an SMS; raises `ProviderRejected` for a country that gets none."""
        context = await self._context(message)
        country = country_of_number(message.recipient)
        if country not in {*self._sms_countries, country_of_zone(context.event.time_zone)}:
            msg = A_("SMS to this country are off. SURGE_SMS_COUNTRIES allows them.")
            raise ProviderRejected(msg)
        name, language = _sms_name(message, context), context.intent.language
        if self._sms_texts is not None and template_name(name, language) not in self._sms_texts:
            if language != _ENGLISH:
                _log.info("sms_in_english", message=message.id, not_registered=name)
            language = _ENGLISH
        with use(language):
            context = context.in_language()
            paise = context.refund_paise or context.paid_paise
            amount = rupees_ascii(paise) if language == _ENGLISH else rupees(paise)
            text = _sms_text(name, context, amount, self._link(message, context))
        return Sms(message.id, message.recipient, text)

    async def mail(self, message: OutboxMessage) -> Mail:
        """Render a mail with its attachments."""
        context = await self._context(message)
        with use(context.intent.language):
            return await self._mail(message, context.in_language())

    async def _mail(self, message: OutboxMessage, context: MessageContext) -> Mail:
        booking = self._tickets.message_view(context.about)
        files: tuple[Attachment, ...] = ()
        if booking is not None and message.kind in _WITH_TICKETS:
            files = await self._tickets.attachments(booking, context.about.revision)
        elif booking is not None and message.kind in _WITH_CALENDAR:
            files = (self._tickets.calendar_file(booking, context.about.revision),)
        is_again = message.kind == MessageKind.CONFIRMATION_AGAIN
        kind = MessageKind.CONFIRMATION if is_again else message.kind
        values = self._values(message, context, booking, files)
        subject, _line_end, text = self._render(f"{kind}.mail.txt", values).partition("\n")
        return Mail(
            message_id=message.id,
            to=ascii_address(message.recipient),
            to_name=str(values["name"]),
            subject=subject.strip(),
            text=_wrapped(text),
            html=self._render(f"{kind}.mail.html", values),
            attachments=files,
            reply_to=ascii_address(context.event.organizer_email or ""),
        )

    async def preview(self, slug: str, notice: EventNotice) -> tuple[str, str, str]:
        """Return subject and text of a notice's mail, and its SMS, for an example booking."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
        intent = Intent(name=_EXAMPLE_NAME, total_paise=1, event_id=event.id)
        booking = Booking(ref=_EXAMPLE_REF, email="", phone="")
        message = OutboxMessage(kind=notice.kind, created_at=utc_now())
        about = MessageSubject(intent, event, booking, 0)
        context = MessageContext(
            about, _view(event), intent, booking, None, notice, 0, 1, example=_(_EXAMPLE_SUM)
        )
        link = self._tickets.page_url(booking.ref)
        values = self._values(message, context, None, ())
        values |= {"link": link}
        subject, _line_end, text = self._render(f"{notice.kind}.mail.txt", values).partition("\n")
        sms = _sms_text(_sms_name(message, context), context, context.example, link)
        return subject.strip(), _wrapped(text), sms

    async def _context(self, message: OutboxMessage) -> MessageContext:
        about = await self._subjects.submit(message.intent_id)
        intent, booking = about.intent, about.booking
        # An offer of the gateway lowers what was paid below the total of the order.
        paid_paise = booking.total_paise if booking else intent.total_paise
        event = _view(about.event)
        context = MessageContext(about, event, intent, booking, None, None, paid_paise, 0)
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
        async with self._database.planned_transaction() as session:
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
        notice, ref = context.notice, context.ref
        return {
            "name": booking.name if booking else unlinked(intent.name or ""),
            "event_name": event.name,
            "venue": event.venue,
            "when": long_date(event.starts_at, event.time_zone),
            "total": context.paid,
            "is_free": intent.total_paise == 0,
            "price": _price(booking),
            "refunded": context.refunded if context.refund_paise else None,
            "refund_ref": refund.gateway_id if refund else None,
            "is_cancelled": context.is_cancelled,
            "title": refund_title(context),
            "sentences": money_sentences(message.kind, context),
            "ref": ref,
            "link": self._link(message, context),
            "code": self._contact_code(message, context),
            "tickets": _ticket_titles(booking, files),
            "words": notice.words if notice else "",
            "changes": change_lines(notice.changed, notice.changes, event.time_zone)
            if notice
            else [],
            "new_email": _masked(booking.email) if booking else "",
            "owned": context.about.owned,
            "limit": event.max_per_person,
            "too_many": _(
                "This address now has {tickets} for {event}. The limit is {limit} per person, so "
                "the organizer may cancel the additional tickets. If you did not book all of "
                "them, tell the organizer.",
                tickets=tickets(context.about.owned),
                event=event.name,
                limit=event.max_per_person,
            ),
            "locale": current().locale.replace("_", "-"),
            "contact": organizer_contact(event),
            "facts": [one for one in event.facts if one.is_brief],
        }

    def _render(self, template: str, values: dict[str, object]) -> str:
        return self._templates.get_template(template).render(values)

    @cached_property
    def _templates(self) -> Environment:
        templates = Environment(
            loader=PackageLoader("surge_app.services.messaging", "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        templates.globals.update(_=_)
        return templates


def _view(event: Event) -> EventView:
    return event_view(event, [], {}, utc_now())


def _wrapped(text: str) -> str:
    """Return a text whose lines fit into a mail; links stay whole."""
    lines = (
        textwrap.fill(line, _LONGEST_LINE, break_long_words=False, break_on_hyphens=False)
        for line in text.strip().splitlines()
    )
    return "\n".join(lines) + "\n"


def _sms_text(name: str, context: MessageContext, amount: str, link: str) -> str:
    event = context.event
    return render_sms(
        name,
        event=event.name,
        slug=event.slug,
        venue=event.venue,
        ref=context.ref,
        when=short_date(event.starts_at, event.time_zone),
        amount=amount,
        link=link,
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
        lines.append((_("Booking fee"), rupees(booking.fee_paise)))
    if booking.discount_paise:
        lines.append((_(DISCOUNT), f"−{rupees(booking.discount_paise)}"))
    return lines


def _ticket_titles(
    booking: BookingView | None, files: tuple[Attachment, ...]
) -> list[tuple[str, str | None]]:
    """Return the titles of the valid tickets, each with the id of its inline picture, if any."""
    pictures = {file.content_id for file in files}
    valid = valid_tickets(booking) if booking else ()
    return [
        (
            _("{tier}, ticket {number}", tier=ticket.tier_name, number=ticket.seq)
            + (f" ({ticket.attendee_name})" if ticket.attendee_name else ""),
            name if (name := f"ticket{ticket.seq}") in pictures else None,
        )
        for ticket in valid
    ]


def _masked(email: str) -> str:
    name, _, domain = email.partition("@")
    return f"{name[:1]}…@{domain}"
