"""Check-in: a camera, a list to search, and a result one can read at arm's length."""

from __future__ import annotations

import reflex as rx

from surge_app.components import admin_layout, layout, timers
from surge_app.components.match import switch
from surge_app.components.ticket_scanner import scanner
from surge_app.state.admin.check_in import DoorState


def page() -> rx.Component:
    """Build the page; scans go to the API, so they go on without a live connection."""
    return admin_layout.frame(
        timers.settled(
            _loading(),
            switch(
                DoorState.phase,
                ("loading", _loading()),
                ("ready", _door()),
                ("missing", admin_layout.missing("event")),
                admin_layout.signed_out(),
            ),
        ),
        current="door",
        slug=DoorState.slug,
        is_organizer=DoorState.is_organizer,
    )


def _loading() -> rx.Component:
    return layout.loading(layout.skeleton("36px", "14rem"), layout.waiting_card("52px", "280px"))


def _door() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.h1("Check-in"),
            rx.el.p(f"{DoorState.name} · {DoorState.where_when}", class_name="muted small"),
            class_name="stack tight",
        ),
        scanner(DoorState.slug),
    )
