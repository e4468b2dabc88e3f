"""Payments and refunds as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from surge_app.services.checkout.views import Contact


@dataclass(frozen=True, slots=True)
class CheckoutView:
    """The parameters of the payment modal; a repeat returns the same order.

    Attributes:
        order_id: None if there is nothing to pay.
        timeout_seconds: When the modal closes, a little before the hold ends.
        booking_ref: Set if there is nothing to pay: the tickets are free, or paid already.
    """

    key_id: str
    order_id: str | None
    amount_paise: int
    currency: str
    name: str
    description: str
    prefill: Contact
    timeout_seconds: int
    script_url: str
    booking_ref: str | None = None


@dataclass(frozen=True, slots=True)
class PaymentOutcome:
    """The state of a payment after its settlement.

    Attributes:
        booking_ref: Set when the payment was applied to a booking.
        status: confirmed, checking (not captured yet), unpaid, unmatched or refunding.
        is_discount_due: It is below the order's total: ask the gateway for a discount.
        is_capture_due: It is authorized, its tickets are held, and it waits to be captured.
    """

    booking_ref: str | None
    status: str
    is_capture_due: bool = False
    is_discount_due: bool = False


@dataclass(frozen=True, slots=True)
class RefundedView:
    """The result of an organizer's refund.

    Attributes:
        status: Of the booking: confirmed while tickets stay valid, else refunding or refunded.
        amount_paise: What goes back; 0 if only free tickets became void.
        tickets: The numbers of the tickets that became void.
    """

    booking_ref: str
    status: str
    amount_paise: int
    tickets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StuckRefundView:
    """A refund that is not retried automatically; `status` is requested or failed.

    Attributes:
        by_hand: It was paid at the box office, and waits to be handed back.
        booking_ref: None if the payment never bought anything.
        last_error: What the gateway said last.
    """

    id: str
    booking_ref: str | None
    payment_id: str
    amount_paise: int
    reason: str
    status: str
    attempts: int
    last_error: str | None
    by_hand: bool
    created_at: datetime
