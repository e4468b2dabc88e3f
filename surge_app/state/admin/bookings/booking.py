"""One booking: its tickets, contact and history, and a refund in two steps."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import EditConflict, InvalidRequest
from surge_app.formatting import BANKS_TAKE, BOX_OFFICE_METHODS, phone, rupees
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.services.admin.participants import BookingDetail, SoldTicket, TimelineEntry
from surge_app.services.checkout.email_suggestion import typo_question
from surge_app.services.payments.refund_policy import RefundPlan
from surge_app.state import view_models
from surge_app.state.admin.audit_labels import label
from surge_app.state.admin.common import (
    BOOKING_STATUSES,
    LiveState,
    form_fields,
    organizer_action,
    parse_int,
    parse_rupees,
    status_and_tone,
    version_of,
)
from surge_app.state.admin.state_labels import state_label
from surge_app.state.email_suggestion import EmailSuggestion

_TICKET = "ticket-"
_EVENTS = {
    "held": N_("Tickets held"),
    "payment_started": N_("Payment started"),
    "payment": N_("Payment"),
    "booked": N_("Booked"),
    "message": N_("Message"),
    "refund": N_("Refund"),
    "checked_in": N_("Checked in"),
    "action": N_("Organizer"),
}
_MESSAGES = {
    "confirmation": N_("Tickets"),
    "confirmation_again": N_("Tickets resent"),
    "contact_changed": N_("Contact change"),
    "event_changed": N_("Event change"),
    "event_cancelled": N_("Cancellation"),
    "late_payment": N_("Late payment"),
    "refunded": N_("Refund"),
    "refund_paid": N_("Refund sent"),
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
    phone_text: str = ""
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
            self._subject(), version=version_of(form), actor=actor
        )
        return ngettext(
            "Tickets resent in {count} message.", "Tickets resent in {count} messages.", sent
        )

    @rx.event
    @organizer_action
    async def correct(self, actor: str, form: dict[str, object]) -> str:
        """Correct name, email and mobile number."""
        sent = form_fields(form)
        expected = {name: sent.get(f"was_{name}", "") for name in self.contact}
        try:
            await current().participants.correct(
                self._subject(),
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
        done = _("Contact updated.")
        if self.is_moved:
            done += " " + _("Resend the tickets to the new address?")
        return done + question

    @rx.event
    @organizer_action
    async def undo_check_in(self, actor: str, form: dict[str, object]) -> str:
        """Make a ticket usable again that was checked in by mistake."""
        seq = parse_int(form_fields(form).get("ticket", "").removeprefix(_TICKET)) or 0
        await current().check_in.undo(self._subject(), seq, actor=actor)
        return _("Check-in of ticket {number} undone. The ticket can be used again.", number=seq)

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
            self._subject(),
            version=draft.version,
            tickets=draft.tickets,
            amount_paise=draft.amount_paise,
        )
        self.question = _refund_question(plan, self.booking.name)

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
            raise InvalidRequest(_("Nothing was refunded. Review the refund first."))
        try:
            done = await current().refunds.refund(
                self._subject(),
                version=draft.version,
                restock=draft.restock,
                tickets=draft.tickets,
                amount_paise=draft.amount_paise,
                handed_over=draft.handed_over,
                actor=actor,
            )
        except EditConflict as error:
            raise EditConflict(_("{reason} Nothing was refunded.", reason=error.text)) from error
        self.refund_kind = "all"
        return _outcome(done.amount_paise, method=self.booking.method, draft=draft)

    async def _read(self) -> None:
        detail = await current().participants.detail(self._subject())
        self.booking = _card(detail)
        stored = {"name": detail.name, "email": detail.email, "phone": detail.phone}
        self.contact = {**stored, **self.contact}
        self.tickets = [_ticket(one) for one in detail.tickets]
        self.timeline = [_timeline_row(one, detail.time_zone) for one in detail.timeline]
        self.phase = "ready"


def _read_draft(sent: dict[str, str]) -> RefundDraft:
    kind = sent.get("kind", "")
    seqs = [parse_int(name.removeprefix(_TICKET)) for name in sent if name.startswith(_TICKET)]
    tickets = tuple(seq for seq in seqs if seq is not None)
    amount = parse_rupees(sent.get("amount", ""))
    if kind == "tickets" and not tickets:
        raise InvalidRequest(_("Nothing was refunded. Tick the tickets to refund."))
    if kind == "amount" and not amount:
        raise InvalidRequest(_("Nothing was refunded. Enter an amount in rupees, for example 100."))
    if kind not in {"all", "tickets", "amount"} or (kind != "amount" and sent.get("amount")):
        raise InvalidRequest(_("Nothing was refunded. Choose what to refund."))
    return RefundDraft(
        version=version_of(sent),
        tickets=tickets if kind == "tickets" else None,
        amount_paise=amount if kind == "amount" else None,
        restock=kind != "amount" and sent.get("restock") == "yes",
        handed_over=sent.get("handed_over") == "yes",
    )


def _refund_question(plan: RefundPlan, buyer: str) -> str:
    number, money = len(plan.seqs), rupees(plan.amount_paise)
    if not plan.amount_paise:
        return ngettext(
            "Cancel {count} ticket? No money goes back.",
            "Cancel {count} tickets? No money goes back.",
            number,
        )
    if not number:
        return _("Refund {money} to {buyer} and keep every ticket valid?", money=money, buyer=buyer)
    return ngettext(
        "Refund {money} to {buyer} and cancel {count} ticket?",
        "Refund {money} to {buyer} and cancel {count} tickets?",
        number,
        money=money,
        buyer=buyer,
    )


def _outcome(paise: int, *, method: str, draft: RefundDraft) -> str:
    if not paise:
        return _("Tickets cancelled. They were free, so no money goes back.")
    if not method:
        return _("Refund of {money} started.", money=rupees(paise)) + " " + _(BANKS_TAKE)
    if draft.handed_over:
        return _("Refunded {money} {method}.", money=rupees(paise), method=method)
    return _(
        "Hand {money} back to the buyer {method}. It is listed under Needs attention.",
        money=rupees(paise),
        method=method,
    )


def _card(detail: BookingDetail) -> BookingDetailCard:
    return BookingDetailCard(
        ref=detail.ref,
        version=detail.version,
        slug=detail.event_slug,
        event=detail.event_name,
        name=detail.name,
        email=detail.email,
        phone=detail.phone,
        phone_text=phone(detail.phone),
        can_refund=detail.status == "confirmed",
        paid=_paid(detail),
        dispute=_dispute(detail.dispute),
        method=_method(detail),
        **status_and_tone(detail.status, BOOKING_STATUSES),
    )


def _method(detail: BookingDetail) -> str:
    """Return how the box office took the money, and hands it back; empty for everything else."""
    known = BOX_OFFICE_METHODS.get(detail.method) if detail.in_cash else None
    return _(known[1]) if known else ""


def _dispute(status: str) -> str:
    if not status:
        return ""
    return _(
        "The buyer's bank disputes this payment. State: {state}. Answer it at Razorpay.",
        state=state_label(status),
    )


def _paid(detail: BookingDetail) -> str:
    if detail.channel == "complimentary":
        return _("Complimentary. Nothing was paid.")
    fee = _("(including {fee} fee)", fee=rupees(detail.fee_paise)) if detail.fee_paise else ""
    money = " ".join(part for part in (rupees(detail.total_paise), _method(detail), fee) if part)
    return _("Paid {money}. Refundable: {rest}", money=money, rest=rupees(detail.refundable_paise))


def _ticket(one: SoldTicket) -> TicketRow:
    is_valid = one.status == "valid"
    checked_in = _("Checked in at {gate}", gate=one.gate) if one.checked_in_at else _("Valid")
    return TicketRow(
        field=f"{_TICKET}{one.ticket}",
        title=" · ".join(part for part in (str(one.ticket), one.tier, one.attendee_name) if part),
        status=checked_in if is_valid else _("Cancelled"),
        tone="good" if is_valid else "off",
        is_valid=is_valid,
        is_checked_in=is_valid and one.checked_in_at is not None,
    )


def _timeline_row(one: TimelineEntry, zone: str) -> TimelineRow:
    what, detail = _(_EVENTS.get(one.what, one.what)), one.detail
    state = state_label(one.state)
    if one.what == "refund":
        detail = rupees(int(one.detail))
    elif one.what == "payment":
        payment, paise, method, reference = f"{one.detail}   ".split(" ", 3)
        outcome, by, actor = one.state.partition(" by ")
        name = _(BOX_OFFICE_METHODS[method][0]) if by and method in BOX_OFFICE_METHODS else payment
        detail = f"{rupees(int(paise))}, {name} {reference.strip()}".strip()
        state = state_label(outcome)
        state = _("{what} by {actor}", what=state, actor=actor) if actor else state
    elif one.what == "message":
        channel, kind, recipient = f"{one.detail}  ".split(" ", 2)
        channel = {"email": _("email"), "sms": _("SMS")}.get(channel, channel)
        what = f"{_(_MESSAGES.get(kind, kind.replace('_', ' ').capitalize()))} {channel}"
        detail = phone(recipient.strip())
    elif one.what == "checked_in":
        detail = _("ticket {number}", number=one.detail)
    elif one.what == "action":
        detail, state = label(one.detail), _("by {actor}", actor=one.state)
    return TimelineRow(
        at=view_models.when(one.at, zone),
        what=what,
        detail=" · ".join(part for part in (detail, state) if part),
    )
