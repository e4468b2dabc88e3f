"""Decide what becomes of a payment, as a pure function.

The status of a payment only moves forward, whatever order the gateway's news come in. What
becomes of its money is decided once, apart from the status of its intent.
"""

from __future__ import annotations

from enum import StrEnum

from surge_app.db.payments.settlement import SettlementContext
from surge_app.models import (
    LIVE_INTENT_STATUSES,
    BookingStatus,
    EventPhase,
    IntentStatus,
    Payment,
    PaymentStatus,
)
from surge_app.models.base import create_row
from surge_app.services.payments.views import PaymentOutcome
from surge_app.services.vendors.ports import GatewayPayment

_RANKS = {
    PaymentStatus.CREATED: 0,
    PaymentStatus.FAILED: 1,
    PaymentStatus.AUTHORIZED: 2,
    PaymentStatus.CAPTURED: 3,
    PaymentStatus.REFUNDED: 4,
}
_OPEN_STATUSES = {PaymentStatus.CREATED, PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED}


HOPELESS = frozenset({"event_cancelled", "person_limit"})
"""Reasons for which no other payment of the same order could buy its tickets."""


class Decision(StrEnum):
    """The decision about a payment.

    Attributes:
        VERIFY: It is below the total, and the gateway was not asked for a discount.
        NOTHING: There is nothing to decide, or it was decided before.
        CAPTURE: It is authorized and buys what is held for it: ask the gateway to capture it.
        LET_GO: It is authorized and buys nothing; uncaptured, it goes back automatically, free.
        APPLY: Its money buys the booking.
        REFUND: Its money buys nothing and must be sent back.
        LATE: Right, but its tickets are no longer held: see whether they can be had again.
    """

    VERIFY = "verify"
    NOTHING = "nothing"
    CAPTURE = "capture"
    LET_LAPSE = "let_go"
    APPLY = "apply"
    REFUND = "refund"
    PAID_LATE = "late"


def apply_gateway_update(
    context: SettlementContext, update: GatewayPayment
) -> tuple[Payment, bool]:
    """Record in a case what the gateway reports about a payment.

    Returns:
        The payment, and whether anything is new: a webhook is a snapshot and may come late.
    """
    status = PaymentStatus(update.status.value)
    context.customer_fees[update.id] = update.customer_fee_paise
    context.discounts[update.id] = update.discount_paise
    known = context.payments.get(update.id)
    if known is None:
        known = create_row(
            Payment,
            id=update.id,
            intent_id=context.intent.id,
            order_id=update.order_id,
            method=update.method,
        )
        context.payments[update.id] = known
    elif known.disposition is not None or _RANKS[status] <= _RANKS[PaymentStatus(known.status)]:
        return known, False
    known.status = status
    known.amount_paise = update.amount_paise
    known.currency = update.currency
    known.error = update.error_description
    return known, True


def decide(context: SettlementContext, payment: Payment) -> tuple[Decision, str | None]:
    """Decide about a payment of a case, and say why when it buys nothing."""
    is_captured = payment.status == PaymentStatus.CAPTURED and payment.disposition is None
    # A buyer who was promised a refund gets no tickets unasked.
    if is_captured and payment.reason is not None:
        return Decision.REFUND, payment.reason
    if payment.reason is not None or not (
        is_captured or payment.status == PaymentStatus.AUTHORIZED
    ):
        return Decision.NOTHING, None
    reason = _refusal_reason(context, payment)
    if reason == "amount_differs" and _may_be_discounted(context, payment):
        return Decision.VERIFY, None
    if reason is not None:
        return (Decision.REFUND if is_captured else Decision.LET_LAPSE), reason
    if context.intent.status not in LIVE_INTENT_STATUSES:
        return Decision.PAID_LATE, None
    return (Decision.APPLY if is_captured else Decision.CAPTURE), None


def outcome_of(context: SettlementContext) -> PaymentOutcome:
    """Return where the payments of an intent stand."""
    if context.booking_ref is not None:
        return PaymentOutcome(
            context.booking_ref, context.booking_status or BookingStatus.CONFIRMED
        )
    payments = context.payments.values()
    if any(payment.reason is not None for payment in payments):
        return PaymentOutcome(None, "refunding")
    is_open = any(PaymentStatus(payment.status) in _OPEN_STATUSES for payment in payments)
    return PaymentOutcome(None, "checking" if is_open else "unpaid")


def _order_paise(context: SettlementContext, payment: Payment) -> int:
    """Return the total of the order that a payment pays in full."""
    paid = payment.amount_paise - context.customer_fees.get(payment.id, 0)
    discount = context.discounts.get(payment.id) or 0
    # The fee is not discounted: an offer that reaches into it is nothing Surge can book.
    return paid + discount if paid >= context.intent.fee_paise else paid


def _may_be_discounted(context: SettlementContext, payment: Payment) -> bool:
    is_asked = context.discounts.get(payment.id) is not None
    return not is_asked and _order_paise(context, payment) < context.intent.total_paise


def _refusal_reason(context: SettlementContext, payment: Payment) -> str | None:
    intent = context.intent
    reasons = (
        ("amount_differs", _order_paise(context, payment) != intent.total_paise),
        ("currency_differs", payment.currency != intent.currency),
        ("paid_already", intent.status == IntentStatus.CONFIRMED),
        ("event_cancelled", context.event.phase == EventPhase.CANCELLED),
        ("person_limit", context.is_over_limit),
    )
    return next((reason for reason, applies in reasons if applies), None)
