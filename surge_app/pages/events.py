"""Every event on sale. A cold page: no live connection."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import connection, formatting, layout, polling, shell, status, timers
from surge_app.components.controls import button
from surge_app.components.feed_types import EventJson
from surge_app.components.match import match
from surge_app.components.prose import language
from surge_app.components.scripts import prerendered


def page() -> rx.Component:
    """Build the page."""
    feed, value = polling.events()
    return feed(
        shell.page(
            rx.cond(value.phase == "loading", rx.fragment(), prerendered.prerendered_handoff()),
            match(
                value.phase,
                ("loading", _loading()),
                ("ready", _ready(value)),
                _unreachable(value),
            ),
            width="wide",
        )
    )


def _loading() -> rx.Component:
    return layout.loading(
        layout.skeleton("36px", "9rem"),
        rx.el.div(
            *(_waiting() for _ in range(4)),
            class_name="events",
        ),
    )


def _waiting() -> rx.Component:
    return layout.card(
        rx.el.span(class_name="skeleton cover", aria_hidden=True),
        *(layout.skeleton(height) for height in ("112px", "28px")),
        extra="event",
    )


def _ready(value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.h1("Events"),
        status.offline(value.offline),
        connection.held_tickets(),
        rx.cond(
            value.events.length() > 0,
            rx.el.ul(rx.foreach(value.events, _event), class_name="events"),
            layout.state(
                "Nothing is on sale yet",
                "New events appear here automatically.",
                at=4,
            ),
        ),
        class_name="stack loose",
    )


def _event(event: EventJson) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            layout.cover(event.cover),
            _day(event),
            rx.el.div(
                status.difference(event),
                rx.el.h2(event.name, **language(event.name)),
                rx.el.p(
                    formatting.event_time(event.starts_at, event.time_zone),
                    _here(event),
                    class_name="muted",
                ),
                rx.el.p(event.venue, class_name="muted", **language(event.venue)),
                rx.cond(event.is_next, _opening(event), rx.fragment()),
                class_name="stack tight",
            ),
            match(
                event.status,
                ("sold_out", "ended", "cancelled", rx.fragment()),
                rx.el.p(formatting.prices(event.from_paise, event.to_paise), class_name="price"),
            ),
            href=f"/events/{event.slug}",
            class_name="card event",
        ),
        class_name=rx.cond(event.is_next, "next", ""),
        key=event.slug,
    )


def _day(event: EventJson) -> rx.Component:
    """Show the day as a leaf of a calendar; the whole date is read beside it."""
    return rx.el.p(
        rx.el.span(formatting.day(event.starts_at, event.time_zone)),
        rx.el.span(formatting.month(event.starts_at, event.time_zone)),
        class_name="day",
        aria_hidden=True,
    )


def _opening(event: EventJson) -> rx.Component:
    return rx.el.p(
        timers.countdown(
            event.opens_in_seconds, label="The sale opens in", on_end=polling.dispatch("retry")
        ),
        class_name="strong",
    )


def _here(event: EventJson) -> rx.Component:
    here = formatting.local_time(event.starts_at, event.time_zone)
    return rx.cond(here != "", rx.fragment(" · ", here, " where you are"), rx.fragment())


def _unreachable(value: Any) -> rx.Component:
    return layout.state(
        "The events cannot be shown right now",
        rx.cond(
            value.problem != "",
            value.problem,
            "There is no connection. This page tries again automatically.",
        ),
        action=button("Try now", on_click=polling.dispatch("retry")),
    )
