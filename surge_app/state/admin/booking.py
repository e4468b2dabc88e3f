"""One booking: its tickets, contact and history, and a refund in two steps."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import EditConflict, InvalidRequest
from surge_app.formatting import BANKS_TAKE, BOX_OFFICE_METHODS, pluralize, rupees
from surge_app.services.admin.participants import BookingDetail, SoldTicket, TimelineEntry
from surge_app.services.checkout.email_suggestion import typo_question
from surge_app.state import session, view_models
from surge_app.state.admin.audit_labels import label
from surge_app.state.admin.common import (
    LiveState,
    form_fields,
    organizer_action,
    parse_int,
    parse_rupees,
)
from surge_app.state.admin.participants import BOOKING_TONES
from surge_app.state.email_suggestion import EmailSuggestion

_TICKET = "ticket-"
_EVENTS = {
    "held": "Tickets held",
    "payment_started": "Payment started",
    "payment": "Payment",
    "booked": "Booked",
    "message": "Message",
    "refund": "Refund",
    "checked_in": "Checked in",
    "action": "Organizer",
}
_MESSAGES = {
    "confirmation": "Tickets",
    "confirmation_again": "Tickets resent",
    "contact_changed": "Contact change",
    "event_changed": "Event change",
    "event_cancelled": "Cancellation",
    "late_payment": "Late payment",
    "refunded": "Refund",
    "refund_paid": "Refund sent",
}
_STATES = {
    "applied": "received",
    "requested": "sent to the bank",
    "sent": "sent",
    "processed": "paid back",
    "dead": "failed",
    "bounced": "did not arrive",
    "deferred": "delayed by the recipient's provider",
    "pending": "waiting",
    "sending": "being sent",
}


@dataclass(frozen=True)
class TicketRow:
    """A ticket of the booking, as text."""

    field: str = ""
    title: str = ""
    status: str = ""
    tone: str = "off"
    is_valid: bool = False
    is_checked_in: bool = False


@dataclass(frozen=True)
class TimelineRow:
    """Something that happened, as text."""

    at: str = ""
    what: str = ""
    detail: str = ""


@dataclass(frozen=True)
class BookingDetailCard:
    """A booking, as text; `version` is sent with each form."""

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
    dispute: str = ""
    method: str = ""


@dataclass(frozen=True)
class RefundDraft:
    """A refund that waits for its confirmation; neither tickets nor amount is a whole refund."""

    version: int = 0
    tickets: tuple[int, ...] | None = None
    amount_paise: int | None = None
    restock: bool = False
    handed_over: bool = False


class BookingDetailState(EmailSuggestion, LiveState, rx.State):
    """The booking an organizer helps with.

    Attributes:
        contact: Name, email and phone as their form was opened with.
        is_moved: Whether the last change was of the email address or mobile number.
        refund_kind: all, tickets or amount, as chosen in the form.
        question: What the refund will do; empty until it was reviewed.
    """

    booking: BookingDetailCard = BookingDetailCard()
    tickets: list[TicketRow] = []
    timeline: list[TimelineRow] = []
    contact: dict[str, str] = {}
    is_moved: bool = False
    refund_kind: str = "all"
    question: str = ""
    _draft: RefundDraft = RefundDraft()

    @rx.event
    @organizer_action
    async def resend(self, actor: str, form: dict[str, object]) -> str:
        """Send the tickets again."""
        sent = await current().notifications.resend(
            self._ref(), version=_version(form_fields(form)), actor=actor
        )
        return f"Tickets resent in {pluralize(sent, 'message', 'messages')}."

    @rx.event
    @organizer_action
    async def correct(self, actor: str, form: dict[str, object]) -> str:
        """Correct name, email and mobile number."""
        sent = form_fields(form)
        expected = {name: sent.get(f"was_{name}", "") for name in self.contact}
        try:
            await current().participants.correct(
                self._ref(),
                name=sent.get("name", ""),
                email=sent.get("email", ""),
                phone=sent.get("phone", ""),
                expected=expected,
                actor=actor,
            )
        except EditConflict as error:
            # The sentence names one field; the others stay as the form was opened.
            self.contact.pop(str(error.details.get("field", "")), None)
            raise
        self.contact = {}
        self.suggestion, question = "", typo_question(sent.get("email", ""))
        self.is_moved = any(sent.get(name, "") != expected[name] for name in ("email", "phone"))
        resend = " Resend the tickets to the new address?" if self.is_moved else ""
        return f"Contact updated.{resend}{question}"

    @rx.event
    @organizer_action
    async def undo_check_in(self, actor: str, form: dict[str, object]) -> str:
        """Make a ticket usable again that was checked in by mistake."""
        seq = parse_int(form_fields(form).get("ticket", "").removeprefix(_TICKET)) or 0
        await current().check_in.undo(self._ref(), seq, actor=actor)
        return f"Check-in of ticket {seq} undone. The ticket can be used again."

    @rx.event
    async def choose_refund(self, kind: object) -> None:
        """Show the fields of one kind of refund; a reviewed refund is put aside."""
        self.question = ""
        if await self._organizer() is not None:
            self.refund_kind = kind if kind in ("tickets", "amount") else "all"  # pyright: ignore[reportAttributeAccessIssue] - one of two words

    @rx.event
    @organizer_action
    async def preview_refund(self, _actor: str, form: dict[str, object]) -> None:
        """Say what the refund in the form would do; nothing is refunded yet."""
        self.question, self._draft = "", _read_draft(form_fields(form))
        draft = self._draft
        plan = await current().participants.preview_refund(
            self._ref(),
            version=draft.version,
            tickets=draft.tickets,
            amount_paise=draft.amount_paise,
        )
        number = len(plan.seqs)
        cancelled = f"cancel {pluralize(number, 'ticket', 'tickets')}" if number else ""
        if plan.amount_paise:
            money = f"Refund {rupees(plan.amount_paise)} to {self.booking.name}"
            otherwise = "keep every ticket valid"
            self.question = f"{money} and {cancelled or otherwise}?"
        else:
            self.question = f"{cancelled.capitalize()}? No money goes back."

    @rx.event
    async def cancel_refund(self) -> None:
        """Go back to the form."""
        self.question = ""

    @rx.event
    @organizer_action
    async def refund(self, actor: str, _form: dict[str, object]) -> str | None:
        """Make the refund that was reviewed, once."""
        draft, was_reviewed = self._draft, bool(self.question)
        self.question = ""
        if not was_reviewed:
            msg = "Nothing was refunded. Review the refund first."
            raise InvalidRequest(msg)
        try:
            done = await current().refunds.refund(
                self._ref(),
                version=draft.version,
                restock=draft.restock,
                tickets=draft.tickets,
                amount_paise=draft.amount_paise,
                handed_over=draft.handed_over,
                actor=actor,
            )
        except EditConflict as error:
            msg = f"{error.text} Nothing was refunded."
            raise EditConflict(msg) from error
        self.refund_kind = "all"
        return _outcome(done.amount_paise, method=self.booking.method, draft=draft)

    def _ref(self) -> str:
        return session.path_param(self, 2)

    async def _read(self) -> None:
        detail = await current().participants.detail(self._ref())
        self.booking = _card(detail)
        stored = {"name": detail.name, "email": detail.email, "phone": detail.phone}
        self.contact = {**stored, **self.contact}
        self.tickets = [_ticket(one) for one in detail.tickets]
        self.timeline = [_timeline_row(one, detail.time_zone) for one in detail.timeline]
        self.phase = "ready"


def _version(sent: dict[str, str]) -> int:
    # A form without a version was never shown by this page; it fits no booking.
    version = parse_int(sent.get("version", ""))
    return -1 if version is None else version


def _read_draft(sent: dict[str, str]) -> RefundDraft:
    kind = sent.get("kind", "")
    seqs = [parse_int(name.removeprefix(_TICKET)) for name in sent if name.startswith(_TICKET)]
    tickets = tuple(seq for seq in seqs if seq is not None)
    amount = parse_rupees(sent.get("amount", ""))
    if kind == "tickets" and not tickets:
        msg = "Nothing was refunded. Tick the tickets to refund."
        raise InvalidRequest(msg)
    if kind == "amount" and not amount:
        msg = "Nothing was refunded. Enter an amount in rupees, for example 100."
        raise InvalidRequest(msg)
    if kind not in {"all", "tickets", "amount"} or (kind != "amount" and sent.get("amount")):
        msg = "Nothing was refunded. Choose what to refund."
        raise InvalidRequest(msg)
    return RefundDraft(
        version=_version(sent),
        tickets=tickets if kind == "tickets" else None,
        amount_paise=amount if kind == "amount" else None,
        restock=kind != "amount" and sent.get("restock") == "yes",
        handed_over=sent.get("handed_over") == "yes",
    )


def _outcome(paise: int, *, method: str, draft: RefundDraft) -> str:
    if not paise:
        return "Tickets cancelled. They were free, so no money goes back."
    if not method:
        return f"Refund of {rupees(paise)} started. {BANKS_TAKE}"
    if draft.handed_over:
        return f"Refunded {rupees(paise)} {method}."
    return f"Hand {rupees(paise)} back to the buyer {method}. It is listed under Needs attention."


def _card(detail: BookingDetail) -> BookingDetailCard:
    return BookingDetailCard(
        ref=detail.ref,
        version=detail.version,
        slug=detail.event_slug,
        event=detail.event_name,
        status=detail.status.capitalize(),
        tone=BOOKING_TONES.get(detail.status, "off"),
        name=detail.name,
        email=detail.email,
        phone=detail.phone,
        can_refund=detail.status == "confirmed",
        paid=_paid(detail),
        dispute=_dispute(detail.dispute),
        method=_method(detail),
    )


def _method(detail: BookingDetail) -> str:
    """Return how the box office took the money, and hands it back; empty for everything else."""
    return BOX_OFFICE_METHODS.get(detail.method, ("", ""))[1] if detail.in_cash else ""


def _dispute(status: str) -> str:
    if not status:
        return ""
    state = status.replace("_", " ")
    return f"The buyer's bank disputes this payment. State: {state}. Answer it at Razorpay."


def _paid(detail: BookingDetail) -> str:
    if detail.channel == "complimentary":
        return "Complimentary. Nothing was paid."
    fee = f"(including {rupees(detail.fee_paise)} fee)" if detail.fee_paise else ""
    paid = " ".join(
        part for part in ("Paid", rupees(detail.total_paise), _method(detail), fee) if part
    )
    return f"{paid}. Refundable: {rupees(detail.refundable_paise)}"


def _ticket(one: SoldTicket) -> TicketRow:
    is_valid = one.status == "valid"
    checked_in = f"Checked in at {one.gate}" if one.checked_in_at else "Valid"
    return TicketRow(
        field=f"{_TICKET}{one.ticket}",
        title=" · ".join(part for part in (str(one.ticket), one.tier, one.attendee_name) if part),
        status=checked_in if is_valid else "Cancelled",
        tone="good" if is_valid else "off",
        is_valid=is_valid,
        is_checked_in=is_valid and one.checked_in_at is not None,
    )


def _timeline_row(one: TimelineEntry, zone: str) -> TimelineRow:
    what, detail = _EVENTS.get(one.what, one.what), one.detail
    state = _STATES.get(one.state, one.state.replace("_", " "))
    if one.what == "refund":
        detail = rupees(int(one.detail))
    elif one.what == "payment":
        payment, paise, method, reference = f"{one.detail}   ".split(" ", 3)
        name = BOX_OFFICE_METHODS.get(method, (payment,))[0] if " by " in one.state else payment
        detail = f"{rupees(int(paise))}, {name} {reference.strip()}".strip()
        outcome, _, actor = one.state.partition(" by ")
        state = " by ".join(part for part in (_STATES.get(outcome, outcome), actor) if part)
    elif one.what == "message":
        channel, kind, recipient = f"{one.detail}  ".split(" ", 2)
        channel = {"email": "email", "sms": "SMS"}.get(channel, channel)
        what = f"{_MESSAGES.get(kind, kind.replace('_', ' ').capitalize())} {channel}"
        detail = recipient.strip()
    elif one.what == "checked_in":
        detail = f"ticket {one.detail}"
    elif one.what == "action":
        detail, state = label(one.detail), f"by {one.state}"
    return TimelineRow(
        at=view_models.when(one.at, zone),
        what=what,
        detail=" · ".join(part for part in (detail, state) if part),
    )
