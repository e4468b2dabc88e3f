"""The gateway the proofs stand on must itself behave as the sandbox does."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from surge_app.services.vendors.ports import (
    GatewayPaymentStatus,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault, InProcessGateway

_BODY = '{"amount":52500,"speed":"normal","receipt":"rf-1"}'


@pytest.fixture
def alone(backing: Settings) -> InProcessGateway:
    return InProcessGateway(sandbox_keys(backing))


async def _order(alone: InProcessGateway) -> str:
    made = await alone.create_order(receipt="intent-1", amount_paise=52_500, currency="INR")
    return made.id


async def test_one_receipt_is_one_order_and_never_another_amount(
    alone: InProcessGateway,
) -> None:
    order_id = await _order(alone)
    assert await _order(alone) == order_id
    with pytest.raises(ProviderRejected):
        await alone.create_order(receipt="intent-1", amount_paise=1_000, currency="INR")


async def test_a_lost_answer_took_effect_and_a_lost_request_did_not(
    alone: InProcessGateway,
) -> None:
    order_id = await _order(alone)
    paid = await alone.attempt(order_id, "authorized")
    with alone.failing(Fault.DOWN), pytest.raises(ProviderUnavailable):
        await alone.payment(paid.payment_id)
    with alone.failing(Fault.LOST_REQUEST), pytest.raises(ProviderOutcomeUnknown):
        await alone.capture(paid.payment_id, amount_paise=52_500, currency="INR")
    assert (await alone.payment(paid.payment_id)).status == GatewayPaymentStatus.AUTHORIZED
    with alone.failing(Fault.LOST_ANSWER), pytest.raises(ProviderOutcomeUnknown):
        await alone.capture(paid.payment_id, amount_paise=52_500, currency="INR")
    assert (await alone.payment(paid.payment_id)).status == GatewayPaymentStatus.CAPTURED


async def test_the_same_refund_is_made_once_and_a_changed_one_is_refused(
    alone: InProcessGateway,
) -> None:
    paid = await alone.attempt(await _order(alone), "captured")
    key = "rf-0123456789"
    made = await alone.refund(paid.payment_id, body=_BODY, idempotency_key=key)
    again = await alone.refund(paid.payment_id, body=_BODY, idempotency_key=key)
    assert made == again
    with pytest.raises(ProviderRejected):
        await alone.refund(paid.payment_id, body=_BODY + " ", idempotency_key=key)


async def test_its_webhooks_are_signed_over_their_bytes(alone: InProcessGateway) -> None:
    paid = await alone.attempt(await _order(alone), "captured")
    assert [hook.kind for hook in alone.webhooks] == [
        "payment.authorized",
        "payment.captured",
        "order.paid",
    ]
    hook = alone.webhooks[1]
    assert alone.verifies_webhook(hook.body, hook.signature)
    assert not alone.verifies_webhook(hook.body + b" ", hook.signature)
    assert not alone.verifies_webhook(hook.body, replace(hook, signature="").signature)
    assert json.loads(hook.body)["payload"]["payment"]["entity"]["id"] == paid.payment_id


async def test_a_sale_can_be_driven_from_hold_to_ticket(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    intent, visitor = await sale.hold(sale.line(2))
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"
    for hook in [hook for hook in sale.gateway.webhooks if hook.order_id == order.order_id]:
        await sale.deliver(hook)
    assert await sale.counts() == {"available": 1, "held": 0, "sold": 2, "withdrawn": 0}
    assert await sale.violations() == []
