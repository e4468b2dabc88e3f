"""The way to give held tickets back, which asks first."""

from __future__ import annotations

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import button, text_button
from surge_app.components.text import gettext as _
from surge_app.state.checkout import CheckoutState


def question() -> rx.Component:
    """Offer to give the tickets back, away from Pay, and ask before it is done."""
    return rx.cond(
        CheckoutState.asks_release,
        layout.notice(
            _("Release your tickets? Other people can buy them at once."),
            tone="warn",
            action=rx.fragment(
                button(_("Release tickets"), on_click=CheckoutState.release),
                text_button(_("Keep tickets"), on_click=CheckoutState.keep_tickets),
            ),
        ),
        # In a paragraph it is as wide as its words.
        rx.el.p(
            text_button(_("Cancel and release tickets"), on_click=CheckoutState.ask_release),
            class_name="center",
        ),
    )
