"""Razorpay's rules for orders, payments and refunds, without HTTP and Redis.

Each function changes an order book as Razorpay would, or raises Razorpay's error.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, cast

from surge_app.sandbox import razorpay_entities
from surge_app.sandbox.razorpay_entities import refuse

if TYPE_CHECKING:
    from surge_app.sandbox.razorpay_entities import PaymentStatus, RefundOutcome
    from surge_app.sandbox.store import JsonObject, OrderBook

_MIN_AMOUNT = 100
_OFFER_ID = "offer_SandboxOffer01"
_LONGEST_RECEIPT = 40
_MAX_NOTES = 15
_LONGEST_NOTE = 256
_MIN_AUTOMATIC_MINUTES = 12
_MAX_MANUAL_MINUTES = 7200
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{10,}")
_ORDER_FIELDS = frozenset(
    {
        "amount",
        "currency",
        "receipt",
        "unique_receipt",
        "notes",
        "partial_payment",
        "first_payment_min_amount",
        "payment",
        "payment_capture",
    }
)
_REFUND_FIELDS = frozenset({"amount", "speed", "notes", "receipt"})


def read_json(body: bytes) -> JsonObject:
    """Return the JSON object in a request body."""
    try:
        found: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        refuse("The request body is not valid JSON.")
    return cast("JsonObject", found)


def create_order(wanted: JsonObject) -> JsonObject:
    """Return the order entity for a creation request."""
    _only(wanted, _ORDER_FIELDS)
    amount = _amount(wanted)
    currency = wanted.get("currency")
    if currency is None:
        refuse("The currency field is required.", field="currency")
    if currency != "INR":
        refuse("Currency is not supported", field="currency")
    receipt = wanted.get("receipt")
    if receipt is not None and not isinstance(receipt, str):
        refuse("The receipt must be a string.", field="receipt")
    if receipt is not None and len(receipt) > _LONGEST_RECEIPT:
        refuse(
            f"The receipt may not be greater than {_LONGEST_RECEIPT} characters.", field="receipt"
        )
    _check_capture(wanted.get("payment"))
    return razorpay_entities.new_order(amount, currency, receipt or None, _notes(wanted))


def same_order(book: OrderBook, wanted: JsonObject) -> JsonObject:
    """Return the existing order for a repeated `unique_receipt` request."""
    if (book.order["amount"], book.order["currency"]) != (wanted["amount"], wanted["currency"]):
        refuse("Order receipt should be unique.", field="receipt")
    return book.order


def attempt(
    book: OrderBook,
    outcome: PaymentStatus,
    amount: int | None,
    payer: dict[str, str],
    *,
    is_offer: bool = False,
) -> JsonObject:
    """Add a payment attempt and return it; an offer pays the order in full with less."""
    if any(paid["status"] != "failed" for paid in book.payments.values()):
        refuse("Payment already done for this order.", reason="order_already_paid")
    due = cast("int", book.order["amount"])
    payment = razorpay_entities.new_payment(
        book.order, outcome, due if amount is None else amount, payer
    )
    if is_offer:
        payment["offers"] = razorpay_entities.collection([{"id": _OFFER_ID}])
    book.payments[payment["id"]] = payment
    book.order["attempts"] += 1
    book.order["status"] = "attempted"
    if outcome == "captured":
        _credit(book, payment)
    return payment


def late_success(book: OrderBook, payment_id: str, outcome: PaymentStatus) -> JsonObject:
    """Turn a failed payment into a late success and return it."""
    payment = book.payments.get(payment_id)
    if payment is None:
        razorpay_entities.refuse_unknown_id()
    if payment["status"] != "failed" or outcome == "failed":
        refuse("The payment is not in a state that allows this.")
    razorpay_entities.set_payment_status(payment, outcome)
    payment["late_authorized"] = True
    if outcome == "captured":
        _credit(book, payment)
    return payment


def capture_late(book: OrderBook, payment_id: str) -> list[JsonObject]:
    """Capture an authorized payment automatically.

    Returns:
        Its webhooks; none if it can no longer be captured.
    """
    payment = book.payments[payment_id]
    if payment["status"] != "authorized":
        return []
    razorpay_entities.set_payment_status(payment, "captured")
    _credit(book, payment)
    return razorpay_entities.captured_events(book, payment)


def capture(book: OrderBook, payment_id: str, wanted: JsonObject) -> JsonObject:
    """Capture an authorized payment; returns it."""
    payment = book.payments[payment_id]
    amount = _amount(wanted)
    if payment["status"] in {"captured", "refunded"}:
        refuse("This payment has already been captured")
    if payment["status"] != "authorized":
        refuse("Only payments which have been authorized and not yet captured can be captured")
    if amount != payment["amount"]:
        refuse("Capture amount must be equal to the amount authorized", field="amount")
    if wanted.get("currency", payment["currency"]) != payment["currency"]:
        refuse("Payment currency should be same as capture currency", field="currency")
    razorpay_entities.set_payment_status(payment, "captured")
    _credit(book, payment)
    return payment


def refund(
    book: OrderBook, payment_id: str, body: bytes, idempotency_key: str | None
) -> tuple[JsonObject, bool]:
    """Refund a payment; returns the refund, and whether it is new."""
    if idempotency_key is not None and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        refuse("The idempotency key must have at least 10 characters of A-Z, a-z, 0-9, - and _.")
    request_key = f"{payment_id} {idempotency_key}"
    digest = hashlib.sha256(body).hexdigest()
    if idempotency_key is not None and request_key in book.refund_requests:
        known_digest, refund_id = book.refund_requests[request_key]
        if known_digest != digest:
            refuse("Different request body sent for the same idempotency key.")
        return book.refunds[refund_id], False
    if book.refund_outcome == "in_progress":
        refuse("Another request with the same idempotency key is in progress.", status=409)
    if book.refund_outcome == "low_balance":
        refuse("Your account does not have enough balance to carry out the refund operation.")
    made = _new_refund(book, payment_id, read_json(body))
    book.refunds[made["id"]] = made
    if idempotency_key is not None:
        book.refund_requests[request_key] = (digest, made["id"])
    return made, True


def decide_refunds(book: OrderBook, outcome: RefundOutcome) -> list[JsonObject]:
    """Set the outcome of an order's current and future refunds; returns the refunds that ended.

    Args:
        outcome: `in_progress` rejects new refunds with 409, `low_balance` with 400. Others are the
            status of new refunds; processed and failed also end pending ones.
    """
    book.refund_outcome = outcome
    pending = [made for made in book.refunds.values() if made["status"] == "pending"]
    if outcome not in {"processed", "failed"}:
        return []
    for made in pending:
        made["status"] = outcome
        if outcome == "failed":
            _give_back(book.payments[made["payment_id"]], -made["amount"])
    return pending


def _new_refund(book: OrderBook, payment_id: str, wanted: JsonObject) -> JsonObject:
    payment = book.payments[payment_id]
    _only(wanted, _REFUND_FIELDS)
    if payment["status"] == "refunded":
        refuse("The payment has been fully refunded already")
    if payment["status"] != "captured":
        refuse("The payment status should be captured for action to be taken")
    left = cast("int", payment["amount"]) - cast("int", payment["amount_refunded"])
    amount = _amount(wanted) if "amount" in wanted else left
    if amount > left:
        refuse("The refund amount provided is greater than amount captured", field="amount")
    if wanted.get("speed", "normal") not in {"normal", "optimum"}:
        refuse("The speed must be normal or optimum.", field="speed")
    _notes(wanted)
    made = razorpay_entities.new_refund(payment, amount, wanted, book.refund_outcome)
    if made["status"] != "failed":
        _give_back(payment, amount)
    return made


def _give_back(payment: JsonObject, amount: int) -> None:
    payment["amount_refunded"] += amount
    is_full = payment["amount_refunded"] == payment["amount"]
    is_part = payment["amount_refunded"] > 0
    payment["refund_status"] = "full" if is_full else "partial" if is_part else None
    payment["status"] = "refunded" if is_full else "captured"


def _credit(book: OrderBook, payment: JsonObject) -> None:
    order = book.order
    order["amount_paid"] += payment["amount"]
    order["amount_due"] = max(0, order["amount"] - order["amount_paid"])
    if "offers" in payment:
        order["amount_due"] = 0
    if order["amount_due"] == 0:
        order["status"] = "paid"


def _amount(wanted: JsonObject) -> int:
    amount = wanted.get("amount")
    if amount is None:
        refuse("The amount field is required.", field="amount")
    if not isinstance(amount, int) or isinstance(amount, bool):
        refuse("The amount must be an integer.", field="amount")
    if amount < _MIN_AMOUNT:
        refuse("The amount must be at least INR 1.00", field="amount")
    return amount


def _notes(wanted: JsonObject) -> JsonObject:
    notes: Any = wanted.get("notes")
    if not notes:
        return {}
    if not isinstance(notes, dict):
        refuse("The notes must be an object.", field="notes")
    pairs = cast("JsonObject", notes)
    is_long = any(len(str(value)) > _LONGEST_NOTE for value in pairs.values())
    if len(pairs) > _MAX_NOTES or is_long:
        refuse("The notes may have at most 15 pairs of at most 256 characters.", field="notes")
    return pairs


def _only(wanted: JsonObject, known: frozenset[str]) -> None:
    extra = sorted(set(wanted) - known)
    if extra:
        refuse(
            f"{', '.join(extra)} is/are not required and should not be sent",
            reason="extra_field_sent",
        )


def _check_capture(payment: object) -> None:
    if payment is None:
        return
    found = cast("JsonObject", payment) if isinstance(payment, dict) else {}
    if found.get("capture") not in {"automatic", "manual"}:
        refuse("The selected payment.capture is invalid.", field="capture")
    options: Any = found.get("capture_options")
    settings = cast("JsonObject", options) if isinstance(options, dict) else {}
    automatic = settings.get("automatic_expiry_period")
    manual = settings.get("manual_expiry_period", _MAX_MANUAL_MINUTES)
    if found["capture"] == "automatic" and (
        not isinstance(automatic, int) or automatic < _MIN_AUTOMATIC_MINUTES
    ):
        refuse(
            f"The automatic expiry period must be at least {_MIN_AUTOMATIC_MINUTES}.",
            field="automatic_expiry_period",
        )
    least = automatic if isinstance(automatic, int) else _MIN_AUTOMATIC_MINUTES
    if not isinstance(manual, int) or not least <= manual <= _MAX_MANUAL_MINUTES:
        refuse(
            f"The manual expiry period must be between {least} and {_MAX_MANUAL_MINUTES}.",
            field="manual_expiry_period",
        )
    if settings.get("refund_speed", "normal") not in {"normal", "optimum"}:
        refuse("The selected refund speed is invalid.", field="refund_speed")
