"""Check-in: a camera, a list to search, and a result one can read at arm's length."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout
from surge_app.components.feeds import connection
from surge_app.components.frame import admin_layout, navigation
from surge_app.components.match import match
from surge_app.components.scripts.ticket_scanner import scanner
from surge_app.components.text import gettext as _
from surge_app.pages.admin.shared import heading
from surge_app.state.admin.entrance.check_in import CheckInState


def page() -> rx.Component:
    """Build the page; scans go to the API, so they go on without a live connection."""
    return admin_layout.frame(
        navigation.when_settled(
            _loading(),
            match(
                CheckInState.phase,
                ("loading", _loading()),
                ("ready", _check_in()),
                ("missing", admin_layout.missing(_("There is no such event"))),
                admin_layout.signed_out(),
            ),
            blocked=connection.blocked(),
        ),
        current="check_in",
        attention=CheckInState.attention,
        slug=CheckInState.slug,
        is_organizer=CheckInState.is_organizer,
    )


def _loading() -> rx.Component:
    return layout.loading(layout.skeleton("36px", "14rem"), layout.skeleton_card("52px", "280px"))


def _check_in() -> rx.Component:
    return rx.fragment(
        heading(_("Check-in"), f"{CheckInState.name} · {CheckInState.where_when}"),
        rx.cond(CheckInState.warning != "", layout.notice(CheckInState.warning, tone="warn")),
        scanner(CheckInState.slug),
    )
