"""Rehearsals: virtual visitors on an event of their own."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.formatting import format_number
from surge_app.languages import N_, gettext as _
from surge_app.services.admin.rehearsals import RehearsalRequest, RehearsalView
from surge_app.state import view_models
from surge_app.state.admin.common import (
    HOME_ZONE,
    LiveState,
    as_text,
    form_fields,
    organizer_action,
    parse_int,
)

_NOT_A_NUMBER = -1
_SEEN = (
    ("seconds", N_("seconds")),
    ("arrived", N_("arrived")),
    ("queue", N_("in the queue")),
    ("inside", N_("let in")),
    ("errors", N_("errors")),
)
_FIGURES = ("sold", "held", "free", *(name for name, text in _SEEN))
_RESULTS = {
    "running": (N_("Running"), "accent"),
    "kept": (N_("Passed: tickets and money correct"), "good"),
    "broken": (N_("Failed"), "warn"),
    "stopped": (N_("Stopped"), "off"),
}
_ONLY_SLOW = (N_("Tickets and money correct. Slower than target on this machine."), "warn")


@dataclass(frozen=True)
class RehearsalCard:
    """One rehearsal; every figure is ready text.

    Attributes:
        about: Visitors and tickets.
        report: Where its report is; empty if there is none.
    """

    id: str = ""
    result: str = ""
    tone: str = "off"
    about: str = ""
    when: str = ""
    summary: str = ""
    broken: tuple[str, ...] = ()
    report: str = ""


@dataclass(frozen=True)
class RunningCard:
    """The running rehearsal."""

    id: str = ""
    about: str = ""
    figures: str = ""
    sold_percent: float = 0
    held_percent: float = 0
    stock: str = ""


class RehearsalState(LiveState, rx.State):
    """The rehearsals of an organizer.

    Attributes:
        phase: Besides the common ones live: with real vendors nothing can be rehearsed.
    """

    running: RunningCard = RunningCard()
    past: list[RehearsalCard] = []

    @rx.event
    @organizer_action
    async def start(self, actor: str, form: dict[str, object]) -> str:
        """Start a rehearsal."""
        sent = form_fields(form)
        numbers = {
            name: _number(sent.get(name, "")) for name in ("visitors", "units", "abandon_percent")
        }
        request = RehearsalRequest(**numbers, has_bad_days=sent.get("bad_days") == "yes")
        await current().rehearsals.start(request, actor=actor)
        return _("Rehearsal started.")

    @rx.event
    @organizer_action
    async def stop(self, actor: str) -> str:
        """Stop the running rehearsal."""
        await current().rehearsals.stop(as_text(self.running.id), actor=actor)
        return _("Rehearsal stopped.")

    async def _read(self) -> None:
        latest = await current().rehearsals.latest()
        self.running = next((_running(one) for one in latest if one.is_running), RunningCard())
        self.past = [_card(one) for one in latest if not one.is_running]
        self.phase = "ready" if current().rehearsals.are_possible else "live"


def _number(text: str) -> int:
    number = parse_int(text)
    return _NOT_A_NUMBER if number is None else number


def _about(one: RehearsalView) -> str:
    about = _(
        "{visitors} visitors for {tickets} tickets, {percent} % leave",
        visitors=format_number(one.request.visitors),
        tickets=format_number(one.request.units),
        percent=one.request.abandon_percent,
    )
    has_bad_days = one.request.has_bad_days
    days = _("with payment problems") if has_bad_days else _("without payment problems")
    return f"{about}, {days}"


def _running(one: RehearsalView) -> RunningCard:
    seen = {name: float(one.progress.get(name, 0)) for name in _FIGURES}
    capacity = max(1.0, seen["sold"] + seen["held"] + seen["free"])
    sold, held, free = (format_number(int(seen[name])) for name in ("sold", "held", "free"))
    return RunningCard(
        id=one.id,
        about=_about(one),
        figures=" · ".join(f"{format_number(int(seen[name]))} {_(text)}" for name, text in _SEEN),
        sold_percent=round(seen["sold"] / capacity * 100, 2),
        held_percent=round(seen["held"] / capacity * 100, 2),
        stock=_("{sold} sold, {held} held, {free} available", sold=sold, held=held, free=free),
    )


def _card(one: RehearsalView) -> RehearsalCard:
    is_slow = one.status == "broken" and one.figures.get("is_only_slow")
    result, tone = _ONLY_SLOW if is_slow else _RESULTS[one.status]
    summary = one.problem
    if one.has_report:
        names = ("bookings", "seconds", "requests")
        figures = {name: format_number(int(one.figures[name])) for name in names}
        summary = _("{bookings} bookings in {seconds} s, {requests} requests", **figures)
    return RehearsalCard(
        id=one.id,
        result=_(result),
        tone=tone,
        about=_about(one),
        when=f"{view_models.when(one.started_at, HOME_ZONE)} · {one.started_by}",
        summary=summary,
        broken=one.broken,
        report=f"/api/admin/rehearsals/{one.id}/report" if one.has_report else "",
    )
