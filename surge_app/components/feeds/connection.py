"""The parts of a live page without its connection, and the ways back to a hold."""

from __future__ import annotations

from typing import Any

import reflex as rx
from reflex_components_core.core.banner import connect_errors

from surge_app.components import layout
from surge_app.components.controls import button_link
from surge_app.components.scripts.javascript import component
from surge_app.components.text import gettext as _

_RequireConnection = component("connection", "RequireConnection", errors=list[object], answer=str)


_OfflineNotice = component("connection", "OfflineNotice", errors=list[object])


_HoldRecord = component(
    "held_tickets", "HoldRecord", slug=str, name=str, tickets=str, seconds=int, stamp=int
)


_HeldTickets = component("held_tickets", "HeldTickets", slug=str)


_HeldTurn = component("held_tickets", "HeldTurn")


_TicketFile = component("held_tickets", "TicketFile")


def require_connection(*children: Any, answer: Any) -> rx.Component:
    """Refuse presses inside while there is no connection, and show at once that one was taken.

    Args:
        *children: The content.
        answer: Changes with each answer of the server.
    """
    return _RequireConnection.create(*children, errors=connect_errors, answer=answer)


def guarded(*children: Any) -> rx.Component:
    """Refuse presses inside while there is no connection, and say so where one is looking.

    The live connection would keep them, and act on its return when no one expects it any more.
    """
    refused = layout.notice(
        _("Nothing was sent or changed. Press again once you're back online."),
        tone="bad",
        title=_("No connection."),
    )
    in_view = rx.el.div(refused, class_name="flash")
    notice = _OfflineNotice.create(rx.fragment(), in_view, errors=connect_errors)
    return _RequireConnection.create(*children, notice, errors=connect_errors)


def offline_notice(safe: Any) -> rx.Component:
    """Create the notice beside a button that nothing is sent without a connection.

    Args:
        safe: What stays as it is meanwhile.
    """
    title = _("No connection.")
    return _OfflineNotice.create(
        layout.notice(
            _("{safe} The page goes on once you're back online.", safe=safe),
            tone="warn",
            title=title,
        ),
        layout.notice(
            _("Nothing was sent. {safe} Press again once you're back online.", safe=safe),
            tone="bad",
            title=title,
        ),
        errors=connect_errors,
    )


def hold_record(slug: Any, name: Any, tickets: Any, seconds: Any, stamp: Any) -> rx.Component:
    """Store this browser's hold for its other pages; zero seconds remove it."""
    return _HoldRecord.create(slug=slug, name=name, tickets=tickets, seconds=seconds, stamp=stamp)


def held_tickets(slug: Any = "") -> rx.Component:
    """Show what this browser holds, of one event or of all, with its clock and the way back."""
    return _HeldTickets.create(slug=slug)


def blocked(*more: rx.Component) -> rx.Component:
    """Create the page shown where no live connection comes about."""
    return layout.state(
        _("This page can't connect"),
        _(
            "Your network or browser blocks the live connection that this page needs. Turn off a "
            "VPN or an ad blocker, or switch to another network such as mobile data. The page "
            "goes on automatically as soon as it can connect."
        ),
        action=rx.fragment(*more, button_link(_("Load again"), href="", kind="primary")),
        at=20,
    )


def blocked_checkout() -> rx.Component:
    """Create that page for a visitor whose turn it is."""
    return blocked(_HeldTurn.create())


def blocked_booking() -> rx.Component:
    """Create that page for the holder of a booking, who gets the tickets without it."""
    return blocked(_TicketFile.create())
