"""The states of the waiting room before the queue moves, beside it and after it."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import button, button_link
from surge_app.components.feeds import polling
from surge_app.components.text import gettext as _
from surge_app.pages import queue_parts as parts

# For so long a check is nothing special.
_SLOW_SECONDS = 8


def loading() -> rx.Component:
    """Show the size of what is to come."""
    return layout.loading(
        layout.split(
            layout.skeleton("36px", "8.5rem"),
            layout.skeleton("36px", "80%"),
            layout.skeleton_card("22px", "var(--hero)", "28px", "22px"),
            layout.skeleton("84px"),
            side=(layout.skeleton_card("28px", "96px"),),
        )
    )


def joining() -> rx.Component:
    """Say that joining takes longer than usual."""
    return rx.el.div(
        layout.state(
            _("Joining the queue…"),
            _(
                "It's taking longer than usual because many people are joining. Keep this page "
                "open."
            ),
            at=2,
        ),
        # What follows is larger.
        class_name="contents coming",
    )


def challenge(value: Any) -> rx.Component:
    """Show that the check before joining runs."""
    return rx.fragment(
        parts.title(value),
        layout.card(
            rx.el.h2(_("One check before you join")),
            rx.el.div(
                rx.el.span(class_name="run"),
                class_name="working",
                role="progressbar",
                aria_label=_("Checking"),
            ),
            rx.el.p(
                rx.cond(
                    value.checking > _SLOW_SECONDS,
                    _("Still working. On a slow device this takes a little longer."),
                    _(
                        "Your device solves a small puzzle, so that scripts cannot take all the "
                        "places. It takes a few seconds and needs nothing from you."
                    ),
                ),
                class_name="muted",
            ),
        ),
    )


def refused(value: Any) -> rx.Component:
    """Say that the check did not help."""
    return _not_joined(
        value,
        _("The check did not work"),
        _("You have no place yet. Allow cookies for this page, then try again."),
    )


def cookieless(value: Any) -> rx.Component:
    """Say that the browser keeps no cookie, so that no place could be kept for it."""
    return _not_joined(
        value,
        _("Your browser does not keep cookies"),
        _(
            "You have no place yet, because a cookie keeps it. Allow cookies for this site or "
            "open it in another browser, then try again."
        ),
    )


def _not_joined(value: Any, heading: Any, text: Any) -> rx.Component:
    again = button(_("Try again"), kind="primary", on_click=polling.dispatch("join"))
    return rx.fragment(
        parts.title(value), layout.state(heading, text, action=again, at=4, is_titled=True)
    )


def elsewhere(value: Any) -> rx.Component:
    """Say that another tab went in."""
    return rx.fragment(
        parts.title(value),
        layout.state(
            _("Continued in another tab"),
            _(
                "It was your turn, and another tab of this browser went in with it. You can close "
                "this one."
            ),
            action=button_link(_("Go on here instead"), href=f"/book/{value.event.slug}"),
            at=90,
            is_titled=True,
        ),
    )


def moved(value: Any) -> rx.Component:
    """Say that the place is on another device now."""
    return rx.fragment(
        parts.title(value),
        layout.state(
            _("Your place is on your other device"),
            _(
                "Your place is there now, with any tickets you hold. You can close this page. If "
                "you join again here, you start at the end."
            ),
            action=rx.el.div(
                button_link(_("All events"), href="/events", kind="primary"),
                button(_("Join again"), on_click=polling.dispatch("join")),
                class_name="row",
            ),
            at=90,
            is_titled=True,
        ),
    )


def sold_out(value: Any) -> rx.Component:
    """Say that everything is sold, and what may still happen."""
    return rx.fragment(
        parts.title(value),
        layout.state(
            _("Sold out for now"),
            rx.cond(
                value.number > 0,
                _(
                    "Cancelled tickets go to the queue in order; keep this page open and you'll be "
                    "let in if one is yours."
                ),
                _(
                    "Cancelled tickets go to the queue in order; keep this page open and you'll "
                    "join it automatically if one is released."
                ),
            ),
            action=button_link(_("See other events"), href="/events", kind="primary"),
            at=70,
            is_titled=True,
        ),
        rx.cond(value.number > 0, parts.leave(value)),
    )


def ended(value: Any) -> rx.Component:
    """Say that the sale is over, or the event cancelled."""
    return rx.fragment(
        parts.title(value),
        rx.cond(
            value.event.status == "cancelled",
            over(_("This event is cancelled"), _("There is nothing to wait for any more.")),
            over(_("The sale is over"), _("There is nothing to wait for any more.")),
        ),
    )


def over(title: Any, sentence: Any, *, is_titled: bool = True) -> rx.Component:
    """Say that there is nothing to wait for."""
    others = button_link(_("All events"), href="/events", kind="primary")
    return layout.state(title, sentence, action=others, at=4, is_titled=is_titled)


def left(value: Any) -> rx.Component:
    """Say that the visitor left the queue."""
    return _outside(
        value,
        _("You left the queue"),
        _("Your place went to the others. You can join again at the end."),
    )


def lost(value: Any) -> rx.Component:
    """Say why the visitor lost the position."""
    return _outside(value, _("Your place was given up"), value.note_text)


def _outside(value: Any, title: Any, sentence: Any) -> rx.Component:
    return rx.fragment(
        parts.title(value),
        layout.state(
            title,
            sentence,
            action=rx.el.div(
                button(_("Join again"), kind="primary", on_click=polling.dispatch("join")),
                button_link(_("All events"), href="/events"),
                class_name="row",
            ),
            at=4,
            is_titled=True,
        ),
    )


def crowded(value: Any) -> rx.Component:
    """Say that too many ask at once."""
    return layout.state(
        _("One moment, please"),
        rx.cond(
            value.problem != "",
            value.problem,
            _(
                "It's very busy right now. You'll be added to the queue automatically in a few "
                "seconds."
            ),
        ),
        action=rx.el.p(_("This page tries again automatically."), class_name="muted small"),
        at=4,
    )


def unavailable(value: Any) -> rx.Component:
    """Say that the waiting room does not answer."""
    return layout.state(
        _("The queue is not available right now"),
        rx.cond(
            value.problem != "", value.problem, _("If you were in the queue, your place is safe.")
        ),
        action=rx.el.p(
            _("This page tries again automatically every few seconds."), class_name="muted small"
        ),
        at=20,
    )


def offline() -> rx.Component:
    """Say that there is no connection."""
    return layout.state(
        _("Connection lost"),
        _("If you were in the queue, your place is safe. This page tries again automatically."),
        action=button(_("Try now"), on_click=polling.dispatch("retry")),
        at=20,
    )
