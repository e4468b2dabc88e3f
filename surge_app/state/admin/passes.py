"""Removing buyers from a sale: what it will do is said first, then it is confirmed."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number, pluralize
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.state import session, view_models
from surge_app.state.admin.common import AdminState, form_fields, organizer_action, parse_int

_HIGHEST = 4_000_000_000
_STATUSES = {
    "inside": "choosing tickets",
    "called": "called, but has not come yet",
    "waiting": "waiting",
    "absent": "inactive, and was skipped",
    "served": "done, with a booking",
    "left": "out of the queue",
    "unknown": "not issued yet",
}
_LOSES = {
    "inside": "its turn, and the next in the queue is let in",
    "called": "its turn, and the next in the queue is let in",
    "waiting": "its position",
    "absent": "its position",
}


class PassesState(AdminState, rx.State):
    """The buyers an organizer is about to remove.

    Attributes:
        number: The queue number; 0 means everyone inside.
        question: What will happen; empty while nothing was asked.
        removals: How often someone was removed; each starts the form afresh.
    """

    number: int = 0
    question: str = ""
    removals: int = 0

    @rx.event
    @organizer_action
    async def preview(self, _actor: str, form: dict[str, object]) -> None:
        """Say what removing one queue number will do."""
        self.question = ""
        number = parse_int(form_fields(form).get("number", ""))
        if number is None or not 1 <= number <= _HIGHEST:
            msg = "Enter a queue number, for example 1042."
            raise InvalidRequest(msg)
        self.number = number
        standing = await current().passes.standing(self._slug(), number)
        state = f"Number {format_number(number)} is {_describe(standing)}."
        if standing.status not in _LOSES:
            msg = f"{state} There is nothing to remove."
            raise InvalidRequest(msg)
        self.question = f"{state} {_consequence(standing)}"

    @rx.event
    @organizer_action
    async def preview_all(self, _actor: str) -> None:
        """Say what removing everyone inside will do."""
        self.number, self.question = 0, ""
        self.question = _everyone(await current().passes.inside(self._slug()))

    @rx.event
    async def cancel(self) -> None:
        """Remove no one."""
        self.question = ""

    @rx.event
    @organizer_action
    async def confirm(self, actor: str, _form: dict[str, object]) -> str:
        """Remove what was asked about, once."""
        number, was_asked, slug = self.number or None, bool(self.question), self._slug()
        self.question = ""
        if not was_asked:
            msg = "No one was removed. Choose whom to remove first."
            raise InvalidRequest(msg)
        passes = current().passes
        before = await passes.standing(slug, number) if number else None
        removed = await passes.revoke(slug, number, actor=actor)
        current().dashboard.invalidate(slug)
        self.removals += 1
        if number is None or before is None:
            return f"Removed {pluralize(removed, 'buyer', 'buyers')}."
        after = await passes.standing(slug, number, visitor_id=before.visitor_id)
        was, now = _describe(before), _describe(after)
        return f"Number {format_number(number)} was {was}. It is {now} now."

    def _slug(self) -> str:
        return session.path_param(self, 2)

    async def _read(self) -> None:
        self.phase = "ready"


def _describe(standing: QueueStanding) -> str:
    tickets = view_models.tickets(standing.tickets)
    if standing.is_paying:
        has = f", paying for {tickets}"
    elif standing.tickets:
        has = f", holding {tickets}"
    else:
        has = ", holding no tickets" if standing.visitor_id else ""
    ahead = f", {format_number(standing.ahead)} ahead of it" if standing.ahead is not None else ""
    return f"{_STATUSES[standing.status]}{ahead}{has}"


def _consequence(standing: QueueStanding) -> str:
    tickets = ""
    if standing.is_paying:
        tickets = " Its tickets stay held until the payment is decided."
    elif standing.tickets:
        tickets = " Its tickets go back on sale at once."
    return (
        f"It loses {_LOSES[standing.status]}.{tickets} "
        "The buyer can join again, at the end of the queue."
    )


def _everyone(inside: ActivePass) -> str:
    if not inside.passes and not inside.called:
        return "No one is inside now. Anyone who comes in before you confirm is removed."
    verb = "is" if inside.passes == 1 else "are"
    called = f", and {format_number(inside.called)} more were called" if inside.called else ""
    held = (
        f" {format_number(inside.held)} hold tickets, which go back on sale at once."
        if inside.held
        else " No one holds tickets."
    )
    paying = (
        f" {format_number(inside.paying)} are paying and keep their tickets until that is decided."
        if inside.paying
        else ""
    )
    return (
        f"{pluralize(inside.passes, 'buyer', 'buyers')} {verb} inside{called}. All of them lose "
        f"their turn.{held}{paying} The next in the queue are let in at once, unless it is "
        "paused. Removed buyers can join again, at the end of the queue."
    )
