"""Action items, the invariants of the data, and the checks before a sale."""

from __future__ import annotations

from dataclasses import dataclass, replace

import reflex as rx

from surge_app.container import current
from surge_app.formatting import BOX_OFFICE_METHODS, rupees
from surge_app.languages import N_, gettext as _
from surge_app.services.admin.action_items import ActionItem
from surge_app.services.operations.invariants import Violation
from surge_app.services.operations.preflight import NOT_COMPARED, Check, examine
from surge_app.state import view_models
from surge_app.state.admin.common import (
    HOME_ZONE,
    LiveState,
    as_text,
    form_fields,
    organizer_action,
)
from surge_app.state.admin.state_labels import STATE_LABELS, state_label

# What a query says of a booking without a payment.
_UNPAID = N_("confirmed, and no payment is applied to it")
# Title, advice and button.
_KINDS = {
    "unmatched_payment": (
        N_("Payment without an order"),
        N_("Check it in the Razorpay dashboard and refund it there. Then close it here."),
        N_("Close"),
    ),
    "dispute": (
        N_("Payment disputed"),
        N_("Answer it in the Razorpay dashboard. If it is lost, cancel the tickets here."),
        N_("I have taken note"),
    ),
    "gateway_refund": (
        N_("Refunded in the Razorpay dashboard"),
        N_("The buyer was told. A part leaves the tickets valid: cancel those that are void."),
        N_("Close"),
    ),
    "unmatched_refund": (
        N_("Refund without a booking to match"),
        N_("It was made in the Razorpay dashboard, beside a refund of Surge. Compare both there."),
        N_("Close"),
    ),
    "undecided_payment": (
        N_("Payment without a booking or refund"),
        N_("Surge asks Razorpay again and creates the booking or the refund."),
        N_("Check again"),
    ),
    "unpaid_booking": (
        N_("Booking without a payment"),
        N_("Look for its payment in the Razorpay dashboard, or refund the booking. Then close it."),
        N_("Close"),
    ),
    "stuck_refund": (
        N_("Refund failed"),
        N_("A retry uses the same key, so it can never be paid twice."),
        N_("Try again"),
    ),
    "cash_refund": (
        N_("Money to hand back"),
        N_("Give the buyer the money the way they paid, then confirm it here."),
        N_("Handed back"),
    ),
    "stuck_webhook": (
        N_("Payment notification not processed"),
        N_("Processing it again is safe: nothing is done twice."),
        N_("Process again"),
    ),
    "dead_message": (
        N_("Message not delivered"),
        N_("Correct the address in the booking first, then send it again."),
        N_("Send again"),
    ),
}


_CHANNELS = {"email": N_("Email"), "sms": N_("SMS")}
_PAGE, _MAX_SHOWN = 100, 1_000


@dataclass(frozen=True)
class CheckRow:
    """A check or an invariant, and how to mend it, or the rows that break it."""

    name: str = ""
    verdict: str = ""
    tone: str = "off"
    advice: str = ""
    rows: str = ""


@dataclass(frozen=True)
class ActionItemCard:
    """Something that needs attention, as text.

    Attributes:
        is_quoted: Whether `reason` is in the words of a vendor, which are English.
    """

    kind: str = ""
    id: str = ""
    title: str = ""
    detail: str = ""
    reason: str = ""
    is_quoted: bool = False
    about: str = ""
    advice: str = ""
    action: str = ""
    ref: str = ""


