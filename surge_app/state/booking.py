"""A booking as its owner sees it: tickets, receipt, its messages, and what may be corrected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidContact, SurgeError
from surge_app.formatting import phone, when
from surge_app.languages import N_, gettext as _
from surge_app.services.bookings.access import BookingRight
from surge_app.services.bookings.attendees import open_names
from surge_app.services.bookings.qr import qr_svg
from surge_app.services.bookings.views import BookingView, TicketView, refund_text
from surge_app.services.checkout.contacts import ATTENDEES
from surge_app.services.messaging.contact_codes import ContactCodeRequired
from surge_app.services.messaging.notifications import ATTENDEE
from surge_app.services.messaging.views import SentMessage
from surge_app.state import session, view_models
from surge_app.state.email_suggestion import EmailSuggestion
from surge_app.state.form_values import form_text

_SOON, _LATER, _SELDOM = 5, 15, 60
_MAX_REFRESHES = 24
_CHANNELS = {"email": N_("Email"), "sms": N_("SMS")}
_SAID = {
    "on_its_way": N_("on its way"),
    "sent": N_("sent"),
    "delivered": N_("arrived"),
    "bounced": N_("did not arrive"),
    "failed": N_("could not be sent"),
}
_LOST = {"bounced", "failed"}
_WRONG_CODE = N_("That code is wrong or has expired. Enter the latest code we've emailed you.")
_TONES = {"delivered": "good", "bounced": "bad", "failed": "bad"}


@dataclass(frozen=True)
class TicketCard:
    """One ticket; `qr_svg` is made by the server, `note` says why it is no longer valid."""

    code: str = ""
    title: str = ""
    qr_svg: str = ""
    is_valid: bool = True
    name: str = ""
    note: str = ""


@dataclass(frozen=True)
class MessageCard:
    """The state of the confirmation on one channel."""

    channel: str = ""
    recipient: str = ""
    said: str = ""
    tone: str = "off"


class BookingState(EmailSuggestion, rx.State):
    """One booking.

    Attributes:
        phase: loading, ready or missing. Without the right to see it, a booking is missing:
            the page does not reveal whether a reference exists.
        status: confirmed, refunding or refunded.
        changes: What differs from the event that was booked, and when each changed.
        cancelled: That the event is cancelled; empty otherwise.
        refunds: A sentence for each sum that goes or has gone back.
        look_every: Seconds until the page looks again; 0 when nothing is open any more.
        draft: The contact as the form shows it; `needs_code` asks for the emailed code as well.
        names: One field for each ticket whose name may still be changed.
        place: Where `notice` belongs: send or names.
        turn: Grows with each form that was taken; one that is sent twice carries an old number.
        focus: The field to look at next; `focus_stamp` grows each time there is one.
    """

    phase: str = "loading"
    ref: str = ""
    status: str = ""
    sale: view_models.SaleCard = view_models.SaleCard()
    contact: view_models.ContactCard = view_models.ContactCard()
    draft: view_models.ContactCard = view_models.ContactCard()
    needs_code: bool = False
    tickets: list[TicketCard] = []
    price: view_models.PriceCard = view_models.PriceCard()
    payment_id: str = ""
    booked_at: str = ""
    is_free: bool = False
    changes: list[str] = []
    cancelled: str = ""
    refunds: list[str] = []
    messages: list[MessageCard] = []
    is_lost: bool = False
    refresh_every: int = 0
    names: list[view_models.AttendeeCard] = []
    complaints: view_models.ContactCard = view_models.ContactCard()
    notice: str = ""
    tone: str = "accent"
    section: str = ""
    turn: int = 0
    focus: str = ""
    focus_stamp: int = 0

    _refreshes: int = 0

    @rx.event
    async def load(self) -> None:
        """Show the booking named by the address, if this browser may see it."""
        turn, stamp = self.turn, self.focus_stamp
        self.reset()
        self.turn, self.focus_stamp = turn + 1, stamp
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Look how messages and money stand, while either is on its way."""
        if self.phase != "ready" or not self.refresh_every:
            return
        self._refreshes += 1
        if self.status == "refunding":
            await self._read()
        elif await session.booking_right(self, session.path_param(self, 1)):
            await self._read_messages()

    @rx.event
    async def send_again(self, form: dict[str, object]) -> None:
        """Send the tickets again, perhaps to a corrected address."""
        ref = session.path_param(self, 1)
        right = await self._right(form)
        if right is None:
            return
        try:
            await current().notifications.resend(
                ref,
                actor=ATTENDEE,
                email=form_text(form, "email"),
                phone=form_text(form, "phone"),
                may_change_contact=right is BookingRight.OWN,
                code=form_text(form, "code"),
                client_address=session.client_address(self),
            )
        except ContactCodeRequired as error:
            self.draft = view_models.ContactCard(
                email=form_text(form, "email"), phone=form_text(form, "phone")
            )
            self._ask_for_code(error, form, "send")
            return
        except SurgeError as error:
            self._refuse(error, "send")
            return
        old = self.contact
        await self._done()
        self._say("send", _sent(old, self.contact), "good")

    @rx.event
    async def rename(self, form: dict[str, object]) -> None:
        """Change the names on the tickets."""
        ref = session.path_param(self, 1)
        right = await self._right(form)
        if right is None:
            return
        typed = {int(one.id.removeprefix(ATTENDEES)): form_text(form, one.id) for one in self.names}
        try:
            if right is not BookingRight.OWN:
                # A forwarded link shows the tickets; it puts no other names on them.
                await current().notifications.require_code(ref, form_text(form, "code"))
            changed = await current().attendees.rename(ref, typed, actor=ATTENDEE)
        except ContactCodeRequired as error:
            self.names = [
                view_models.AttendeeCard(one.id, one.label, form_text(form, one.id))
                for one in self.names
            ]
            self._ask_for_code(error, form, "names")
            return
        except SurgeError as error:
            self._refuse(error, "names")
            return
        await self._done()
        self._say("names", _renamed(changed), "good")

    async def _right(self, form: dict[str, object]) -> BookingRight | None:
        """Return the right to the booking; None without one, or if the form was sent before."""
        if self.phase != "ready" or form_text(form, "turn") != str(self.turn):
            return None
        return await session.booking_right(self, session.path_param(self, 1))

    def _ask_for_code(
        self, error: ContactCodeRequired, form: dict[str, object], section: str
    ) -> None:
        text = _(_WRONG_CODE) if self.needs_code and form_text(form, "code") else error.text
        # A new form, which keeps what was typed and asks for the code as well.
        self.turn, self.needs_code = self.turn + 1, True
        self.focus, self.focus_stamp = "code", self.focus_stamp + 1
        self.complaints = view_models.ContactCard()
        self._say(section, text, "accent")

    async def _done(self) -> None:
        self.turn += 1
        self.needs_code = False
        self.complaints, self._refreshes = view_models.ContactCard(), 0
        await self._read()

    def _refuse(self, error: SurgeError, section: str) -> None:
        wrong = error.fields if isinstance(error, InvalidContact) else {}
        self.complaints = view_models.ContactCard(
            email=wrong.get("email", ""), phone=wrong.get("phone", "")
        )
        self.names = [
            view_models.AttendeeCard(one.id, one.label, one.name, wrong.get(one.id, ""))
            for one in self.names
        ]
        order = ("email", "phone", *(one.id for one in self.names))
        self.focus = next((field for field in order if field in wrong), "")
        self.focus_stamp += bool(self.focus)
        text = _("Please check the marked fields.") if wrong else error.text
        self._say(section, text, "bad")

    def _say(self, section: str, text: str, tone: str) -> None:
        self.section, self.notice, self.tone = section, text, tone

    async def _read(self) -> None:
        ref = session.path_param(self, 1)
        if await session.booking_right(self, ref) is None:
            self.phase = "missing"
            return
        try:
            booking = await current().tickets.view(ref)
        except SurgeError:
            self.phase = "missing"
            return
        self._show(booking)
        await self._read_messages()
        self.phase = "ready"

    async def _read_messages(self) -> None:
        sent = await current().notifications.of_booking(session.path_param(self, 1))
        self.messages = [_message(one) for one in sent]
        self.is_lost = any(one.state in _LOST for one in sent)
        self.refresh_every = _pause(self.status, sent, self._refreshes)

    def _show(self, booking: BookingView) -> None:
        self.ref, self.status = booking.ref, booking.status
        self.sale = view_models.sale_card(booking.event)
        self.contact = view_models.ContactCard(booking.name, booking.email, booking.phone)
        if not self.needs_code:
            self.draft = self.contact
        number = len(booking.tickets)
        self.tickets = [_card(ticket, number) for ticket in booking.tickets]
        self.names = [
            view_models.AttendeeCard(
                f"{ATTENDEES}{one.seq}", _title(one, number), one.attendee_name
            )
            for one in open_names(booking)
        ]
        self.price = view_models.price_of_lines(
            booking.lines, fee_paise=booking.fee_paise, total_paise=booking.total_paise
        )
        self.payment_id = booking.payment_id
        zone = booking.event.time_zone
        self.booked_at = view_models.when(booking.created_at, zone)
        self.is_free = booking.total_paise == 0
        changes = booking.changes if self.status == "confirmed" else ()
        self.changes = [
            _("{change}. Changed {time}.", change=one.text, time=when(one.at, zone))
            for one in changes
        ]
        self.cancelled = _cancelled(booking)
        self.refunds = [refund_text(one, zone) for one in booking.refunds]


