"""Razorpay's entities, errors and signatures as its API shows them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import string
import time
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from surge_app.sandbox.faults import VendorError

if TYPE_CHECKING:
    from surge_app.sandbox.store import JsonObject, OrderBook

ALPHABET = string.ascii_letters + string.digits

_ID_LENGTH = 14
_RANDOM = SystemRandom()
_ACCOUNT_ID = "acc_SurgeSandbox00"
# Razorpay's usual price: 2 %, and 18 % tax on that, in parts of ten thousand.
_FEE_PARTS = 236
_TAX_PARTS = 36
_PARTS = 10_000

PaymentStatus = Literal["authorized", "captured", "failed"]
RefundOutcome = Literal["processed", "pending", "failed", "in_progress", "low_balance"]


def new_entity_id(prefix: str) -> str:
    """Return an id such as `pay_QaC4eF6hI8kL0n`."""
    return f"{prefix}_{''.join(_RANDOM.choices(ALPHABET, k=_ID_LENGTH))}"


def refuse(
    description: str, *, field: str | None = None, status: int = 400, reason: str | None = None
) -> NoReturn:
    """Raise Razorpay's error for an invalid request."""
    error: JsonObject = {
        "code": "BAD_REQUEST_ERROR",
        "description": description,
        "source": "business",
        "step": "payment_initiation",
        "reason": reason or "input_validation_failed",
        "metadata": {},
    }
    if field is not None:
        error["field"] = field
    raise VendorError(status, {"error": error})


def refuse_unknown_id() -> NoReturn:
    """Raise Razorpay's error for an unknown id."""
    refuse("The id provided does not exist", reason="not_found")


def collection(items: list[JsonObject]) -> JsonObject:
    """Return a list as Razorpay wraps it."""
    return {"entity": "collection", "count": len(items), "items": items}


def new_order(amount: int, currency: str, receipt: str | None, notes: JsonObject) -> JsonObject:
    """Return the entity of a new order."""
    return {
        "id": new_entity_id("order"),
        "entity": "order",
        "amount": amount,
        "amount_paid": 0,
        "amount_due": amount,
        "currency": currency,
        "receipt": receipt,
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        # An empty object comes back as a list, as it does from Razorpay.
        "notes": notes or [],
        "created_at": int(time.time()),
    }


def new_payment(
    order: JsonObject, status: PaymentStatus, amount: int, payer: dict[str, str]
) -> JsonObject:
    """Return the entity of a UPI payment attempt.

    Args:
        amount: Paise; unlike Razorpay, it may differ from the order's.
        payer: `email`, `contact` and `description` from the checkout.
    """
    vpa = "success@razorpay" if status != "failed" else "failure@razorpay"
    payment: JsonObject = {
        "id": new_entity_id("pay"),
        "entity": "payment",
        "amount": amount,
        "currency": order["currency"],
        "base_amount": amount,
        "status": "created",
        "order_id": order["id"],
        "invoice_id": None,
        "international": False,
        "method": "upi",
        "amount_refunded": 0,
        "amount_transferred": 0,
        "refund_status": None,
        "captured": False,
        "description": payer.get("description"),
        "card_id": None,
        "bank": None,
        "wallet": None,
        "vpa": vpa,
        "email": payer.get("email") or "void@razorpay.com",
        "contact": payer.get("contact") or "+919999999999",
        "notes": order["notes"],
        "fee": None,
        "tax": None,
        "error_code": None,
        "error_description": None,
        "error_source": None,
        "error_step": None,
        "error_reason": None,
        "acquirer_data": {"rrn": None},
        "created_at": int(time.time()),
        "upi": {"payer_account_type": "bank_account", "vpa": vpa, "flow": "intent"},
    }
    set_payment_status(payment, status)
    return payment


