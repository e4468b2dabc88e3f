"""Razorpay's JSON and signatures, read without trusting either."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from surge_app.providers.transport import storable_text
from surge_app.services.vendors.ports import (
    GatewayDispute,
    GatewayOrder,
    GatewayPayment,
    GatewayPaymentStatus,
    GatewayRefund,
    GatewayRefundStatus,
    ProviderRejected,
    WebhookEvent,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


LIVE_KEY_PREFIX = "rzp_live_"

_MODE = "surge_mode"
# What the columns of ids and amounts can keep; Razorpay's own are far below.
_MAX_TEXT_LENGTH = 255
_MAX_PAISE = 2**63 - 1
# The year 9999, the last that a timestamp can be.
_MAX_SECONDS = 253_402_300_799


def signature_matches(message: bytes, signature: str | None, secrets: Iterable[str]) -> bool:
    """Return whether one of the secrets signed these bytes.

    Args:
        message: Exactly what was signed; for a webhook the raw body.
        signature: Hexadecimal HMAC-SHA256 as received.
        secrets: None at all, or an empty one among them, verifies nothing: an empty secret
            is publicly known.
    """
    known = tuple(secrets)
    if not signature or not signature.isascii() or not known or not all(known):
        return False
    received = signature.strip().lower().encode()
    return any(
        hmac.compare_digest(
            hmac.new(secret.encode(), message, hashlib.sha256).hexdigest().encode(), received
        )
        for secret in known
    )


def read_order(data: object) -> GatewayOrder | None:
    """Return the order an entity describes, or None if it does not describe one."""
    entity = _mapping(data)
    order_id, amount = entity.get("id"), entity.get("amount")
    currency, status = entity.get("currency"), entity.get("status")
    if not (_is_text(order_id) and _is_amount(amount) and _is_text(currency) and _is_text(status)):
        return None
    receipt = entity.get("receipt")
    return GatewayOrder(
        id=str(order_id),
        receipt=receipt if isinstance(receipt, str) else "",
        amount_paise=cast("int", amount),
        currency=str(currency).upper(),
        status=str(status),
    )


def read_payment(data: object) -> GatewayPayment | None:
    """Return the payment an entity describes.

    `status` decides; Razorpay's own sample of a failed payment says `"captured": true`.

    Returns:
        None for anything that is not a payment of an order in a state known here.
    """
    entity = _mapping(data)
    payment_id, order_id = entity.get("id"), entity.get("order_id")
    amount, currency = entity.get("amount"), entity.get("currency")
    if not (
        _is_text(payment_id) and _is_text(order_id) and _is_amount(amount) and _is_text(currency)
    ):
        return None
    try:
        status = GatewayPaymentStatus(str(entity.get("status")))
    except ValueError:
        return None
    return GatewayPayment(
        id=str(payment_id),
        order_id=str(order_id),
        amount_paise=cast("int", amount),
        currency=str(currency).upper(),
        status=status,
        method=_text_or_none(entity.get("method")),
        error_description=_text_or_none(entity.get("error_description")),
        has_our_notes=_mode(entity) is not None,
        customer_fee_paise=_customer_fee(entity),
    )


def discount_paise(payment: GatewayPayment, order: object, details: object) -> int:
    """Return by how much an offer lowered the order of a payment, 0 if none provably did.

    Args:
        payment: Authorized, or captured.
        order: The entity of its order. An offer shows as less paid and nothing due.
        details: The entity of the payment with its offers; read only while it is authorized.
    """
    found, entity = read_order(order), _mapping(order)
    if found is None or found.id != payment.order_id or found.currency != payment.currency:
        return 0
    paid = payment.amount_paise - payment.customer_fee_paise
    if payment.status == GatewayPaymentStatus.CAPTURED:
        is_proven = (found.status, entity.get("amount_due"), entity.get("amount_paid")) == (
            "paid",
            0,
            paid,
        )
    else:
        is_proven = _mapping(details).get("id") == payment.id and bool(
            items(_mapping(details).get("offers"))
        )
    return max(0, found.amount_paise - paid) if is_proven else 0


def read_refund(data: object) -> GatewayRefund | None:
    """Return the refund an entity describes; an unknown state counts as pending."""
    entity = _mapping(data)
    refund_id, payment_id, amount = entity.get("id"), entity.get("payment_id"), entity.get("amount")
    if not (_is_text(refund_id) and _is_text(payment_id) and _is_amount(amount)):
        return None
    try:
        status = GatewayRefundStatus(str(entity.get("status")))
    except ValueError:
        status = GatewayRefundStatus.PENDING
    return GatewayRefund(
        id=str(refund_id),
        payment_id=str(payment_id),
        amount_paise=cast("int", amount),
        status=status,
        receipt=receipt_of(entity),
    )


def is_balance_low(words: str) -> bool:
    """Return whether a refusal of a refund asks for more funds in the account."""
    return "enough balance" in words


def read_dispute(data: object) -> GatewayDispute | None:
    """Return the dispute an entity describes."""
    entity = _mapping(data)
    dispute_id, payment_id = entity.get("id"), entity.get("payment_id")
    amount, status, until = entity.get("amount"), entity.get("status"), entity.get("respond_by")
    if not (
        _is_text(dispute_id) and _is_text(payment_id) and _is_amount(amount) and _is_text(status)
    ):
        return None
    reason = entity.get("reason_description") or entity.get("reason_code")
    is_moment = _is_amount(until) and 0 < cast("int", until) < _MAX_SECONDS
    return GatewayDispute(
        id=str(dispute_id),
        payment_id=str(payment_id),
        amount_paise=cast("int", amount),
        status=str(status),
        reason=_text_or_none(reason) or "",
        respond_by=datetime.fromtimestamp(cast("int", until), UTC) if is_moment else None,
    )


def read_event(body: bytes) -> WebhookEvent:
    """Return the event in a verified webhook body.

    Raises:
        ProviderRejected: If the body is not an event.
    """
    try:
        entity = _mapping(json.loads(body))
    except (ValueError, RecursionError) as error:
        raise ProviderRejected("The webhook's body is not JSON.") from error
    kind = entity.get("event")
    if not _is_text(kind):
        raise ProviderRejected("The webhook's body is not an event.")
    payload = _mapping(entity.get("payload"))
    entities = {
        name: _mapping(payload.get(name)).get("entity")
        for name in ("payment", "refund", "order", "dispute")
    }
    return WebhookEvent(
        kind=str(kind),
        payment=read_payment(entities["payment"]),
        refund=read_refund(entities["refund"]),
        dispute=read_dispute(entities["dispute"]),
        account_id=_text_or_none(entity.get("account_id")),
        mode=next(filter(None, map(_mode, entities.values())), None),
    )


def order_notes(receipt: str, key_id: str) -> dict[str, str]:
    """Return what is noted on an order; it comes back with its payments.

    No event of Razorpay says whether it is of test or of live mode, so the order has to.
    """
    return {"receipt": receipt, _MODE: mode_of(key_id)}


def mode_of(key_id: str) -> str:
    """Return `live` or `test`, as the key says."""
    return "live" if key_id.startswith(LIVE_KEY_PREFIX) else "test"


def _customer_fee(entity: dict[str, Any]) -> int:
    fee = entity.get("fee")
    is_customers = entity.get("fee_bearer") == "customer"
    return cast("int", fee) if is_customers and _is_amount(fee) else 0


def _mode(entity: object) -> str | None:
    # Notes without a pair come back as a list.
    return _text_or_none(_mapping(_mapping(entity).get("notes")).get(_MODE))


def items(collection: object) -> list[object]:
    """Return the members of a collection, or none if it is not one."""
    entity: object = _mapping(collection).get("items")
    return cast("list[object]", entity) if isinstance(entity, list) else []


def receipt_of(entity: object) -> str | None:
    """Return the receipt an entity or a request body carries."""
    return _text_or_none(_mapping(entity).get("receipt"))


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _is_text(value: object) -> bool:
    # Ids and words of a vendor are plain; NUL and half characters could not even be looked for.
    if not isinstance(value, str):
        return False
    return value.isascii() and value.isprintable() and 0 < len(value) <= _MAX_TEXT_LENGTH


def _is_amount(value: object) -> bool:
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 0 <= value <= _MAX_PAISE


def _text_or_none(value: object) -> str | None:
    # Razorpay writes "nothing" as null and as "".
    return storable_text(value, most=_MAX_TEXT_LENGTH) if isinstance(value, str) and value else None
