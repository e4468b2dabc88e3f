"""The check-in of an event, with everything it stores while there is no network."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import module


class _TicketScanner(rx.Component):
    library = module("ticket_scanner")
    # For browsers that read no codes themselves.
    lib_dependencies: list[str] = ["jsqr@1.4.0"]  # noqa: RUF012 - a field, as Reflex declares it
    tag = "TicketScanner"

    slug: rx.Var[str]


def scanner(slug: Any) -> rx.Component:
    """Create the scanner for the tickets of an event."""
    return _TicketScanner.create(slug=slug)
