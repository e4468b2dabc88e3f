"""The dress rehearsal in the console."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.formatting import format_number
from surge_app.services.admin.rehearsals import RehearsalRequest, RehearsalView
from surge_app.state import view_models
from surge_app.state.admin.common import ConsoleState, as_text, form_fields, parse_int

_NOT_A_NUMBER = -1
_SEEN = (
    ("seconds", "s"),
    ("arrived", "arrived"),
    ("line", "in line"),
    ("inside", "let in"),
    ("errors", "errors"),
)
_FIGURES = ("sold", "held", "free", *(name for name, _ in _SEEN))
_VERDICTS = {
    "running": ("Running", "accent"),
    "kept": ("Every promise held", "good"),
    "broken": ("A promise was broken", "warn"),
    "stopped": ("Stopped", "off"),
}


@dataclass(frozen=True)
class RehearsalCard:
    """One rehearsal; every figure is ready text.

    Attributes:
        about: Visitors and places.
        report: Where its report is; empty if there is none.
    """

    id: str = ""
    verdict: str = ""
    tone: str = "off"
    about: str = ""
    when: str = ""
    found: str = ""
    broken: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True)
class RunningCard:
    """The one that runs."""

    id: str = ""
    about: str = ""
    figures: str = ""
    sold_percent: float = 0
    held_percent: float = 0
    stock: str = ""


class RehearsalState(ConsoleState, rx.State):
    """What one organizer rehearses.

    Attributes:
        phase: loading, ready, live (real vendors, so nothing can be rehearsed) or signed_out.
    """

    running: RunningCard = RunningCard()
    past: list[RehearsalCard] = []
    problem: str = ""

    @rx.event
    async def load(self) -> None:
        """Show what runs and what there was."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures."""
        await self._read()

    @rx.event
    async def start(self, form: dict[str, object]) -> None:
        """Start a rehearsal of what was typed."""
        admin = await self._organizer()
        if admin is None:
            return
        sent = form_fields(form)
        numbers = {
            name: _number(sent.get(name, "")) for name in ("visitors", "units", "abandon_percent")
        }
        wish = RehearsalRequest(**numbers, has_bad_days=sent.get("bad_days") == "yes")
        await self._do(current().rehearsals.start(wish, actor=admin))

    @rx.event
    async def stop(self) -> None:
        """End the one that runs."""
        admin = await self._organizer()
        if admin is None:
            return
        await self._do(current().rehearsals.stop(as_text(self.running.id), actor=admin))

    async def _do(self, work: Awaitable[object]) -> None:
        try:
            await work
        except SurgeError as error:
            self.problem = error.message
        else:
            self.problem = ""
        await self._read()

    async def _read(self) -> None:
        if await self._organizer() is None:
            return
        try:
            found = await current().rehearsals.latest()
        except SurgeError as error:
            self.problem = error.message
            return
        self.running = next((_running(one) for one in found if one.is_running), RunningCard())
        self.past = [_card(one) for one in found if not one.is_running]
        self.phase = "ready" if current().rehearsals.are_possible else "live"


def _number(text: str) -> int:
    found = parse_int(text)
    return _NOT_A_NUMBER if found is None else found


def _about(one: RehearsalView) -> str:
    days = "with bad days" if one.wish.has_bad_days else "without bad days"
    return (
        f"{format_number(one.wish.visitors)} visitors for {format_number(one.wish.units)} places, "
        f"{one.wish.abandon_percent} % leave, {days}"
    )


def _running(one: RehearsalView) -> RunningCard:
    seen = {name: float(one.progress.get(name, 0)) for name in _FIGURES}
    capacity = max(1.0, seen["sold"] + seen["held"] + seen["free"])
    sold, held, free = (format_number(int(seen[name])) for name in ("sold", "held", "free"))
    return RunningCard(
        id=one.id,
        about=_about(one),
        figures=" · ".join(f"{format_number(int(seen[name]))} {text}" for name, text in _SEEN),
        sold_percent=round(seen["sold"] / capacity * 100, 2),
        held_percent=round(seen["held"] / capacity * 100, 2),
        stock=f"{sold} sold, {held} on hold, {free} free",
    )


def _card(one: RehearsalView) -> RehearsalCard:
    verdict, tone = _VERDICTS[one.status]
    found = one.problem
    if one.has_report:
        found = (
            f"{format_number(int(one.figures['bookings']))} bookings in "
            f"{format_number(int(one.figures['seconds']))} s, "
            f"{format_number(int(one.figures['requests']))} answers"
        )
    return RehearsalCard(
        id=one.id,
        verdict=verdict,
        tone=tone,
        about=_about(one),
        when=f"{view_models.when(one.started_at, 'Asia/Kolkata')} · {one.started_by}",
        found=found,
        broken=one.broken,
        report=f"/api/admin/rehearsals/{one.id}/report" if one.has_report else "",
    )
