"""Removing buyers from a sale: what it will do is said first, then it is confirmed."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import InvalidRequest
from surge_app.formatting import format_number
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.state import view_models
from surge_app.state.admin.common import AdminState, form_fields, organizer_action, parse_int

_HIGHEST = 4_000_000_000
_STATUSES = {
    "inside": N_("choosing tickets"),
    "called": N_("called, but has not come yet"),
    "waiting": N_("waiting"),
    "absent": N_("inactive, and was skipped"),
    "served": N_("done, with a booking"),
    "left": N_("out of the queue"),
    "unknown": N_("not issued yet"),
}
_TURN, _POSITION = (
    N_("It loses its turn, and the next in the queue is let in."),
    N_("It loses its position."),
)
_LOSES = {"inside": _TURN, "called": _TURN, "waiting": _POSITION, "absent": _POSITION}


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
            raise InvalidRequest(_("Enter a queue number, for example 1042."))
        self.number = number
        standing = await current().passes.standing(self._subject(), number)
        state = _(
            "Number {number} is {state}.", number=format_number(number), state=_describe(standing)
        )
        if standing.status not in _LOSES:
            raise InvalidRequest(_("{state} There is nothing to remove.", state=state))
        self.question = f"{state} {_consequence(standing)}"

    @rx.event
    @organizer_action
    async def preview_all(self, _actor: str) -> None:
        """Say what removing everyone inside will do."""
        self.number, self.question = 0, ""
        self.question = _everyone(await current().passes.inside(self._subject()))

    @rx.event
    async def cancel(self) -> None:
        """Remove no one."""
        self.question = ""

    @rx.event
    @organizer_action
    async def confirm(self, actor: str, _form: dict[str, object]) -> str:
        """Remove what was asked about, once."""
        number, was_asked, slug = self.number or None, bool(self.question), self._subject()
        self.question = ""
        if not was_asked:
            raise InvalidRequest(_("No one was removed. Choose whom to remove first."))
        passes = current().passes
        before = await passes.standing(slug, number) if number else None
        removed = await passes.revoke(slug, number, actor=actor)
        current().dashboard.invalidate(slug)
        self.removals += 1
        if number is None or before is None:
            return ngettext("Removed {count} buyer.", "Removed {count} buyers.", removed)
        after = await passes.standing(slug, number, visitor_id=before.visitor_id)
        return _(
            "Number {number} was {before}. It is {now} now.",
            number=format_number(number),
            before=_describe(before),
            now=_describe(after),
        )

    async def _read(self) -> None:
        self.phase = "ready"


def _describe(standing: QueueStanding) -> str:
    parts = [_(_STATUSES[standing.status])]
    if standing.ahead is not None:
        parts += [_("{count} ahead of it", count=format_number(standing.ahead))]
    tickets = view_models.tickets(standing.tickets)
    if standing.is_paying:
        parts += [_("paying for {tickets}", tickets=tickets)]
    elif standing.tickets:
        parts += [_("holding {tickets}", tickets=tickets)]
    elif standing.visitor_id:
        parts += [_("holding no tickets")]
    return ", ".join(parts)


def _consequence(standing: QueueStanding) -> str:
    parts = [_(_LOSES[standing.status])]
    if standing.is_paying:
        parts += [_("Its tickets stay held until the payment is decided.")]
    elif standing.tickets:
        parts += [_("Its tickets go back on sale at once.")]
    return " ".join([*parts, _("The buyer can join again, at the end of the queue.")])


def _everyone(inside: ActivePass) -> str:
    if not inside.passes and not inside.called:
        return _("No one is inside now. Anyone who comes in before you confirm is removed.")
    called = format_number(inside.called)
    parts = [
        ngettext("{count} buyer is inside.", "{count} buyers are inside.", inside.passes),
        *([_("{count} more were called.", count=called)] if inside.called else []),
        _("All of them lose their turn."),
        _("{count} hold tickets, which go back on sale at once.", count=format_number(inside.held))
        if inside.held
        else _("No one holds tickets."),
    ]
    if inside.paying:
        parts += [
            _(
                "{count} are paying and keep their tickets until that is decided.",
                count=format_number(inside.paying),
            )
        ]
    return " ".join(
        [
            *parts,
            _(
                "The next in the queue are let in at once, unless it is paused. "
                "Removed buyers can join again, at the end of the queue."
            ),
        ]
    )
