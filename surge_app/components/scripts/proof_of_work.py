"""The field that only scripts fill in, for pages that join a queue; see `proof_of_work.js`."""

from __future__ import annotations

import reflex as rx

LIBRARY = "altcha@3.2.2"
"""The solver of the check before joining; its worker is served from our own host."""


def honeypot() -> rx.Component:
    """Create a hidden field that only scripts fill in."""
    return rx.el.div(
        rx.el.label("Website", html_for="surge-website"),
        rx.el.input(
            id="surge-website", name="website", type="text", tab_index=-1, auto_complete="off"
        ),
        aria_hidden=True,
        style={
            "position": "absolute",
            "insetInlineStart": "-10000px",
            "width": "1px",
            "height": "1px",
            "overflow": "hidden",
        },
    )
