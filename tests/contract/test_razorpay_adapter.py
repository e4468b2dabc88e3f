"""The real Razorpay SDK against the stand-in, over HTTP: orders, payments, refunds."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from surge_app.launcher.ports import free_port
from surge_app.providers import RazorpayGateway
from surge_app.services.vendors.ports import (
    GatewayPaymentStatus,
    GatewayRefundStatus,
    ProviderRejected,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.contract.accounts import RECEIPT, paid, razorpay
from tests.contract.serving import serve

if TYPE_CHECKING:
    from tests.contract.serving import Stand


async def test_an_order_is_created_for_a_receipt(gateway: RazorpayGateway) -> None:
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    assert order.id.startswith("order_")
    assert (order.receipt, order.amount_paise, order.currency) == (RECEIPT, 52500, "INR")
    assert order.status == "created"
    assert await gateway.order_payments(order.id) == []


async def test_repeating_a_receipt_returns_the_same_order(gateway: RazorpayGateway) -> None:
    wanted = {"receipt": RECEIPT, "amount_paise": 52500, "currency": "INR"}
    orders = await asyncio.gather(*(gateway.create_order(**wanted) for _ in range(12)))
    assert len({order.id for order in orders}) == 1


async def test_a_receipt_with_another_amount_is_rejected(gateway: RazorpayGateway) -> None:
    await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    with pytest.raises(ProviderRejected):
        await gateway.create_order(receipt=RECEIPT, amount_paise=52600, currency="INR")


async def test_after_a_timeout_the_order_that_was_made_is_adopted(stand: Stand) -> None:
    await stand.fault("razorpay", "hang", 4)
    gateway = razorpay(stand, timeouts=(1.0, 3.0))
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    again = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    assert order == again


async def test_an_account_that_does_not_know_unique_receipt_still_gets_orders() -> None:
    app = FastAPI()

    @app.post("/v1/orders")
    async def create(request: Request) -> JSONResponse:
        wanted = await request.json()
        if "unique_receipt" in wanted:
            text = "unique_receipt is/are not required and should not be sent"
            error = {"code": "BAD_REQUEST_ERROR", "description": text}
            return JSONResponse({"error": error}, 400)
        order = {name: wanted[name] for name in ("amount", "currency", "receipt")}
        return JSONResponse({"id": "order_plain", "status": "created", **order})

    @app.get("/v1/orders")
    async def listed() -> dict[str, object]:
        return {"entity": "collection", "count": 0, "items": []}

    port = free_port()
    gateway = RazorpayGateway("rzp_test_x", "s", ("w",), f"http://127.0.0.1:{port}", "/x.js")
    async with serve(app, port):
        order = await gateway.create_order(receipt="r", amount_paise=100, currency="INR")
    assert order.id == "order_plain"


async def test_every_attempt_of_an_order_is_listed(stand: Stand, gateway: RazorpayGateway) -> None:
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    await stand.attempt(order.id, outcome="failed", webhook="none")
    await stand.attempt(order.id, outcome="captured", webhook="none")
    payments = await gateway.order_payments(order.id)
    assert [payment.status for payment in payments] == [
        GatewayPaymentStatus.FAILED,
        GatewayPaymentStatus.CAPTURED,
    ]
    assert payments[0].error_description is not None
    assert payments[1].error_description is None
    assert await gateway.payment(payments[1].id) == payments[1]


async def test_an_authorized_payment_is_captured_once_and_stays_so(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    payment_id = await paid(stand, gateway, "authorized")
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.AUTHORIZED
    first = await gateway.capture(payment_id, amount_paise=52500, currency="INR")
    again = await gateway.capture(payment_id, amount_paise=52500, currency="INR")
    assert first.status is again.status is GatewayPaymentStatus.CAPTURED


async def test_concurrent_captures_do_not_mix_up_amounts(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    amounts = list(range(1000, 1016))

    async def one(amount: int) -> int:
        order = await gateway.create_order(
            receipt=f"r-{amount}", amount_paise=amount, currency="INR"
        )
        answer = await stand.attempt(order.id, outcome="authorized", webhook="none")
        payment_id = answer.json()["razorpay_payment_id"]
        done = await gateway.capture(payment_id, amount_paise=amount, currency="INR")
        return done.amount_paise

    assert await asyncio.gather(*map(one, amounts)) == amounts


async def test_capturing_another_amount_is_rejected(stand: Stand, gateway: RazorpayGateway) -> None:
    payment_id = await paid(stand, gateway, "authorized")
    with pytest.raises(ProviderRejected, match="equal to the amount authorized"):
        await gateway.capture(payment_id, amount_paise=100, currency="INR")


async def test_a_repeated_refund_is_the_same_refund(stand: Stand, gateway: RazorpayGateway) -> None:
    payment_id = await paid(stand, gateway)
    body = json.dumps({"amount": 52500, "receipt": "rf-1", "notes": {"why": "ख़ाली"}})
    refunds = [
        await gateway.refund(payment_id, body=body, idempotency_key="rf-0123456789")
        for _ in range(2)
    ]
    assert refunds[0] == refunds[1]
    assert refunds[0].status is GatewayRefundStatus.PROCESSED
    assert refunds[0].amount_paise == 52500
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.REFUNDED


async def test_a_refunds_body_goes_out_byte_for_byte(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    payment_id = await paid(stand, gateway)
    body = '{ "receipt" : "rf-1" ,"notes":{"why":"ख़ाली"}}'
    made = await gateway.refund(payment_id, body=body, idempotency_key="rf-0123456789")
    keys = sandbox_keys(stand.settings)
    # The stand-in compares bytes, so the same refund comes back only for the same bytes.
    answer = await stand.http.post(
        f"/sandbox/razorpay/v1/payments/{payment_id}/refund",
        content=body.encode(),
        headers={"X-Refund-Idempotency": "rf-0123456789"},
        auth=(keys.razorpay_key_id, keys.razorpay_key_secret),
    )
    assert answer.json()["id"] == made.id


async def test_a_refund_key_with_another_body_is_rejected(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    payment_id = await paid(stand, gateway)
    await gateway.refund(payment_id, body='{"amount":500}', idempotency_key="rf-0123456789")
    with pytest.raises(ProviderRejected, match="idempotency key"):
        await gateway.refund(payment_id, body='{"amount":600}', idempotency_key="rf-0123456789")


async def test_a_refund_made_before_is_found_by_its_receipt(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    payment_id = await paid(stand, gateway)
    body = '{"receipt":"rf-1"}'
    first = await gateway.refund(payment_id, body=body, idempotency_key="rf-0123456789")
    # Another key stands for a vendor that does not know the header.
    again = await gateway.refund(payment_id, body=body, idempotency_key="rf-9876543210")
    assert again == first
    with pytest.raises(ProviderRejected, match="refunded already"):
        await gateway.refund(payment_id, body='{"receipt":"rf-2"}', idempotency_key="rf-0000000000")
