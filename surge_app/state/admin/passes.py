"""Ending passes of one sale: asked first, with what it will do, and then done."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.formatting import format_number
from surge_app.services.admin.passes import ActivePass, QueueStanding
from surge_app.state import session, view_models
from surge_app.state.admin.common import form_fields, parse_int

_HIGHEST = 4_000_000_000
_PLACES = {
    "inside": "inside",
    "called": "called, and not here yet",
    "waiting": "waiting",
    "absent": "passed over, as it stopped looking",
    "served": "gone, with a booking",
    "left": "out of the line",
    "unknown": "not given out yet",
}
_LOSES = {
    "inside": "its turn, and the next in line is called",
    "called": "its turn, and the next in line is called",
    "waiting": "its place",
    "absent": "its way back to its place",
}


class PassesState(rx.State):
    """What one organizer is about to end.

    Attributes:
        number: Whose pass; 0 means everybody inside.
        question: What will happen; empty while nothing is asked.
    """

    number: int = 0
    question: str = ""
    done: str = ""
    problem: str = ""

    @rx.event
    async def load(self) -> None:
        """Ask nothing yet."""
        self.reset()

    @rx.event
    async def ask(self, form: dict[str, object]) -> None:
        """Say what ending one pass will do."""
        self.reset()
        number = parse_int(form_fields(form).get("number", ""))
        if number is None or not 1 <= number <= _HIGHEST:
            self.problem = "Say which number in line, such as 1042."
            return
        self.number = number
        await self._foresee()

    @rx.event
    async def ask_all(self) -> None:
        """Say what ending everybody's pass will do."""
        self.reset()
        await self._foresee()

    @rx.event
    async def back(self) -> None:
        """Do nothing."""
        self.reset()

    @rx.event
    async def confirm(self) -> None:
        """End what was asked about."""
        admin = await session.organizer(self)
        if admin is None or not self.question:
            self.reset()
            return
        number, slug = self.number or None, session.path_param(self, 2)
        self.reset()
        try:
            if number is None:
                self.done = _ended(await current().passes.revoke(slug, None, actor=admin))
            else:
                self.done = await _end_one(slug, number, admin)
        except SurgeError as error:
            self.problem = error.message
            return
        current().board.forget(slug)

    async def _foresee(self) -> None:
        if await session.organizer(self) is None:
            return
        slug = session.path_param(self, 2)
        try:
            if not self.number:
                self.question = _all(await current().passes.inside(slug))
                return
            standing = await current().passes.standing(slug, self.number)
        except SurgeError as error:
            self.problem = error.message
            return
        told = f"Number {format_number(self.number)} is {_stands(standing)}."
        if standing.place in _LOSES:
            self.question = f"{told} {_loses(standing)}"
        else:
            self.problem = f"{told} There is nothing to end."


async def _end_one(slug: str, number: int, admin: str) -> str:
    """End a number's pass or place; say how it stood at that moment, and how it stands now."""
    passes = current().passes
    before = await passes.standing(slug, number)
    await passes.revoke(slug, number, actor=admin)
    after = await passes.standing(slug, number, visitor_id=before.visitor_id)
    return f"Number {format_number(number)} was {_stands(before)}. Now it is {_stands(after)}."


def _stands(standing: QueueStanding) -> str:
    tickets = view_models.tickets(standing.tickets)
    if standing.is_paying:
        has = f", paying for {tickets}"
    elif standing.tickets:
        has = f", holding {tickets}"
    else:
        has = ", holding nothing" if standing.visitor_id else ""
    ahead = f", {format_number(standing.ahead)} ahead of it" if standing.ahead is not None else ""
    return f"{_PLACES[standing.place]}{ahead}{has}"


def _loses(standing: QueueStanding) -> str:
    if standing.is_paying:
        kept = " The tickets stay with it until the payment is decided."
    elif standing.tickets:
        kept = " What it holds goes back to everyone at once."
    else:
        kept = ""
    return (
        f"It loses {_LOSES[standing.place]}.{kept} Whoever it is may join again, at the end of the "
        "line."
    )


def _all(inside: ActivePass) -> str:
    if not inside.passes and not inside.called:
        return "Nobody is inside now. Whoever comes in before you confirm loses the turn."
    people = "1 person is" if inside.passes == 1 else f"{format_number(inside.passes)} people are"
    called = f", {format_number(inside.called)} more were called" if inside.called else ""
    held = (
        f"{format_number(inside.held)} hold tickets, which go back to everyone at once"
        if inside.held
        else "Nobody holds tickets"
    )
    paying = (
        f"; {format_number(inside.paying)} are paying and keep their tickets until that is decided"
        if inside.paying
        else ""
    )
    return (
        f"{people} inside{called}: all of them lose their turn. {held}{paying}. The next in line "
        "are called at once, unless the queue is paused. Those who lost their turn may join "
        "again, at the end of the line."
    )


def _ended(passes: int) -> str:
    return "1 pass ended." if passes == 1 else f"{format_number(passes)} passes ended."
