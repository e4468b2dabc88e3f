"""The status of a sale and of the connection."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_components_core.core.banner import has_connection_errors

from surge_app.components import controls, formatting, layout
from surge_app.components.feeds import polling
from surge_app.components.match import match
from surge_app.components.text import gettext as _


def chip(event: Any) -> rx.Component:
    """Create the status chip of an event of the JSON API."""
    return _chip(
        event,
        on_sale=rx.cond(
            event.few_left,
            controls.chip(_("Few left"), tone="warn"),
            controls.chip(_("On sale"), tone="good"),
        ),
        scheduled=controls.chip(_("Opens soon")),
    )


def difference(event: Any) -> rx.Component:
    """Create the chip of an event in a list: what sets it apart, so none where it is on sale."""
    return _chip(
        event,
        on_sale=rx.cond(
            event.few_left,
            controls.chip(_("{count} left", count=formatting.count(event.available)), tone="warn"),
        ),
        scheduled=controls.chip(
            rx.cond(
                event.opens_in_seconds > 0,
                _("Opens in {duration}", duration=formatting.duration(event.opens_in_seconds)),
                _("Opens soon"),
            )
        ),
    )


def _chip(event: Any, *, on_sale: rx.Component, scheduled: rx.Component) -> rx.Component:
    return match(
        event.status,
        ("on_sale", on_sale),
        ("scheduled", scheduled),
        ("paused", controls.chip(_("Paused"), tone="warn")),
        ("all_held", controls.chip(_("All in checkouts"), tone="warn")),
        ("sold_out", controls.chip(_("Sold out"), tone="off")),
        ("cancelled", controls.chip(_("Cancelled"), tone="off")),
        controls.chip(_("Ended"), tone="off"),
    )


def offline(is_offline: Any) -> rx.Component:
    """Create the notice that the data shown may be old."""
    return rx.cond(
        is_offline,
        layout.notice(
            _("What you see may be a little old. We keep trying."),
            tone="warn",
            title=_("Connection lost."),
        ),
    )


def unreachable(title: Any, problem: Any) -> rx.Component:
    """Create the state of a page whose first answer has not come.

    Args:
        problem: The server's sentence; empty without a connection.
    """
    return layout.state(
        title,
        rx.cond(
            problem != "",
            problem,
            _("There is no connection. This page tries again automatically."),
        ),
        action=controls.button(_("Try now"), on_click=polling.dispatch("retry")),
    )


def disconnected() -> rx.Component:
    """Create the notice that a live page has lost its connection and reconnects."""
    return rx.cond(
        has_connection_errors,
        layout.notice(
            _("What you hold stays yours. We are connecting again."),
            tone="warn",
            title=_("Connection lost."),
        ),
    )
