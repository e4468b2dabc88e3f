"""Stand-in for Razorpay Checkout: the page script and the actions of its buttons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field, model_validator

from surge_app.sandbox import razorpay_entities, razorpay_rules as rules
from surge_app.sandbox.faults import VendorError
from surge_app.sandbox.razorpay import known
from surge_app.sandbox.razorpay_entities import RefundOutcome
from surge_app.sandbox.webhooks import WebhookMode

if TYPE_CHECKING:
    from surge_app.sandbox.store import JsonObject, OrderBook, Orders
    from surge_app.sandbox.webhooks import WebhookSender
    from surge_app.services.vendors.sandbox_credentials import SandboxKeys

_SCRIPT = Path(__file__).parent / "static" / "checkout.js"
_LONGEST_TEXT = 256
_USUAL_DELAY_SECONDS = 30.0


class Attempt(BaseModel):
    """The body of `POST /sandbox/razorpay/orders/{order_id}/attempts`.

    Attributes:
        amount_paise: Paid instead of the order's amount, to test a wrong one.
        is_offer: `amount_paise` is what an offer of the account leaves to pay.
        currency: Used instead of the order's currency.
        webhook: How webhooks are sent. `out_of_order` sends the newest first and an earlier
            failure last.
        delay_seconds: Delay of the webhooks; 30 for `delayed`, otherwise 0.
        capture_after_seconds: Captures an authorized payment after this time.
        payment_id: A failed payment that succeeds late, instead of a new one.
    """

    outcome: Literal["captured", "failed", "authorized"]
    amount_paise: int | None = Field(None, ge=1, le=10**12)
    is_offer: bool = False
    currency: str | None = Field(None, pattern="^[A-Z]{3}$")
    webhook: WebhookMode = "normal"
    delay_seconds: float | None = Field(None, ge=0, le=3600)
    capture_after_seconds: float | None = Field(None, ge=0, le=3600)
    payment_id: str | None = None
    email: str = Field("", max_length=_LONGEST_TEXT)
    contact: str = Field("", max_length=_LONGEST_TEXT)
    description: str = Field("", max_length=_LONGEST_TEXT)

    @model_validator(mode="after")
    def _only_authorized_is_captured_later(self) -> Self:
        if self.capture_after_seconds is not None and self.outcome != "authorized":
            raise ValueError("capture_after_seconds needs the outcome authorized")
        return self

    @property
    def pause_seconds(self) -> float:
        """Delay of the webhooks."""
        if self.delay_seconds is not None:
            return self.delay_seconds
        return _USUAL_DELAY_SECONDS if self.webhook == "delayed" else 0.0


class RefundsWanted(BaseModel):
    """The body of `POST /sandbox/razorpay/payments/{payment_id}/refund-outcome`."""

    outcome: RefundOutcome


def checkout_router(keys: SandboxKeys, orders: Orders, webhooks: WebhookSender) -> APIRouter:
    """Return the routes for the browser; like Razorpay's own, they need no key secret.

    They keep working while the API is ordered to fail, because money that moves during an
    outage is the case to test.
    """
    router = APIRouter(prefix="/sandbox/razorpay", include_in_schema=False)
    script = _SCRIPT.read_bytes()

    @router.get("/checkout.js")
    async def checkout_script() -> Response:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Serve the twin of `checkout.js`."""
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(script, media_type="text/javascript", headers=headers)

    @router.get("/orders/{order_id}")
    async def checkout_order(order_id: str) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Return the amount due and the refunds of an order."""
        try:
            book = await known(orders.get(order_id))
        except VendorError as error:
            return JSONResponse(error.content, error.status)
        shown = {name: book.order[name] for name in ("id", "amount", "currency", "status")}
        refunded = sum(paid["amount_refunded"] for paid in book.payments.values())
        return JSONResponse({**shown, "amount_refunded": refunded, "key": keys.razorpay_key_id})

    @router.post("/orders/{order_id}/attempts")
    async def attempt(order_id: str, wanted: Attempt) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Make a payment attempt; returns what the checkout passes to the page."""

        def change(book: OrderBook) -> tuple[JsonObject, list[JsonObject]]:
            """Apply the attempt."""
            payment = _attempt(book, wanted)
            is_mixed = wanted.webhook == "out_of_order"
            return payment, razorpay_entities.payment_events(book, payment, out_of_order=is_mixed)

        try:
            payment, events = await known(orders.change(order_id, change))
        except VendorError as error:
            return JSONResponse(error.content, error.status)
        await webhooks.send(events, wanted.webhook, delay_seconds=wanted.pause_seconds)
        if wanted.capture_after_seconds is not None:
            webhooks.send_once_done(
                lambda: orders.change(
                    order_id, lambda book: rules.capture_late(book, payment["id"])
                ),
                wanted.webhook,
                delay_seconds=wanted.capture_after_seconds,
            )
        return JSONResponse(_answer(payment, keys.razorpay_key_secret))

    _add_refund_outcomes(router, orders, webhooks)
    return router


def _add_refund_outcomes(router: APIRouter, orders: Orders, webhooks: WebhookSender) -> None:
    @router.post("/payments/{payment_id}/refund-outcome")
    async def decide_refunds(payment_id: str, wanted: RefundsWanted) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Set the outcome of a payment's refunds."""

        def change(book: OrderBook) -> list[JsonObject]:
            """Return the webhooks of the refunds that ended."""
            ended = rules.decide_refunds(book, wanted.outcome)
            paid = book.payments
            return [
                event
                for made in ended
                for event in razorpay_entities.ended_refund_events(paid[made["payment_id"]], made)
            ]

        try:
            book = await known(orders.by_payment(payment_id))
            events = await known(orders.change(book.order["id"], change))
        except VendorError as error:
            return JSONResponse(error.content, error.status)
        await webhooks.send(events, "normal")
        return JSONResponse({"outcome": wanted.outcome})


def _attempt(book: OrderBook, wanted: Attempt) -> JsonObject:
    if wanted.payment_id is not None:
        return rules.late_success(book, wanted.payment_id, wanted.outcome)
    payer = {"email": wanted.email, "contact": wanted.contact, "description": wanted.description}
    payment = rules.attempt(
        book, wanted.outcome, wanted.amount_paise, payer, is_offer=wanted.is_offer
    )
    payment["currency"] = wanted.currency or payment["currency"]
    return payment


def _answer(payment: JsonObject, key_secret: str) -> JsonObject:
    if payment["status"] == "failed":
        return razorpay_entities.payment_error(payment)
    message = f"{payment['order_id']}|{payment['id']}".encode()
    return {
        "razorpay_payment_id": payment["id"],
        "razorpay_order_id": payment["order_id"],
        "razorpay_signature": razorpay_entities.signed(message, key_secret),
    }
