"""The states of the checkout in which nothing can be chosen or paid."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components import layout
from surge_app.components.controls import button_link
from surge_app.components.text import gettext as _
from surge_app.pages.shared import sale_title
from surge_app.state.checkout import CheckoutState


def other_events() -> rx.Component:
    """Lead to the list of events."""
    return button_link(_("See other events"), href="/events", full=True)


def refunding() -> rx.Component:
    """Say that the payment is on its way back."""
    return rx.fragment(
        sale_title(CheckoutState.sale),
        layout.card(
            rx.el.p(_("We're refunding your payment"), class_name="hero words", role="status"),
            rx.el.p(
                _(
                    "Your payment came in, but we couldn't give you the tickets. We're sorry. You "
                    "get all of it back; banks take up to 7 working days. Your email has the "
                    "details."
                ),
                class_name="muted",
            ),
        ),
        other_events(),
    )


def closed() -> rx.Component:
    """Say that the sale is not open."""
    reason = _("The sale for this event is not open.")
    return _over(
        _("Tickets aren't on sale right now"),
        rx.cond(CheckoutState.notice != "", CheckoutState.notice, reason),
    )


def missing() -> rx.Component:
    """Say that the address names no event."""
    text = _("Check the web address, or choose from all events.")
    return _over(_("We couldn't find this event"), text)


def _over(title: Any, text: Any) -> rx.Component:
    others = button_link(_("All events"), href="/events", kind="primary")
    return layout.state(title, text, action=others, at=4)
