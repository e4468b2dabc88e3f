"""Every event on sale. A cold page: no live connection."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import feed, shell, status, surfaces, text
from surge_app.components.choice import switch
from surge_app.components.controls import button
from surge_app.components.shapes import EventJson


def page() -> rx.Component:
    """Build the page."""
    source, value = feed.events()
    return shell.page(
        source,
        switch(
            value.phase,
            ("loading", _loading()),
            ("ready", _ready(value)),
            _unreachable(value),
        ),
        wide=True,
    )


def _loading() -> rx.Component:
    return surfaces.loading(
        surfaces.skeleton("36px", "9rem"),
        rx.el.div(
            *(surfaces.waiting_card("26px", "22px", "40px", "28px") for _ in range(4)),
            class_name="events",
        ),
    )


def _ready(value: Any) -> rx.Component:
    return rx.el.div(
        rx.el.h1("Events"),
        status.offline(value.offline),
        rx.cond(
            value.events.length() > 0,
            rx.el.ul(rx.foreach(value.events, _event), class_name="events"),
            surfaces.state(
                "Nothing is on sale yet",
                "New events appear here by themselves.",
                at=4,
            ),
        ),
        class_name="stack loose",
    )


def _event(event: EventJson) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            rx.el.div(status.chip(event.status), class_name="row apart"),
            rx.el.div(
                rx.el.h2(event.name),
                rx.el.p(text.when(event.starts_at, event.time_zone), class_name="muted"),
                rx.el.p(event.venue, class_name="muted"),
                class_name="stack tight",
            ),
            rx.el.p(
                rx.cond(event.from_paise > 0, "from ", ""),
                text.price(event.from_paise),
                class_name="price",
            ),
            href=f"/events/{event.slug}",
            class_name="card event",
        )
    )


def _unreachable(value: Any) -> rx.Component:
    return surfaces.state(
        "The events cannot be shown right now",
        rx.cond(
            value.problem != "",
            value.problem,
            "There is no connection. This page tries again by itself.",
        ),
        action=button("Try now", on_click=feed.tell("retry")),
    )
