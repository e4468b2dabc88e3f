"""Participants of a sale: a list to search, and one booking to help with."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidContact, NotFound, SurgeError
from surge_app.formatting import rupees
from surge_app.services.admin.participants import BookingDetail, Filter, Participant, TimelineEntry
from surge_app.state import session, view_models
from surge_app.state.admin.audit_labels import did
from surge_app.state.admin.common import ConsoleState, ListState, as_text, form_fields, parse_int

_TONES = {"confirmed": "good", "refunding": "warn", "refunded": "off"}
_SAID = {
    "held": "Tickets held",
    "payment_started": "Payment started",
    "payment": "Payment",
    "booked": "Booked",
    "message": "Message",
    "refund": "Refund",
    "checked_in": "Came in",
    "action": "Organizer",
}
_CHANNELS = {"online": "", "box_office": "cash", "complimentary": "given away"}


@dataclass(frozen=True)
class PersonRow:
    """A booking in the list, as text."""

    ref: str = ""
    name: str = ""
    contact: str = ""
    status: str = ""
    tone: str = "off"
    tickets: str = ""
    total: str = ""
    booked_at: str = ""
    channel: str = ""


@dataclass(frozen=True)
class TicketRow:
    """A ticket of the booking, as text."""

    number: int = 0
    title: str = ""
    status: str = ""
    tone: str = "off"


@dataclass(frozen=True)
class TimelineRow:
    """Something that happened, as text."""

    at: str = ""
    what: str = ""
    detail: str = ""


@dataclass(frozen=True)
class BookingDetailCard:
    """A booking, as text; `version` goes with what is done about it."""

    ref: str = ""
    version: int = 0
    slug: str = ""
    event: str = ""
    status: str = ""
    tone: str = "off"
    name: str = ""
    email: str = ""
    phone: str = ""
    can_refund: bool = False
    paid: str = ""
    in_cash: bool = False


class ParticipantsState(ListState, rx.State):
    """The list one organizer searches.

    Attributes:
        phase: loading, ready, signed_out or missing.
    """

    slug: str = ""
    query: str = ""
    status: str = ""
    presence: str = ""
    channel: str = ""
    people: list[PersonRow] = []
    notice: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the newest bookings."""
        self.reset()
        await self._find(before=None)

    @rx.event
    async def search(self, query: object) -> None:
        """Look for a name, a mail address, a number or a reference."""
        self.query = as_text(query)
        await self._find(before=None)

    @rx.event
    async def narrow(self, field: object, value: object) -> None:
        """Show only bookings of a status, or of people who are inside or are not."""
        if field == "status":
            self.status = as_text(value)
        elif field == "presence":
            self.presence = as_text(value)
        elif field == "channel":
            self.channel = as_text(value)
        await self._find(before=None)

    async def _find(self, *, before: str | None) -> None:
        self.slug = session.path_param(self, 2)
        if await self._organizer() is None:
            return
        wanted = Filter(
            self.query, self.status or None, self.presence or None, self.channel or None
        )
        try:
            page = await current().participants.search(self.slug, wanted, before=before)
        except NotFound:
            self.phase = "missing"
            return
        except SurgeError as error:
            self.notice = error.message
            return
        rows = [_row(one) for one in page.participants]
        self.people = [*self.people, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase, self.notice = "ready", ""


class BookingDetailState(ConsoleState, rx.State):
    """The booking one organizer helps with.

    Attributes:
        phase: loading, ready, signed_out or missing.
        done: What was done, and `problem` what was not.
    """

    desk: BookingDetailCard = BookingDetailCard()
    tickets: list[TicketRow] = []
    timeline: list[TimelineRow] = []
    done: str = ""
    problem: str = ""
    complaints: dict[str, str] = {}

    @rx.event
    async def load(self) -> None:
        """Show the booking named by the address."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Look again, also at what others did."""
        self.done = self.problem = ""
        await self._read()

    @rx.event
    async def resend(self) -> None:
        """Send the confirmation again."""
        admin = await self._organizer()
        if admin is None:
            return
        try:
            await current().participants.resend(
                session.path_param(self, 2), version=self.desk.version, actor=admin
            )
        except SurgeError as error:
            await self._refused(error)
            return
        await self._did("The confirmation is on its way again.")

    @rx.event
    async def correct(self, form: dict[str, object]) -> None:
        """Correct name, email and mobile number."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        try:
            await current().participants.correct(
                session.path_param(self, 2),
                version=self.desk.version,
                name=sent.get("name", ""),
                email=sent.get("email", ""),
                phone=sent.get("phone", ""),
                actor=admin,
            )
        except InvalidContact as error:
            self.complaints, self.done, self.problem = error.fields, "", error.message
            return
        except SurgeError as error:
            await self._refused(error)
            return
        await self._did("Corrected. Send the confirmation again if it went astray.")

    @rx.event
    async def refund(self, form: dict[str, object]) -> None:
        """Give money back: all, for some tickets, or an amount."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        kind = sent.get("kind", "")
        numbers = [parse_int(part) for part in sent.get("tickets", "").split(",")]
        rupees_back = parse_int(sent.get("amount", ""))
        wrong = {
            "all": False,
            "tickets": None in numbers,
            "amount": not rupees_back,
        }.get(kind, True)
        if wrong:
            self.problem, self.done = "Say which tickets, such as 1, 3, or how many rupees.", ""
            return
        try:
            done = await current().participants.refund(
                session.path_param(self, 2),
                version=self.desk.version,
                restock=sent.get("restock") == "yes",
                tickets=[n for n in numbers if n is not None] if kind == "tickets" else None,
                amount_paise=(rupees_back or 0) * 100 if kind == "amount" else None,
                handed_over=sent.get("handed_over") == "yes",
                actor=admin,
            )
        except SurgeError as error:
            await self._refused(error)
            return
        await self._did(
            _given_back(done.amount_paise, self.desk, handed_over=sent.get("handed_over") == "yes")
        )

    async def _did(self, done: str) -> None:
        self.done, self.problem, self.complaints = done, "", {}
        await self._read()

    async def _refused(self, error: SurgeError) -> None:
        self.done, self.problem = "", error.message
        await self._read()

    async def _read(self) -> None:
        if await self._organizer() is None:
            return
        try:
            detail = await current().participants.detail(session.path_param(self, 2))
        except NotFound:
            self.phase = "missing"
            return
        self.desk = _desk(detail)
        self.tickets = [
            TicketRow(
                number=one.ticket,
                title=f"{one.ticket} · {one.tier}"
                + (f" · {one.attendee_name}" if one.attendee_name else ""),
                status=_ticket_status(detail, one.status, one.checked_in_at, one.gate),
                tone="good" if one.status == "valid" else "off",
            )
            for one in detail.tickets
        ]
        self.timeline = [_moment(one, detail.time_zone) for one in detail.timeline]
        self.phase = "ready"


def _given_back(paise: int, desk: BookingDetailCard, *, handed_over: bool) -> str:
    if not paise:
        return "The tickets are void. They cost nothing, so no money goes back."
    if not desk.in_cash:
        return f"{rupees(paise)} is on its way back."
    if handed_over:
        return f"{rupees(paise)} was handed back."
    return f"{rupees(paise)} waits to be handed back, on the page Checks."


def _row(one: Participant) -> PersonRow:
    inside = f" · {one.inside} inside" if one.inside else ""
    return PersonRow(
        ref=one.ref,
        name=one.name,
        contact=" · ".join(part for part in (one.email, one.phone) if part) or "no address",
        status=one.status.capitalize(),
        tone=_TONES.get(one.status, "off"),
        tickets=f"{one.valid} of {one.tickets}{inside}",
        total=rupees(one.total_paise),
        booked_at=view_models.when(one.created_at, "Asia/Kolkata"),
        channel=_CHANNELS.get(one.channel, ""),
    )


def _desk(detail: BookingDetail) -> BookingDetailCard:
    return BookingDetailCard(
        ref=detail.ref,
        version=detail.version,
        slug=detail.event_slug,
        event=detail.event_name,
        status=detail.status.capitalize(),
        tone=_TONES.get(detail.status, "off"),
        name=detail.name,
        email=detail.email,
        phone=detail.phone,
        can_refund=detail.status == "confirmed",
        paid=_paid(detail),
        in_cash=detail.in_cash,
    )


def _paid(detail: BookingDetail) -> str:
    if detail.channel == "complimentary":
        return "Given away; nothing was paid."
    could = f"{rupees(detail.refundable_paise)} could still go back."
    if detail.channel == "box_office":
        return f"Paid {rupees(detail.total_paise)} in cash at the counter. {could}"
    fee = f"{rupees(detail.fee_paise)} of it the fee"
    return f"Paid {rupees(detail.total_paise)}, {fee}. {could}"


def _ticket_status(detail: BookingDetail, status: str, at: object, gate: str) -> str:
    if status != "valid":
        return "Void"
    _ = detail
    return f"Came in at {gate}" if at is not None else "Valid"


def _moment(one: TimelineEntry, zone: str) -> TimelineRow:
    detail = one.detail
    if one.what == "refund":
        detail = rupees(int(one.detail))
    elif one.what == "payment":
        payment, _, paise = one.detail.partition(" ")
        detail = f"{rupees(int(paise))}, {payment}"
    elif one.what == "checked_in":
        detail = f"ticket {one.detail}"
    elif one.what == "action":
        detail = did(one.detail)
    state = f"by {one.state}" if one.what == "action" else one.state
    return TimelineRow(
        at=view_models.when(one.at, zone),
        what=_SAID.get(one.what, one.what),
        detail=f"{detail} · {state}" if detail and state else detail or state,
    )
