"""Parts of the waiting room's page around the position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import reflex as rx

from surge_app.components import controls, formatting, layout
from surge_app.components.controls import button
from surge_app.components.feeds import polling, timers
from surge_app.components.match import match
from surge_app.components.prose import language
from surge_app.components.scripts.device_move import device_move
from surge_app.components.text import gettext as _, ngettext
from surge_app.pages.event import left, tickets, whole_price

# How the drawn order can be computed again; the fingerprint alone is checked by this.
_CHECK = "printf %s SEED | sha256sum"


def room(value: Any, *story: Any, more: Sequence[Any] = ()) -> rx.Component:
    """Lay out the waiting room: the position, and beside it the event that one waits for."""
    return layout.split(title(value), notes(value), *story, side=(_event(value),), more=more)


def _event(value: Any) -> rx.Component:
    event = value.event
    return rx.cond(
        value.known,
        layout.card(
            # On a phone it is not shown, and `lazy` keeps it from being loaded there.
            layout.cover(event.cover, loading="lazy"),
            tickets(
                event, lambda tier: rx.el.p(left(tier, event), class_name="muted small number")
            ),
            rx.cond(event.costs, rx.el.p(whole_price(event), class_name="muted small")),
            rx.el.p(
                _(
                    "Have your email and mobile number ready. We'll hold your tickets while you "
                    "pay."
                ),
                class_name="muted small",
            ),
        ),
        layout.skeleton_card("28px", "64px", "64px"),
    )


def title(value: Any) -> rx.Component:
    """Show the event's status, name, time and venue."""
    event = value.event
    return rx.el.div(
        controls.chip(_("Waiting room"), plain=True),
        rx.cond(
            value.known,
            rx.fragment(
                rx.el.h1(event.name, **language(event.name)),
                rx.el.p(
                    formatting.event_time(event.starts_at, event.time_zone),
                    " · ",
                    event.venue,
                    class_name="muted",
                ),
            ),
            rx.fragment(
                rx.el.h1(_("Waiting room"), class_name="sr-only"),
                layout.skeleton("32px", "80%"),
                layout.skeleton("24px", "70%"),
            ),
        ),
        class_name="stack",
    )


def notes(value: Any) -> rx.Component:
    """Say what is wrong, why something changed, and what the organizer has to say."""
    # These have places of their own: beside the estimate, and where it says what comes next.
    explained = (value.note == "slower") | (value.note == "all_held") | (value.note == "full")
    return rx.fragment(
        rx.cond(
            value.offline,
            layout.notice(
                _("We keep trying to reconnect. What you see may be out of date."),
                tone="warn",
                title=_("Connection lost. Your place is safe."),
                action=controls.text_button(_("Try now"), on_click=polling.dispatch("retry")),
            ),
            rx.cond(value.problem != "", layout.notice(value.problem, tone="warn")),
        ),
        rx.cond(
            (value.note_text != "") & ~explained,
            rx.cond(
                value.note == "recalled",
                layout.notice(value.note_text, tone="good", title=_("Welcome back.")),
                layout.notice(value.note_text),
            ),
        ),
        rx.cond(value.message != "", layout.notice(value.message, title=_("From the organizer"))),
    )


def facts(value: Any) -> rx.Component:
    """Lay out the estimate, with the reason when it grew, and what is left."""
    return rx.el.div(
        layout.facts(
            (_("Estimated wait"), rx.cond(value.eta != "", value.eta, "\u2013")),
            (_("Tickets left"), formatting.count(value.available)),
            (_("In checkouts"), formatting.count(value.held)),
        ),
        rx.cond(
            value.eta_note != "",
            rx.el.p(value.eta_note, class_name="small reason", role="status"),
            rx.cond(
                value.eta == "",
                rx.el.p(
                    _("We'll show an estimate once the queue has moved for a minute."),
                    class_name="small muted reason",
                ),
            ),
        ),
        rx.cond(value.odds != "", rx.el.p(value.odds, class_name="small reason")),
        class_name=rx.cond(is_old(value), "stack tight stale", "stack tight"),
    )


def is_old(value: Any) -> Any:
    """Return whether what is shown may no longer be so."""
    return value.offline | value.stale


def sheet(value: Any, *children: Any) -> rx.Component:
    """Create a card that steps back when what it shows is old."""
    return rx.el.section(*children, class_name=rx.cond(is_old(value), "card stale", "card"))


def tell_me(value: Any) -> rx.Component:
    """Offer to announce the turn; the browser is asked for leave on the press alone."""
    is_on = value.tell != "off"
    return rx.el.div(
        rx.el.button(
            rx.el.span(_("Notify me when it's my turn")),
            rx.el.span(class_name="knob", aria_hidden=True),
            type="button",
            role="switch",
            aria_checked=rx.cond(is_on, "true", "false"),
            class_name="tell",
            on_click=polling.dispatch("tell"),
        ),
        rx.el.p(
            match(
                value.tell,
                (
                    "on",
                    rx.fragment(_("We'll play a sound and notify you, so you can switch apps.")),
                ),
                (
                    "sound",
                    rx.fragment(
                        _("We'll play a sound. Your browser blocks notifications from this page.")
                    ),
                ),
                rx.fragment(_("We'll play a sound and notify you, so you can switch apps.")),
            ),
            class_name="muted small",
            aria_live="polite",
        ),
        class_name="stack tight",
    )


