"""The waiting room. A cold page: whoever waits costs one small request now and then."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import controls, feed, line, live, shell, surfaces, text
from surge_app.components.choice import switch
from surge_app.components.controls import button, button_link

# From here on the number needs a smaller face to fit a narrow phone.
_WIDE = 9999


def page() -> rx.Component:
    """Build the page."""
    source, value = feed.queue()
    return shell.page(
        source,
        rx.el.p(value.said, class_name="sr-only", aria_live="polite", role="status"),
        switch(
            value.phase,
            ("loading", _loading()),
            ("waiting", _waiting(value)),
            ("paused", _paused(value)),
            ("admitted", _admitted(value)),
            ("scheduled", _scheduled(value)),
            ("sold_out", _sold_out(value)),
            ("ended", _over("The sale is over", "There is nothing to wait for any more.")),
            ("left", _left()),
            ("missing", _over("There is no such event", "The address may be mistyped.")),
            ("challenge", _challenge()),
            ("crowded", _crowded(value)),
            _unreachable(value),
        ),
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "8.5rem"),
        surfaces.skeleton("36px", "80%"),
        surfaces.waiting_card("22px", "var(--hero)", "28px", "22px"),
        surfaces.skeleton("84px"),
        surfaces.waiting_card("28px", "96px"),
    )


def _title(value: Any) -> rx.Component:
    event = value.event
    return rx.el.div(
        controls.chip("Waiting room", plain=True),
        rx.cond(
            value.known,
            rx.fragment(
                rx.el.h1(event.name),
                rx.el.p(
                    text.when(event.starts_at, event.time_zone),
                    " · ",
                    event.venue,
                    class_name="muted",
                ),
            ),
            rx.fragment(surfaces.skeleton("32px", "80%"), surfaces.skeleton("24px", "70%")),
        ),
        class_name="stack",
    )


def _notes(value: Any) -> rx.Component:
    return rx.fragment(
        rx.cond(
            value.offline,
            surfaces.notice(
                "Your place is safe. We keep trying.", tone="warn", title="Connection lost."
            ),
            rx.cond(
                value.problem != "", surfaces.notice(value.problem, tone="warn"), rx.fragment()
            ),
        ),
        rx.cond(
            value.message != "",
            surfaces.notice(value.message, title="From the organizer"),
            rx.fragment(),
        ),
    )


def _waiting(value: Any) -> rx.Component:
    return rx.fragment(
        _title(value),
        _notes(value),
        _place(value),
        surfaces.facts(
            ("About", rx.cond(value.eta != "", value.eta, "\u2013")),
            ("Seats free", text.count(value.available)),
            ("On hold", text.count(value.held)),
        ),
        surfaces.card(
            rx.el.h2("Nothing to do but wait"),
            rx.el.p(
                "We call people strictly in the order they arrived, and only while a seat can "
                "still be had. Refreshing does not move you, and closing this tab for a moment "
                "does not lose your place.",
                class_name="muted",
            ),
        ),
        _leave(),
        _footnote(value),
    )


def _place(value: Any) -> rx.Component:
    """Draw the position: the largest thing on the page."""
    return surfaces.card(
        rx.el.p("Your place in line", class_name="muted"),
        rx.el.p(
            # A new key is a new element, so each new number rolls in; the box stays.
            rx.el.span(text.count(value.position), class_name="rolled", key=value.position),
            class_name=rx.cond(value.position > _WIDE, "hero long", "hero"),
        ),
        line.way(value.progress),
        rx.el.p(
            rx.el.span("You joined at ", text.count(value.joined_at)),
            rx.el.span("The door"),
            class_name="ends number",
        ),
        rx.el.p(
            rx.cond(
                value.ahead > 0,
                text.counted(value.ahead, "person goes before you", "people go before you"),
                "You are next",
            ),
            class_name="sr-only",
        ),
    )


def _footnote(value: Any) -> rx.Component:
    return rx.el.p(
        "Updated ",
        live.ago(value.at),
        " · number ",
        text.count(value.number),
        class_name="muted small center number",
    )


def _leave() -> rx.Component:
    return button("Leave the line", kind="quiet", full=True, on_click=feed.tell("leave"))


def _paused(value: Any) -> rx.Component:
    return rx.fragment(
        _title(value),
        _notes(value),
        surfaces.card(
            rx.el.p("The line is paused", class_name="hero words"),
            rx.el.p(
                "The organizer has stopped letting people in for now. Nobody moves, and your "
                "place is kept.",
                class_name="muted",
            ),
            rx.cond(
                value.position > 0,
                rx.el.p("Your place: ", text.count(value.position), class_name="strong number"),
                rx.fragment(),
            ),
        ),
        _leave(),
        rx.cond(value.number > 0, _footnote(value), rx.fragment()),
    )


def _admitted(value: Any) -> rx.Component:
    return rx.fragment(
        _title(value),
        surfaces.card(
            rx.el.p("It is your turn", class_name="hero words"),
            line.way(rx.Var.create(94)),
            rx.el.p("Taking you to the tickets.", class_name="muted"),
        ),
    )


def _scheduled(value: Any) -> rx.Component:
    event = value.event
    return rx.fragment(
        _title(value),
        _notes(value),
        surfaces.card(
            rx.el.p("The sale opens in", class_name="muted"),
            rx.cond(
                event.opens_in_seconds > 0,
                rx.el.p(
                    live.countdown(event.opens_in_seconds, on_end=feed.tell("opened")),
                    class_name="hero long",
                ),
                rx.el.p("A moment", class_name="hero words"),
            ),
            rx.cond(
                value.number > 0,
                rx.el.p(
                    "Your place is taken: ", text.count(value.position), class_name="strong number"
                ),
                rx.fragment(),
            ),
            rx.el.p("Keep this page open. It takes you in by itself.", class_name="muted"),
        ),
        _leave(),
    )


def _sold_out(value: Any) -> rx.Component:
    return rx.fragment(
        _title(value),
        surfaces.state(
            "All tickets are sold",
            "Tickets can still come back when a payment fails. They appear on the event's page.",
            action=button_link("See other events", href="/events", kind="primary"),
            at=70,
        ),
    )


def _over(title: str, sentence: str) -> rx.Component:
    return surfaces.state(
        title, sentence, action=button_link("All events", href="/events", kind="primary"), at=4
    )


def _left() -> rx.Component:
    return surfaces.state(
        "You left the line",
        "Your place went to the others. You can join again at the end.",
        action=rx.el.div(
            button("Join again", kind="primary", on_click=feed.tell("join")),
            button_link("All events", href="/events"),
            class_name="row",
        ),
        at=4,
    )


def _challenge() -> rx.Component:
    return surfaces.state(
        "One check before you join",
        "Very many requests come from your network right now. Wait a moment, then try again.",
        action=button("Try again", kind="primary", on_click=feed.tell("join")),
        at=4,
    )


def _crowded(value: Any) -> rx.Component:
    return surfaces.state(
        "One moment, please",
        rx.cond(
            value.problem != "",
            value.problem,
            "Very many people arrive at once. You join the line by yourself in a few seconds.",
        ),
        at=4,
    )


def _unreachable(value: Any) -> rx.Component:
    return surfaces.state(
        rx.cond(value.problem != "", "One moment, please", "Connection lost"),
        rx.cond(
            value.problem != "",
            value.problem,
            "If you were in line, your place is safe. This page tries again by itself.",
        ),
        action=button("Try now", on_click=feed.tell("retry")),
        at=20,
    )
