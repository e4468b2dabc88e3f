"""Match the refunds of the gateway to stored refunds."""

from __future__ import annotations

from collections.abc import Sequence

from surge_app.languages import A_
from surge_app.models import Refund, RefundStatus
from surge_app.observability.log import get_logger
from surge_app.services.payments.refund_policy import is_receipt_of
from surge_app.services.vendors.ports import GatewayRefund, GatewayRefundStatus

_log = get_logger(__name__)

# About half a day of errors, with pauses of an hour at last.
_MAX_ATTEMPTS = 24
# The same key returns the same failed refund; a few looks are for a gateway that changes its mind.
_MAX_FAILURE_CHECKS = 3


def match_refund(
    rows: Sequence[Refund], refund: GatewayRefund, refund_id: str | None
) -> Refund | None:
    """Return the row a gateway refund belongs to.

    Our own call knows it; a webhook tells by the gateway's id or, if it comes before our call
    has returned, by the receipt.
    """
    by_id = [row for row in rows if row.id == refund_id]
    by_gateway_id = [row for row in rows if row.gateway_id == refund.id]
    by_receipt = [row for row in rows if is_receipt_of(row, refund.receipt)]
    return next(iter([*by_id, *by_gateway_id, *by_receipt]), None)


def log_unfinished(row: Refund, refund: GatewayRefund) -> None:
    """Write down that the gateway has a refund, or could not pay it out."""
    row.gateway_id = refund.id
    if refund.status == GatewayRefundStatus.PENDING:
        row.status, row.last_error = RefundStatus.SENT, None
        return
    row.status = RefundStatus.FAILED
    row.last_error = A_("The gateway could not pay it out.")
    _log.error("refund_failed", refund=row.id, payment=row.payment_id)


def flag_double_refund(row: Refund, refund: GatewayRefund) -> None:
    """Cry out if the gateway paid a refund under a second id."""
    if refund.status == GatewayRefundStatus.PROCESSED and refund.id != row.gateway_id:
        _log.error("refund_paid_twice", refund=row.id, gateway_refund=refund.id)


def is_exhausted(row: Refund) -> bool:
    """Return whether trying again would not help, so that it is an operator's turn."""
    if row.status == RefundStatus.SENT:
        # Banks take days; the gateway has it and will tell.
        return False
    most = _MAX_FAILURE_CHECKS if row.status == RefundStatus.FAILED else _MAX_ATTEMPTS
    return row.attempts >= most
