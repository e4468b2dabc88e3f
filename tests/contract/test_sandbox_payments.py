"""The stand-in for Razorpay as the browser and the application see it: attempts and webhooks."""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from surge_app.providers import RazorpayGateway, build_gateway
from surge_app.services.vendors.ports import GatewayPaymentStatus, ProviderUnavailable
from tests.conftest import eventually
from tests.contract.accounts import new_order
from tests.contract.serving import Stand

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import PaymentGateway


def _kinds(stand: Stand) -> list[str]:
    return [json.loads(webhook.body)["event"] for webhook in stand.webhooks]


async def test_a_success_sends_three_signed_webhooks(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    answer = await stand.attempt(order.id, outcome="captured", email="asha@example.com")
    assert answer.status_code == 200
    fields = answer.json()
    assert set(fields) == {"razorpay_payment_id", "razorpay_order_id", "razorpay_signature"}
    await stand.webhook_count(3)
    assert _kinds(stand) == ["payment.authorized", "payment.captured", "order.paid"]
    assert len({webhook.event_id for webhook in stand.webhooks}) == 3
    for webhook in stand.webhooks:
        assert gateway.verifies_webhook(webhook.body, webhook.signature)
        event = gateway.parse_webhook(webhook.body)
        assert event.payment is not None
        assert event.payment.id == fields["razorpay_payment_id"]
        assert event.payment.amount_paise == 52500
    entity = json.loads(stand.webhooks[1].body)["payload"]["payment"]["entity"]
    assert entity["email"] == "asha@example.com"


async def test_a_failure_tells_why_and_leaves_the_order_payable(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    error = (await stand.attempt(order.id, outcome="failed")).json()["error"]
    assert error["code"] == "BAD_REQUEST_ERROR"
    assert error["description"]
    assert error["metadata"]["order_id"] == order.id
    await stand.webhook_count(1)
    assert _kinds(stand) == ["payment.failed"]
    again = await stand.attempt(order.id, outcome="captured", webhook="none")
    assert again.status_code == 200


async def test_a_paid_order_refuses_a_second_payment(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    answers = await asyncio.gather(
        *(stand.attempt(order.id, outcome="captured", webhook="none") for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
    refusal = next(answer for answer in answers if answer.status_code == 400)
    assert refusal.json()["error"]["code"] == "BAD_REQUEST_ERROR"


async def test_a_failed_payment_may_succeed_later(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    failed = (await stand.attempt(order.id, outcome="failed", webhook="none")).json()
    payment_id = failed["error"]["metadata"]["payment_id"]
    await stand.attempt(order.id, outcome="captured", payment_id=payment_id)
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.CAPTURED
    await stand.webhook_count(3)


async def test_a_wrong_amount_can_be_paid(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="captured", amount_paise=100)
    (payment,) = await gateway.order_payments(order.id)
    assert payment.amount_paise == 100
    await stand.webhook_count(2)
    assert _kinds(stand) == ["payment.authorized", "payment.captured"]


async def test_a_duplicate_comes_twice_with_one_event_id(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="failed", webhook="duplicate")
    first, second = await stand.webhook_count(2)
    assert first == second


async def test_before_callback_means_before_the_answer(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="captured", webhook="before_callback")
    assert len(stand.webhooks) == 3


async def test_a_delayed_webhook_comes_late(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    begun = time.monotonic()
    await stand.attempt(order.id, outcome="captured", webhook="delayed", delay_seconds=0.5)
    await stand.webhook_count(3)
    assert time.monotonic() - begun >= 0.5


async def test_out_of_order_tells_the_newest_first_and_an_old_failure_last(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="captured", webhook="out_of_order")
    await stand.webhook_count(4)
    assert _kinds(stand) == [
        "order.paid",
        "payment.captured",
        "payment.authorized",
        "payment.failed",
    ]
    payments = [gateway.parse_webhook(webhook.body).payment for webhook in stand.webhooks]
    assert len({payment and payment.id for payment in payments}) == 1
    assert [payment and payment.status.value for payment in payments] == [
        "captured",
        "captured",
        "authorized",
        "failed",
    ]
    assert all(gateway.verifies_webhook(one.body, one.signature) for one in stand.webhooks)
    (stands,) = await gateway.order_payments(order.id)
    assert stands.status is GatewayPaymentStatus.CAPTURED


async def test_out_of_order_may_come_late_too(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    wanted = {"webhook": "out_of_order", "delay_seconds": 0.5}
    await stand.attempt(order.id, outcome="authorized", **wanted)
    assert stand.webhooks == []
    await stand.webhook_count(2)
    assert _kinds(stand) == ["payment.authorized", "payment.failed"]


async def test_an_authorized_payment_may_be_captured_later(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    answer = await stand.attempt(order.id, outcome="authorized", capture_after_seconds=4)
    payment_id = answer.json()["razorpay_payment_id"]
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.AUTHORIZED
    await stand.webhook_count(3)
    assert _kinds(stand) == ["payment.authorized", "payment.captured", "order.paid"]
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.CAPTURED


async def test_a_late_capture_may_stay_untold_and_comes_after_no_other(
    stand: Stand, gateway: PaymentGateway
) -> None:
    silent, ours = await new_order(gateway), await new_order(gateway, "intent-2")
    late = {"outcome": "authorized", "webhook": "none", "capture_after_seconds": 4}
    await stand.attempt(silent.id, **late)
    captured = (await stand.attempt(ours.id, **late)).json()["razorpay_payment_id"]
    await gateway.capture(captured, amount_paise=52500, currency="INR")
    told = await stand.webhook_count(2)

    async def is_captured() -> bool:
        (payment,) = await gateway.order_payments(silent.id)
        return payment.status is GatewayPaymentStatus.CAPTURED

    await eventually(is_captured, about="the capture")
    assert len(told) == 2
    refused = await stand.attempt(silent.id, outcome="captured", capture_after_seconds=1)
    assert refused.status_code == 422


async def test_a_wrong_currency_can_be_paid(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="captured", currency="USD", webhook="none")
    (payment,) = await gateway.order_payments(order.id)
    assert (payment.currency, payment.amount_paise) == ("USD", 52500)


@pytest.mark.parametrize("takes_effect", [True, False])
async def test_a_hang_may_have_taken_effect_or_not(
    stand: Stand, gateway: PaymentGateway, *, takes_effect: bool
) -> None:
    wanted = {"service": "razorpay", "mode": "hang", "seconds": 0.6, "takes_effect": takes_effect}
    (await stand.http.post("/sandbox/faults", json=wanted)).raise_for_status()
    assert isinstance(gateway, RazorpayGateway)
    auth = (gateway.key_id, gateway._key_secret)
    asked = {"amount": 52500, "currency": "INR", "receipt": "r"}
    answer = await stand.http.post("/sandbox/razorpay/v1/orders", json=asked, auth=auth)
    assert answer.status_code == (200 if takes_effect else 503)
    listed = await stand.http.get("/sandbox/razorpay/v1/orders", params={"receipt": "r"}, auth=auth)
    assert listed.json()["count"] == int(takes_effect)


async def test_a_throttled_call_is_told_when_to_come_back(
    stand: Stand, gateway: PaymentGateway
) -> None:
    wanted = {"service": "razorpay", "mode": "http_429", "retry_after_seconds": 7}
    (await stand.http.post("/sandbox/faults", json=wanted)).raise_for_status()
    with pytest.raises(ProviderUnavailable) as caught:
        await new_order(gateway)
    assert caught.value.retry_after_seconds == 7


async def test_a_forged_webhook_does_not_verify_and_is_not_repeated(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="failed", webhook="forged")
    (webhook,) = await stand.webhook_count(1)
    assert not gateway.verifies_webhook(webhook.body, webhook.signature)


async def test_a_webhook_that_is_refused_comes_again_with_its_event_id(
    stand: Stand, gateway: PaymentGateway
) -> None:
    stand.refusals = 1
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="failed")
    (webhook,) = await stand.webhook_count(1)
    assert webhook.event_id


async def test_capture_and_refund_are_told_by_webhook(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    answer = await stand.attempt(order.id, outcome="authorized", webhook="none")
    payment_id = answer.json()["razorpay_payment_id"]
    await gateway.capture(payment_id, amount_paise=52500, currency="INR")
    await stand.webhook_count(2)
    made = await gateway.refund(payment_id, body="{}", idempotency_key="rf-0123456789")
    await gateway.refund(payment_id, body="{}", idempotency_key="rf-0123456789")
    await stand.webhook_count(4)
    await asyncio.sleep(0.1)
    assert _kinds(stand) == [
        "payment.captured",
        "order.paid",
        "refund.created",
        "refund.processed",
    ]
    assert gateway.parse_webhook(stand.webhooks[3].body).refund == made


async def test_razorpays_validation_speaks_razorpays_language(stand: Stand) -> None:
    gateway: Any = build_gateway(stand.settings)
    auth = (gateway.key_id, gateway._key_secret)
    url = "/sandbox/razorpay/v1/orders"
    good = {"amount": 100, "currency": "INR"}
    for change, field in [
        ({"amount": 99}, "amount"),
        ({"amount": 100.5}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": "XYZ"}, "currency"),
        ({"receipt": "r" * 41}, "receipt"),
        ({"notes": {str(number): "x" for number in range(16)}}, "notes"),
        (
            {"payment": {"capture": "automatic", "capture_options": {}}},
            "automatic_expiry_period",
        ),
        ({"surprise": 1}, None),
    ]:
        answer = await stand.http.post(url, json=good | change, auth=auth)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "BAD_REQUEST_ERROR"
        assert answer.json()["error"].get("field") == field
    made = (await stand.http.post(url, json=good, auth=auth)).json()
    assert made["notes"] == []
    assert (await stand.http.get(f"{url}/{made['id']}", auth=auth)).json() == made
    assert (await stand.http.get(url, auth=auth)).json()["items"] == [made]
    assert (await stand.http.post(url, json=good)).status_code == 401


async def test_the_checkout_needs_no_secret_and_stays_up_when_the_api_is_down(
    stand: Stand, gateway: PaymentGateway
) -> None:
    order = await new_order(gateway)
    await stand.fault("razorpay", "down")
    script = await stand.http.get("/sandbox/razorpay/checkout.js")
    assert script.headers["content-type"].startswith("text/javascript")
    assert "window.Razorpay" in script.text
    shown = (await stand.http.get(f"/sandbox/razorpay/orders/{order.id}")).json()
    assert (shown["amount"], shown["key"]) == (52500, gateway.key_id)
    assert (await stand.attempt(order.id, outcome="captured")).status_code == 200
    await stand.webhook_count(3)


async def test_an_unknown_order_cannot_be_paid(stand: Stand) -> None:
    answer = await stand.attempt("order_00000000000000", outcome="captured")
    assert answer.status_code == 400
    assert answer.json()["error"]["description"] == "The id provided does not exist"
    assert (await stand.attempt("order_x", outcome="stolen")).status_code == 422