class HealthState(LiveState, rx.State):
    """The checks of an organizer.

    Attributes:
        invariants: Empty until they were checked.
        next_before: Whether there are more items than those shown; empty if not.
    """

    checks: list[CheckRow] = []
    invariants: list[CheckRow] = []
    items: list[ActionItemCard] = []
    next_before: str = ""

    _most: int = _PAGE

    @rx.event
    async def more(self) -> None:
        """Show more of what needs attention."""
        if await self._organizer() is not None:
            self._most = min(self._most + _PAGE, _MAX_SHOWN)
            await self._read_items()

    @rx.event
    @organizer_action
    async def check_invariants(self, _actor: str) -> None:
        """Check every invariant against the data."""
        self.invariants = [_invariant(one) for one in await current().audit.run()]

    @rx.event
    @organizer_action
    async def resolve(self, actor: str, form: dict[str, object]) -> str:
        """Resolve an item, once."""
        sent = form_fields(form)
        await current().action_items.resolve(
            as_text(sent.get("kind")), as_text(sent.get("id")), actor=actor
        )
        return _("Done.")

    async def _read(self) -> None:
        checks = await examine(current().settings)
        self.checks = [_check(one) for one in checks]
        await self._read_items()
        self.phase = "ready"

    async def _read_items(self) -> None:
        found = await current().action_items.list(most=self._most + 1)
        self.items = [_card(one) for one in found[: self._most]]
        self.next_before = str(self._most) if len(found) > self._most else ""


def _check(one: Check) -> CheckRow:
    stable, _colon, what = one.name.partition(": ")
    name = _capitalized(_(stable)).replace("Sms", "SMS")
    if one.is_ok and what == "sandbox":
        # Nothing fails, and still no one can pay or be told.
        return CheckRow(name, _("Sandbox"), "warn", one.advice)
    if one.is_ok and what == NOT_COMPARED:
        return CheckRow(name, _("Not checked"), "off", _("Not compared with registered ones."))
    return _row(name, one.advice, is_ok=one.is_ok)


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def _row(name: str, advice: str, *, is_ok: bool) -> CheckRow:
    return CheckRow(name, *((_("OK"), "good") if is_ok else (_("Failed"), "warn")), advice)


def _invariant(one: Violation) -> CheckRow:
    rows = "\n".join(
        ", ".join(f"{name}={value}" for name, value in row.items()) for row in one.offending
    )
    return replace(_row(_(one.promise), "", is_ok=one.holds), rows=rows)


def _detail(one: ActionItem) -> tuple[str, str]:
    """Return what is wrong, and the reason in the words of the vendor."""
    detail, reason = one.detail, ""
    match one.kind:
        case "dead_message":
            where, _colon, reason = one.detail.partition(": ")
            channel, _to, address = where.partition(" to ")
            detail = _("{channel} to {address}", channel=_(_CHANNELS[channel]), address=address)
            # Without words of the provider it is the state of the delivery.
            reason = STATE_LABELS.get(reason, reason)
        case "unmatched_payment" | "dispute":
            state, _colon, reason = one.detail.partition(": ")
            detail = _("State at Razorpay: {state}", state=state_label(state))
        case "unpaid_booking":
            detail = _(_UNPAID)
        case "cash_refund":
            method = one.detail.rpartition(" ")[2]
            name = BOX_OFFICE_METHODS[method][0] if method in BOX_OFFICE_METHODS else method
            detail = _("Paid: {method}", method=_(name))
        case "stuck_refund" if one.detail in STATE_LABELS:
            detail = _("Razorpay gave no reason.")
        case "undecided_payment" | "unmatched_refund":
            # The title says its state.
            detail = ""
        case _:
            detail, reason = "", one.detail
    return detail, reason


def _card(one: ActionItem) -> ActionItemCard:
    title, advice, action = (_(text) for text in _KINDS[one.kind])
    detail, reason = _detail(one)
    translated = _(reason)
    amount = rupees(one.amount_paise) if one.amount_paise else ""
    due = _("Answer by {day}", day=view_models.when(one.due_at, HOME_ZONE)) if one.due_at else ""
    # A stored notification is named by its provider and its id.
    subject = _capitalized(one.subject) if one.kind == "stuck_webhook" else one.subject
    about = [due, amount, one.event, subject, view_models.when(one.at, HOME_ZONE)]
    return ActionItemCard(
        kind=one.kind,
        id=one.id,
        title=title,
        detail=detail,
        reason=translated,
        is_quoted=translated == reason,
        about=" · ".join(part for part in about if part),
        advice=advice,
        action=action,
        ref=one.subject if one.subject.startswith("SRG-") else "",
    )