def set_payment_status(payment: JsonObject, status: PaymentStatus) -> None:
    """Set a payment's status and its dependent fields."""
    payment["status"] = status
    if status == "failed":
        payment |= {
            "error_code": "BAD_REQUEST_ERROR",
            "error_description": (
                "Payment was unsuccessful as the UPI PIN was incorrect. Try again."
            ),
            "error_source": "customer",
            "error_step": "payment_authentication",
            "error_reason": "incorrect_pin",
        }
        return
    payment |= {f"error_{part}": None for part in ("code", "description", "source", "step")}
    payment["error_reason"] = None
    payment["acquirer_data"] = {"rrn": "".join(secrets.choice(string.digits) for _ in range(12))}
    if status == "captured":
        payment["captured"] = True
        payment["fee"] = payment["amount"] * _FEE_PARTS // _PARTS
        payment["tax"] = payment["amount"] * _TAX_PARTS // _PARTS


def new_refund(payment: JsonObject, amount: int, wanted: JsonObject, status: str) -> JsonObject:
    """Return the entity of a refund; Razorpay's are often processed at once."""
    return {
        "id": new_entity_id("rfnd"),
        "entity": "refund",
        "amount": amount,
        "currency": payment["currency"],
        "payment_id": payment["id"],
        "notes": wanted.get("notes") or [],
        "receipt": wanted.get("receipt"),
        "acquirer_data": {"arn": None},
        "created_at": int(time.time()),
        "batch_id": None,
        "status": status,
        "speed_processed": "normal",
        "speed_requested": wanted.get("speed") or "normal",
    }


def payment_error(payment: JsonObject) -> JsonObject:
    """Return the error object that the checkout passes to the page."""
    return {
        "error": {
            "code": payment["error_code"],
            "description": payment["error_description"],
            "source": payment["error_source"],
            "step": payment["error_step"],
            "reason": payment["error_reason"],
            "metadata": {"order_id": payment["order_id"], "payment_id": payment["id"]},
        }
    }


def payment_events(
    book: OrderBook, payment: JsonObject, *, out_of_order: bool = False
) -> list[JsonObject]:
    """Return the webhooks for the current state of a payment.

    Args:
        out_of_order: Newest first, and an earlier failure last.
    """
    if out_of_order and payment["status"] != "failed":
        failed = dict(payment)
        set_payment_status(failed, "failed")
        failed |= {"captured": False, "fee": None, "tax": None}
        return [*reversed(payment_events(book, payment)), _event("payment.failed", payment=failed)]
    if payment["status"] == "failed":
        return [_event("payment.failed", payment=payment)]
    authorized = payment | {"status": "authorized", "captured": False, "fee": None, "tax": None}
    events = [_event("payment.authorized", payment=authorized)]
    if payment["status"] == "captured":
        events += captured_events(book, payment)
    return events


def captured_events(book: OrderBook, payment: JsonObject) -> list[JsonObject]:
    """Return the webhooks of a capture."""
    events = [_event("payment.captured", payment=payment)]
    if book.order["status"] == "paid":
        events.append(_event("order.paid", payment=payment, order=book.order))
    return events


def refund_events(payment: JsonObject, refund: JsonObject) -> list[JsonObject]:
    """Return the webhooks of a refund."""
    created = _event("refund.created", refund=refund, payment=payment)
    return [created, *ended_refund_events(payment, refund)]


def ended_refund_events(payment: JsonObject, refund: JsonObject) -> list[JsonObject]:
    """Return the webhook of an ended refund; none while it is pending."""
    if refund["status"] == "pending":
        return []
    return [_event(f"refund.{refund['status']}", refund=refund, payment=payment)]


def signed(message: bytes, secret: str) -> str:
    """Return Razorpay's signature of a message."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def _event(name: str, **entities: JsonObject) -> JsonObject:
    payload: dict[str, Any] = {kind: {"entity": dict(entity)} for kind, entity in entities.items()}
    return {
        "entity": "event",
        "account_id": _ACCOUNT_ID,
        "event": name,
        "contains": list(payload),
        "payload": payload,
        "created_at": int(time.time()),
    }
