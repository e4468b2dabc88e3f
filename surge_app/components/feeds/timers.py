"""Components that change with time: a countdown, an age, a regular call."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import NO_ARGUMENTS, component

_Countdown = component(
    "countdown",
    "Countdown",
    seconds=int,
    stamp=int,
    label=str,
    last=str,
    stopped=bool,
    on_end=NO_ARGUMENTS,
)


_RelativeTime = component("relative_time", "RelativeTime", at=int)


_Interval = component("interval", "Interval", seconds=int, on_tick=NO_ARGUMENTS)


def countdown(
    seconds: rx.Var[int] | int,
    *,
    stamp: rx.Var[int] | int = 0,
    label: rx.Var[str] | str = "",
    last: rx.Var[str] | str = "",
    stopped: rx.Var[bool] | bool = False,
    on_end: Any = None,
) -> rx.Component:
    """Count down from what the server said is left, whatever the device's clock says.

    Args:
        seconds: Whole seconds left, by the server.
        stamp: Changes with each answer of the server, so that an equal number starts again.
        label: Words before the clock.
        last: Words behind it in the last minute; empty keeps the others.
        stopped: Whether the server's clock stands still, and this one with it.
        on_end: Called once at zero. The server decides what zero means.
    """
    handlers = {} if on_end is None else {"on_end": on_end}
    return _Countdown.create(
        seconds=seconds, stamp=stamp, label=label, last=last, stopped=stopped, **handlers
    )


def relative_time(at: rx.Var[int] | int) -> rx.Component:
    """Show how old an answer is: "2 s ago"."""
    return _RelativeTime.create(at=at)


def interval(seconds: rx.Var[int] | int, on_tick: Any) -> rx.Component:
    """Call a handler at an interval while it is on the page."""
    return _Interval.create(seconds=seconds, on_tick=on_tick)
