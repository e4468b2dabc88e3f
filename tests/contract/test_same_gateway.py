"""One suite for Razorpay's SDK over HTTP and for the gateway the engine is tested with."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from surge_app.clock import new_id, utc_now
from surge_app.services.vendors.ports import (
    GatewayOrder,
    PaymentGateway,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import load_settings
from tests.contract.accounts import razorpay
from tests.engine.gateway import Callback, Fault, InProcessGateway

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tests.contract.serving import Stand

BODY = json.dumps({"amount": 52_500, "receipt": "refund-1"})


@dataclass
class Bank:
    """A gateway behind its port, someone who pays, and how to spoil its day for a block.

    The hasty one waits so briefly that only a silence may be asked of it.
    """

    gateway: PaymentGateway
    hasty: PaymentGateway
    attempt: Callable[..., Awaitable[Callback]]
    failing: Callable[[str], AbstractAsyncContextManager[None]]

    async def order(self) -> GatewayOrder:
        """Make an order over ₹525."""
        return await self.gateway.create_order(
            receipt=new_id(), amount_paise=52_500, currency="INR"
        )

    async def paid(self, outcome: str = "captured") -> str:
        """Pay an order and return the payment's id."""
        return (await self.attempt((await self.order()).id, outcome)).payment_id


def _fake() -> Bank:
    gateway = InProcessGateway(sandbox_keys(load_settings(secret_key=("a-secret-of-this-test",))))

    async def attempt(order_id: str, outcome: str, **offer: Any) -> Callback:
        return await gateway.attempt(order_id, outcome, **offer)  # type: ignore[arg-type]

    @asynccontextmanager
    async def failing(mode: str) -> AsyncGenerator[None]:
        with gateway.failing({"down": Fault.DOWN, "hang": Fault.LOST_ANSWER}[mode]):
            yield

    return Bank(gateway, gateway, attempt, failing)


def _real(stand: Stand) -> Bank:
    async def attempt(order_id: str, outcome: str, **offer: Any) -> Callback:
        wanted = {"outcome": outcome, "webhook": "none", **offer}
        answer = (await stand.attempt(order_id, **wanted)).json()
        if outcome == "failed":
            return Callback(order_id, answer["error"]["metadata"]["payment_id"], "")
        return Callback(order_id, answer["razorpay_payment_id"], answer["razorpay_signature"])

    @asynccontextmanager
    async def failing(mode: str) -> AsyncGenerator[None]:
        await stand.fault("razorpay", mode)
        yield
        await stand.fault("razorpay", "ok")

    hasty = razorpay(stand, timeouts=(30.0, 1.0))
    return Bank(razorpay(stand), hasty, attempt, failing)


@pytest.fixture(params=["sdk", "fake"])
def bank(request: pytest.FixtureRequest) -> Bank:
    """Both, one after the other."""
    if request.param == "fake":
        return _fake()
    return _real(request.getfixturevalue("stand"))


async def test_a_receipt_has_one_order_and_one_amount(bank: Bank) -> None:
    order = await bank.order()
    wanted = {"receipt": order.receipt, "currency": "INR"}
    assert await bank.gateway.create_order(**wanted, amount_paise=52_500) == order
    with pytest.raises(ProviderRejected):
        await bank.gateway.create_order(**wanted, amount_paise=52_600)


async def test_every_attempt_is_listed_and_the_callback_is_signed(bank: Bank) -> None:
    since = utc_now() - timedelta(seconds=2)
    order = await bank.order()
    failed = await bank.attempt(order.id, "failed")
    paid = await bank.attempt(order.id, "captured")
    listed = {one.id: one.status for one in await bank.gateway.order_payments(order.id)}
    assert listed == {failed.payment_id: "failed", paid.payment_id: "captured"}
    fields = {"order_id": order.id, "payment_id": paid.payment_id, "signature": paid.signature}
    assert bank.gateway.verifies_callback(**fields)
    assert not bank.gateway.verifies_callback(**{**fields, "payment_id": failed.payment_id})
    until = utc_now() + timedelta(seconds=2)
    recent = await bank.gateway.recent_payments(since, until)
    assert {one.id for one in recent} == set(listed)


async def test_an_authorized_payment_is_captured_once(bank: Bank) -> None:
    payment = await bank.paid("authorized")
    with pytest.raises(ProviderRejected):
        await bank.gateway.capture(payment, amount_paise=52_600, currency="INR")
    captured = await bank.gateway.capture(payment, amount_paise=52_500, currency="INR")
    assert (captured.status, captured.amount_paise) == ("captured", 52_500)
    assert await bank.gateway.capture(payment, amount_paise=52_500, currency="INR") == captured
    assert await bank.gateway.payment(payment) == captured


@pytest.mark.parametrize("outcome", ["authorized", "captured"])
@pytest.mark.parametrize(("is_offer", "discount"), [(True, 10_000), (False, 0)])
async def test_a_discount_is_what_the_gateway_itself_reports(
    bank: Bank, outcome: str, *, is_offer: bool, discount: int
) -> None:
    order = await bank.order()
    paid = await bank.attempt(order.id, outcome, amount_paise=42_500, is_offer=is_offer)
    payment = await bank.gateway.payment(paid.payment_id)
    assert await bank.gateway.discount_paise(payment) == discount


async def test_a_repeated_refund_is_the_same_and_its_key_keeps_to_its_body(bank: Bank) -> None:
    payment, key = await bank.paid(), f"refund-{new_id()}"
    made = await bank.gateway.refund(payment, body=BODY, idempotency_key=key)
    assert (await bank.gateway.refund(payment, body=BODY, idempotency_key=key)).id == made.id
    with pytest.raises(ProviderRejected):
        await bank.gateway.refund(payment, body=f"{BODY} ", idempotency_key=key)
    assert [one.id for one in await bank.gateway.payment_refunds(payment)] == [made.id]
    with pytest.raises(ProviderRejected):
        await bank.gateway.payment("pay_Unknown0000000")


async def test_one_that_is_down_did_nothing_and_says_so(bank: Bank) -> None:
    order = await bank.order()
    async with bank.failing("down"):
        with pytest.raises(ProviderUnavailable):
            await bank.gateway.order_payments(order.id)
        with pytest.raises(ProviderUnavailable):
            await bank.gateway.ping()
    assert await bank.gateway.order_payments(order.id) == []


async def test_one_that_falls_silent_may_have_done_it(bank: Bank) -> None:
    payment, key = await bank.paid(), f"refund-{new_id()}"
    async with bank.failing("hang"):
        with pytest.raises(ProviderOutcomeUnknown):
            await bank.hasty.refund(payment, body=BODY, idempotency_key=key)
    (found,) = await bank.gateway.payment_refunds(payment)
    assert (await bank.gateway.refund(payment, body=BODY, idempotency_key=key)).id == found.id
