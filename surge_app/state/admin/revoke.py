"""Ending passes of one sale: asked first, with what it will do, and then done."""

from __future__ import annotations

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.services.organizer import Inside
from surge_app.state import session
from surge_app.state.admin.common import fields, whole
from surge_app.words import grouped

_HIGHEST = 4_000_000_000


class RevokeState(rx.State):
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
        number = whole(fields(form).get("number", ""))
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
        number, slug = self.number or None, session.segment(self, 2)
        self.reset()
        try:
            ended = await current().organizer.revoke_passes(slug, number, actor=admin)
        except SurgeError as error:
            self.problem = error.message
            return
        current().board.forget(slug)
        self.done = _ended(number, ended)

    async def _foresee(self) -> None:
        if await session.organizer(self) is None:
            return
        try:
            inside = await current().organizer.inside(session.segment(self, 2))
        except SurgeError as error:
            self.problem = error.message
            return
        self.question = _one(self.number) if self.number else _all(inside)


def _one(number: int) -> str:
    return (
        f"Number {grouped(number)} loses its turn, or its place if it still waits. What it holds "
        "goes back to everyone at once, unless it is being paid. The next in line is called. "
        "Whoever it was may join again, at the end of the line."
    )


def _all(inside: Inside) -> str:
    if not inside.passes and not inside.called:
        return "Nobody is inside now. Whoever comes in before you confirm loses the turn."
    people = "1 person is" if inside.passes == 1 else f"{grouped(inside.passes)} people are"
    called = f", {grouped(inside.called)} more were called" if inside.called else ""
    held = (
        f"{grouped(inside.held)} hold tickets, which go back to everyone at once"
        if inside.held
        else "Nobody holds tickets"
    )
    paying = (
        f"; {grouped(inside.paying)} are paying and keep their tickets until that is decided"
        if inside.paying
        else ""
    )
    return (
        f"{people} inside{called}: all of them lose their turn. {held}{paying}. The next in line "
        "are called at once, unless the queue is paused. Those who lost their turn may join "
        "again, at the end of the line."
    )


def _ended(number: int | None, passes: int) -> str:
    if number is not None and passes == 0:
        return f"Number {grouped(number)} had no pass. If it waited, its place is gone."
    return "1 pass ended." if passes == 1 else f"{grouped(passes)} passes ended."
