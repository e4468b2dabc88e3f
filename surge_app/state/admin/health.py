"""The preflight, the promises, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.formatting import rupees
from surge_app.services.admin.action_items import ActionItem
from surge_app.services.operations.invariants import Violation
from surge_app.services.operations.preflight import examine
from surge_app.state import view_models
from surge_app.state.admin.common import ConsoleState, as_text

_KINDS = {
    "unmatched_payment": (
        "Money of no order of ours",
        "Look at it at the payment provider and give it back there; then close it here.",
        "Close",
    ),
    "undecided_payment": (
        "Captured, and nothing was decided",
        "The payment provider is asked again, and the payment becomes a booking or a refund.",
        "Ask again",
    ),
    "unpaid_booking": (
        "A booking without its payment",
        "Look for its payment at the payment provider, or refund the booking; then close it here.",
        "Close",
    ),
    "stuck_refund": (
        "A refund that does not go through",
        "It is tried again with the same key, so it can never be paid twice.",
        "Try again",
    ),
    "cash_refund": (
        "Cash to hand back",
        "Give the buyer the money, then say so here. No payment provider is asked.",
        "Handed back",
    ),
    "stuck_webhook": (
        "News that could not be processed",
        "It is settled again; what was done before is not done twice.",
        "Process again",
    ),
    "dead_message": (
        "A message that was given up",
        "Correct the address in the booking if it is wrong, then send it again.",
        "Send again",
    ),
}


@dataclass(frozen=True)
class CheckRow:
    """A check, or a promise, and what is to be done."""

    name: str = ""
    is_ok: bool = False
    advice: str = ""


@dataclass(frozen=True)
class WaitingCard:
    """Something that waits, as text."""

    kind: str = ""
    id: str = ""
    title: str = ""
    what: str = ""
    about: str = ""
    advice: str = ""
    action: str = ""
    ref: str = ""


class HealthState(ConsoleState, rx.State):
    """What one organizer checks.

    Attributes:
        phase: loading, ready or signed_out.
        promises: Empty until they were checked.
    """

    checks: list[CheckRow] = []
    promises: list[CheckRow] = []
    waiting: list[WaitingCard] = []
    busy: bool = False
    done: str = ""
    problem: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the preflight and what waits."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Look again."""
        self.done = self.problem = ""
        await self._read()

    @rx.event
    async def check_promises(self) -> None:
        """Check every promise against the data."""
        if await self._organizer() is None:
            return
        self.promises = [_promise(one) for one in await current().audit.run()]

    @rx.event
    async def act(self, kind: object, item_id: object) -> None:
        """Do the one thing that mends an item."""
        admin = await self._organizer()
        if admin is None:
            return
        try:
            await current().inbox.act(as_text(kind), as_text(item_id), actor=admin)
        except SurgeError as error:
            self.done, self.problem = "", error.message
        else:
            self.done, self.problem = "Done.", ""
        await self._read()

    async def _read(self) -> None:
        if await self._organizer() is None:
            return
        found = await examine(current().settings)
        self.checks = [CheckRow(_title(one.name), one.is_ok, one.advice) for one in found]
        self.waiting = [_card(one) for one in await current().inbox.waiting()]
        self.phase = "ready"


def _title(name: str) -> str:
    return name.capitalize().replace("Sms", "SMS")


def _promise(one: Violation) -> CheckRow:
    rows = "; ".join(
        ", ".join(f"{name} {value}" for name, value in row.items()) for row in one.offending
    )
    return CheckRow(one.promise, one.holds, rows)


def _card(one: ActionItem) -> WaitingCard:
    title, advice, action = _KINDS[one.kind]
    amount = rupees(one.amount_paise) if one.amount_paise else ""
    about = [amount, one.event, one.subject, view_models.when(one.at, "Asia/Kolkata")]
    return WaitingCard(
        kind=one.kind,
        id=one.id,
        title=title,
        what=one.detail,
        about=" · ".join(part for part in about if part),
        advice=advice,
        action=action,
        ref=one.subject if one.subject.startswith("SRG-") else "",
    )
