"""The waiting room, a public page: a waiting visitor costs one small request now and then."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import formatting, layout, progress
from surge_app.components.controls import button_link
from surge_app.components.feeds import polling, timers
from surge_app.components.frame import shell
from surge_app.components.match import match
from surge_app.components.scripts import keep_focus, proof_of_work
from surge_app.components.text import gettext as _, ngettext
from surge_app.pages import queue_parts as parts, queue_states as states

# From here on the number needs a smaller face to fit a narrow phone.
_WIDE = 9999
_DAY = 86_400


def page() -> rx.Component:
    """Build the page."""
    feed, value = polling.queue()
    return feed(
        shell.page(
            proof_of_work.honeypot(),
            keep_focus.keep_focus("main", value.phase),
            rx.el.p(value.said, class_name="sr-only", aria_live="polite", role="status"),
            match(
                value.phase,
                ("loading", states.loading()),
                ("joining", states.joining()),
                ("challenge", states.challenge(value)),
                ("cookieless", states.cookieless(value)),
                ("refused", states.refused(value)),
                ("waiting", _waiting(value)),
                ("paused", _paused(value)),
                ("admitted", _admitted(value)),
                ("elsewhere", states.elsewhere(value)),
                ("moved", states.moved(value)),
                ("scheduled", _scheduled(value)),
                ("sold_out", states.sold_out(value)),
                ("ended", states.ended(value)),
                ("left", states.left(value)),
                ("lost", states.lost(value)),
                (
                    "missing",
                    states.over(
                        _("There is no such event"),
                        _("The address may be mistyped."),
                        is_titled=False,
                    ),
                ),
                ("crowded", states.crowded(value)),
                ("unavailable", states.unavailable(value)),
                states.offline(),
            ),
            width="split",
        )
    )


def _waiting(value: Any) -> rx.Component:
    return parts.room(
        value,
        _position_card(value),
        parts.facts(value),
        layout.card(_what_next(value), parts.tell_me(value), extra="divided"),
        more=(
            layout.card(parts.rule(value), extra="flat"),
            parts.other_device(value),
            parts.leave(value),
            parts.footnote(value),
        ),
    )


def _position_card(value: Any) -> rx.Component:
    """Draw the position: the largest thing on the page."""
    return parts.sheet(
        value,
        rx.el.p(_("Your position in the queue"), class_name="muted"),
        _position(value),
        progress.queue_progress(value.progress),
        rx.el.p(
            rx.el.span(_("You started at {count}", count=formatting.count(value.joined_at))),
            rx.el.span(_("The entrance")),
            class_name="ends number",
        ),
        rx.el.p(
            rx.cond(
                value.ahead > 0,
                ngettext("{count} person ahead of you", "{count} people ahead of you", value.ahead),
                _("No one ahead of you"),
            ),
            rx.cond(
                value.waiting > value.position,
                rx.fragment(
                    " · ",
                    _("{count} behind", count=formatting.count(value.waiting - value.position)),
                ),
            ),
            class_name="small muted number",
        ),
    )


def _position(value: Any) -> rx.Component:
    return rx.el.p(
        # A new key is a new element, so each new number rolls in; the box stays.
        rx.el.span(formatting.count(value.position), class_name="rolled", key=value.position),
        class_name=rx.cond(value.position > _WIDE, "hero long", "hero"),
    )


def _what_next(value: Any) -> rx.Component:
    return rx.el.div(
        match(
            value.mood,
            (
                "next",
                rx.fragment(
                    rx.el.h2(_("You are next")),
                    rx.el.p(
                        _(
                            "You'll be let in automatically as soon as there is room. Have your "
                            "email and mobile number ready: you choose your tickets, and we hold "
                            "them while you pay."
                        ),
                        class_name="muted",
                    ),
                ),
            ),
            (
                "held",
                rx.fragment(
                    rx.el.h2(_("All remaining tickets are in checkouts")),
                    rx.el.p(
                        ngettext(
                            "Other people are choosing and paying for the last {count} ticket.",
                            "Other people are choosing and paying for the last {count} tickets.",
                            value.held,
                        ),
                        " ",
                        _hold_ends(value.event.hold_seconds),
                        " ",
                        _("Tickets that are released go to the queue, in order."),
                        class_name="muted",
                    ),
                ),
            ),
            rx.fragment(
                rx.el.h2(_("You're in the queue")),
                rx.el.p(
                    _("When it's your turn, this page takes you to the tickets automatically."),
                    class_name="muted",
                ),
                rx.cond(value.note == "full", rx.el.p(value.note_text, class_name="muted")),
            ),
        ),
        parts.queue_rules(value),
        class_name="stack",
    )


def _hold_ends(seconds: Any) -> Any:
    # The name and the rules of an event come a moment after the position.
    usual = rx.cond(seconds > 0, seconds, 300)
    return rx.cond(
        usual >= 120,  # noqa: PLR2004 - below, a minute is said in words
        ngettext(
            "The queue moves when a hold runs out: within {count} minute, or longer while someone "
            "is paying.",
            "The queue moves when a hold runs out: within {count} minutes, or longer while someone "
            "is paying.",
            usual // 60,
        ),
        _(
            "The queue moves when a hold runs out: within a minute or so, or longer while someone "
            "is paying."
        ),
    )


def _paused(value: Any) -> rx.Component:
    return parts.room(
        value,
        parts.sheet(
            value,
            rx.el.p(_("The queue is paused"), class_name="hero words"),
            rx.cond(
                value.position > 0,
                rx.fragment(
                    progress.queue_progress(value.progress),
                    rx.el.p(
                        rx.el.span(
                            _("Your position: {count}", count=formatting.count(value.position))
                        ),
                        rx.el.span(_("The entrance")),
                        class_name="ends number",
                    ),
                ),
            ),
            rx.el.p(
                _("The queue is on hold and your place is safe. This page updates automatically."),
                class_name="muted",
            ),
        ),
        layout.card(parts.tell_me(value), extra="flat"),
        more=(parts.other_device(value), parts.leave(value), parts.footnote(value)),
    )


def _admitted(value: Any) -> rx.Component:
    return parts.room(
        value,
        layout.card(
            rx.el.p(_("It is your turn"), class_name="hero words"),
            progress.queue_progress(rx.Var.create(94)),
            rx.el.p(_("Taking you to the tickets."), class_name="muted"),
            _go_in(value, _("Go in now")),
            rx.cond(
                value.claim_seconds > 0,
                rx.el.p(
                    timers.countdown(
                        value.claim_seconds,
                        stamp=value.at,
                        label=_("Your turn is held for"),
                        on_end=polling.dispatch("late"),
                    ),
                    class_name="center number",
                ),
            ),
        ),
    )


def _go_in(value: Any, label: Any) -> rx.Component:
    return button_link(label, href=f"/book/{value.event.slug}", kind="primary", full=True)


def _scheduled(value: Any) -> rx.Component:
    return parts.room(
        value,
        parts.sheet(
            value,
            rx.el.p(_("The sale opens in"), class_name="muted"),
            rx.cond(
                value.opens_in_seconds > _DAY * 2,
                rx.el.p(
                    ngettext("{count} day", "{count} days", value.opens_in_seconds // _DAY),
                    class_name="hero long",
                ),
                rx.cond(
                    value.opens_in_seconds > 0,
                    rx.el.p(
                        timers.countdown(
                            value.opens_in_seconds,
                            stamp=value.at,
                            on_end=polling.dispatch("opened"),
                        ),
                        class_name="hero long",
                    ),
                    rx.el.p(_("A moment"), class_name="hero words"),
                ),
            ),
            _early_position(value),
            rx.el.p(
                _(
                    "Keep this page open, or come back before the sale opens. You'll be let in "
                    "automatically."
                ),
                class_name="muted",
            ),
        ),
        layout.card(parts.rule(value), parts.tell_me(value), extra="divided"),
        more=(
            parts.other_device(value),
            rx.cond(value.number > 0, parts.leave(value)),
            parts.footnote(value),
        ),
    )


def _early_position(value: Any) -> rx.Component:
    others = ngettext("{count} person is here", "{count} people are here", value.waiting)
    return rx.cond(
        value.number > 0,
        rx.el.p(
            rx.cond(
                value.rule == "random",
                _("You're in the draw"),
                _("Your number is {count}", count=formatting.count(value.number)),
            ),
            rx.cond(value.waiting > 1, rx.fragment(" · ", others)),
            class_name="strong number",
        ),
    )
