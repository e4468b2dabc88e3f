"""The payment modal of the gateway."""

from __future__ import annotations

from typing import Any

import reflex as rx

from surge_app.components.scripts.javascript import component

_PaymentModal = component(
    "razorpay_checkout",
    "PaymentModal",
    checkout=Any,
    attempt=int,
    on_closed=rx.EventHandler[rx.event.passthrough_event_spec(str)],
)


def payment_modal(checkout: Any, attempt: rx.Var[int] | int, on_closed: Any) -> rx.Component:
    """Open the payment modal once each time `attempt` grows.

    Args:
        attempt: A counter; its first value opens nothing.
        on_closed: Gets "dismissed", "failed", "late" or "error". It comes from the browser: it
            means "go and look", never "paid" and never "not paid".
    """
    return _PaymentModal.create(checkout=checkout, attempt=attempt, on_closed=on_closed)
