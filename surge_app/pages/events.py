"""Every event on sale. A cold page: no live connection."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import connection, formatting, layout, polling, shell, status
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
            rx.el.div(
                status.chip(event),
                rx.el.h2(event.name, **language(event.name)),
                rx.el.p(
                    formatting.event_time(event.starts_at, event.time_zone),
                    _here(event),
                    class_name="muted",
                ),
                rx.el.p(event.venue, class_name="muted", **language(event.venue)),
                class_name="stack tight",
            ),
            _offer(event),
            href=f"/events/{event.slug}",
            class_name="card event",
        )
    )


def _here(event: EventJson) -> rx.Component:
    here = formatting.local_time(event.starts_at, event.time_zone)
    return rx.cond(here != "", rx.fragment(" · ", here, " where you are"), rx.fragment())


def _offer(event: EventJson) -> rx.Component:
    """Say what matters next: the price, or when the sale opens, or that nothing is left."""
    price = rx.el.p(formatting.prices(event.from_paise, event.to_paise), class_name="price")
    return match(
        event.status,
        (
            "scheduled",
            rx.el.div(
                price,
                rx.cond(
                    event.opens_in_seconds > 0,
                    rx.el.p(
                        "Opens in ", formatting.duration(event.opens_in_seconds), class_name="muted"
                    ),
                    rx.fragment(),
                ),
                class_name="row apart offer",
            ),
        ),
        ("sold_out", "ended", "cancelled", rx.fragment()),
        price,
    )


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
