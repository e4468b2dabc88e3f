"""The check-in of an event, with everything it stores while there is no network."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import component

_TicketScanner = component("ticket_scanner", "TicketScanner", packages=["jsqr@1.4.0"], slug=str)


def scanner(slug: Any) -> rx.Component:
    """Create the scanner for the tickets of an event."""
    return _TicketScanner.create(slug=slug)