def rule(value: Any) -> rx.Component:
    """Write down the rule in force, and how a drawn order is checked."""
    is_random = value.rule == "random"
    return rx.el.div(
        rx.el.h2(rx.cond(is_random, _("The order is drawn once"), _("First come, first served"))),
        rx.el.p(
            rx.cond(
                is_random,
                rx.cond(
                    value.early > 0,
                    ngettext(
                        "The {count} person who came before the sale opened got a random place. "
                        "People who joined later queue behind, first come, first served.",
                        "The {count} people who came before the sale opened got a random place. "
                        "People who joined later queue behind, first come, first served.",
                        value.early,
                    ),
                    _(
                        "Everyone here before the sale opens gets a random place, so coming "
                        "earlier is no advantage. People who join later queue behind, first come, "
                        "first served."
                    ),
                ),
                _("Everyone is let in in the order they joined, as long as tickets are left."),
            ),
            class_name="muted",
        ),
        rx.cond(is_random, _proof(value)),
        class_name="stack tight",
    )


def _proof(value: Any) -> rx.Component:
    return layout.disclosure(
        _("How to check the draw"),
        rx.el.dl(
            rx.el.dt(_("Fingerprint, published before the opening")),
            rx.el.dd(value.commitment, class_name="code"),
            rx.cond(
                value.seed != "",
                rx.fragment(
                    rx.el.dt(_("Seed, published after it")),
                    rx.el.dd(value.seed, class_name="code"),
                ),
            ),
            class_name="proof",
        ),
        rx.el.p(
            rx.cond(
                value.seed != "",
                _(
                    "The fingerprint is the SHA-256 of the seed, so the seed was fixed before the "
                    "draw. Compute it yourself:"
                ),
                _(
                    "The seed behind it is fixed already and is published at the opening. Note the "
                    "fingerprint; then you can check that the seed was not exchanged:"
                ),
            ),
            " ",
            rx.el.span(_CHECK, class_name="code"),
            class_name="muted small",
        ),
        rx.cond(
            value.early > 0,
            rx.el.p(
                _(
                    "Numbers 1 to {last} are in the order of the SHA-256 of the seed, a colon and "
                    "the number. Your queue number is {own}.",
                    last=formatting.count(value.early),
                    own=formatting.count(value.number),
                ),
                class_name="muted small",
            ),
        ),
    )


def queue_rules(value: Any) -> rx.Component:
    """Say that the position is kept without any action."""
    return rx.el.p(
        rx.cond(
            value.rule == "random",
            _("Your place is safe if you refresh or come back later."),
            _("Your place is safe if you refresh, use another tab or come back later."),
        ),
        " ",
        _(
            "If you miss your turn we let others go ahead; come back within 10 minutes and you're "
            "next."
        ),
        class_name="muted",
    )


def other_device(value: Any) -> rx.Component:
    """Offer to continue on another device."""
    return rx.cond(value.known & (value.number > 0), device_move(value.event.slug))


def leave(value: Any) -> rx.Component:
    """Offer to leave the queue; the button opens a question first."""
    return rx.el.div(
        button(
            rx.cond(value.asking, _("Stay in the queue"), _("Leave the queue")),
            kind="quiet",
            full=True,
            aria_expanded=rx.cond(value.asking, "true", "false"),
            on_click=polling.dispatch("ask"),
        ),
        rx.cond(
            value.asking,
            rx.el.div(
                rx.el.p(
                    _(
                        "Your place goes to the next person. If you join again, you start at the "
                        "end."
                    ),
                    role="status",
                ),
                button(
                    rx.cond(value.leaving, _("One moment"), _("Yes, give up my place")),
                    full=True,
                    disabled=value.leaving,
                    on_click=polling.dispatch("leave"),
                ),
                class_name="stack question",
            ),
        ),
        class_name="stack",
    )


def footnote(value: Any) -> rx.Component:
    """Say how fresh this is, and the numbers behind it."""
    return rx.el.p(
        _("Updated"),
        " ",
        timers.relative_time(value.at),
        rx.cond(
            # A drawn order shows it where it can be checked: beside the position it would confuse.
            (value.number > 0) & (value.rule != "random"),
            rx.fragment(
                " · ",
                _("your queue number is {count}", count=formatting.count(value.number)),
            ),
        ),
        rx.cond(
            value.known & (value.number > 0),
            rx.fragment(
                rx.el.br(),
                controls.link(
                    _("Save a receipt of your number"),
                    href=f"/api/queue/{value.event.slug}/receipt",
                    class_name="link",
                    on_click=polling.dispatch("receipt"),
                ),
                " · ",
                controls.verify_link(value.event.slug),
            ),
        ),
        class_name="muted small center number",
    )
