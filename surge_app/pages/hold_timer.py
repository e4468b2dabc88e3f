"""The time left of a hold, and what is said while the payment gateway is out."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, layout
from surge_app.components.controls import button_link
from surge_app.components.feeds import timers
from surge_app.components.match import match
from surge_app.components.text import gettext as _
from surge_app.state.checkout import CheckoutState
from surge_app.state.element_ids import CLOCK

_BEAT_SECONDS = 15
_PAUSED_BEAT_SECONDS = 5


def clock() -> rx.Component:
    """Show the time left to choose or to pay, always in view."""
    return match(
        CheckoutState.phase,
        ("held", _held()),
        ("choose", rx.cond(CheckoutState.choose_seconds > 0, _choosing())),
        rx.fragment(),
    )


def _held() -> rx.Component:
    return _chip(
        CheckoutState.remaining_seconds,
        stamp=CheckoutState.stamp,
        label=_("Held for you"),
        last=_("left"),
        stopped=CheckoutState.clock_stopped,
        on_end=CheckoutState.heartbeat,
    )


def _choosing() -> rx.Component:
    return _chip(
        CheckoutState.choose_seconds,
        stamp=CheckoutState.choose_stamp,
        label=_("Time to choose"),
        last=_("left to choose"),
        on_end=CheckoutState.refresh_availability,
    )


def _chip(seconds: Any, **countdown: Any) -> rx.Component:
    return controls.chip(
        timers.countdown(seconds, **countdown), tone="warn", plain=True, extra="held", id=CLOCK
    )


def beat() -> rx.Component:
    """Ask now and then; more often while the page waits for payments to go on."""
    return rx.cond(
        CheckoutState.payments_paused,
        timers.interval(_PAUSED_BEAT_SECONDS, CheckoutState.heartbeat),
        timers.interval(_BEAT_SECONDS, CheckoutState.heartbeat),
    )


def paused() -> rx.Component:
    """Say calmly that payments pause, and how it stands with the clock."""
    return rx.cond(
        CheckoutState.payments_paused,
        layout.notice(
            rx.cond(
                CheckoutState.clock_stopped,
                _(
                    "Payments are paused on the bank's side. Your tickets are safe and the clock "
                    "is stopped. This page updates automatically."
                ),
                _(
                    "Payments are still paused on the bank's side, and the clock runs again. Your "
                    "tickets stay yours until it ends."
                ),
            ),
            tone="warn",
        ),
    )


def choice_over() -> rx.Component:
    """Say that the turn is over, and the way back."""
    return layout.notice(
        _(
            "No tickets were held, and you haven't been charged. If others are waiting, they go "
            "first."
        ),
        tone="warn",
        title=_("Your time to choose ran out."),
        action=button_link(
            _("Join the queue again"),
            href=f"/queue/{CheckoutState.sale.slug}",
            kind="primary",
            full=True,
        ),
    )