def _cancelled(booking: BookingView) -> str:
    if booking.cancelled_at is None:
        return ""
    at = when(booking.cancelled_at, booking.event.time_zone)
    said = _("The organizer cancelled it on {time}.", time=at)
    return f"{said} {booking.cancel_reason}".strip()


def _title(ticket: TicketView, of: int) -> str:
    if of == 1:
        return ticket.tier_name
    return _("{tier} · {number} of {total}", tier=ticket.tier_name, number=ticket.seq, total=of)


def _card(ticket: TicketView, of: int) -> TicketCard:
    is_valid = ticket.status == "valid"
    note = "" if is_valid else _("No longer valid")
    if is_valid and ticket.is_used:
        note = _("Used at the entrance")
    title = _title(ticket, of)
    code = qr_svg(ticket.qr_text)
    return TicketCard(ticket.code, title, code, is_valid, ticket.attendee_name, note)


def _message(sent: SentMessage) -> MessageCard:
    said, tone = _SAID[sent.state], _TONES.get(sent.state, "off")
    state = _(said)
    return MessageCard(
        _(_CHANNELS[sent.channel]), phone(sent.recipient), state[:1].upper() + state[1:], tone
    )


def _pause(status: str, sent: Sequence[SentMessage], refreshes: int) -> int:
    """Return the seconds until the next look; 0 if nothing more is expected."""
    states = {one.state for one in sent}
    if status == "refunding":
        return _SELDOM
    if "on_its_way" in states:
        return _SOON if refreshes < _MAX_REFRESHES else _SELDOM
    # A provider may tell that it arrived or bounced; some never do.
    return _LATER if "sent" in states and refreshes < _MAX_REFRESHES else 0


def _sent(old: view_models.ContactCard, new: view_models.ContactCard) -> str:
    pairs = ((old.email, new.email), (phone(old.phone), phone(new.phone)))
    replaced = [was for was, now in pairs if was != now]
    text = _(
        "Your tickets are on their way to {email} and {phone}.",
        email=new.email,
        phone=phone(new.phone),
    )
    if not replaced:
        return text
    contact = replaced[0]
    if replaced[1:]:
        contact = _("{one} and {other}", one=contact, other=replaced[1])
    informed = _("We've let {contact} know.", contact=contact)
    return f"{text} {informed}"


def _renamed(changed: int) -> str:
    if not changed:
        return _("Nothing to save: the names are unchanged.")
    return _("Saved. Your codes stay the same. The PDF here shows the new names.")
