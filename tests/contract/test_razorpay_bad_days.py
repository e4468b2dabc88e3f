"""Razorpay down, silent or replaced by something else: each failure has one meaning."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from fastapi import FastAPI, Response

from surge_app.clock import utc_now
from surge_app.launcher.ports import free_port
from surge_app.providers import RazorpayGateway
from surge_app.services.vendors.ports import (
    GatewayPaymentStatus,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from tests.contract.accounts import RECEIPT, new_order, paid, razorpay
from tests.contract.serving import serve

if TYPE_CHECKING:
    from tests.contract.serving import Stand


@pytest.mark.parametrize("mode", ["down", "http_429", "http_502_html"])
async def test_a_vendor_that_surely_did_nothing_is_unavailable(
    stand: Stand, gateway: RazorpayGateway, mode: str, capfd: pytest.CaptureFixture[str]
) -> None:
    await stand.fault("razorpay", mode)
    with pytest.raises(ProviderUnavailable) as caught:
        await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    assert (caught.value.retry_after_seconds == 1) is (mode == "http_429")
    with pytest.raises(ProviderUnavailable):
        await gateway.payment("pay_00000000000000")
    await stand.fault("razorpay", "ok")
    await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    assert capfd.readouterr().out == ""


async def test_a_vendor_that_hangs_leaves_the_outcome_unknown(stand: Stand) -> None:
    patient, gateway = razorpay(stand), razorpay(stand, timeouts=(30.0, 1.0))
    payment_id = await paid(stand, patient, "authorized")
    await stand.fault("razorpay", "hang")
    with pytest.raises(ProviderOutcomeUnknown):
        await gateway.capture(payment_id, amount_paise=52500, currency="INR")
    with pytest.raises(ProviderOutcomeUnknown):
        await gateway.create_order(receipt="other", amount_paise=52500, currency="INR")
    with pytest.raises(ProviderUnavailable):
        await gateway.payment(payment_id)
    await stand.fault("razorpay", "ok")
    assert (await patient.payment(payment_id)).status is GatewayPaymentStatus.CAPTURED


async def test_a_vendor_that_does_not_listen_is_unavailable(
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    gateway = RazorpayGateway("rzp_test_x", "s", ("w",), url, "/x.js")
    with pytest.raises(ProviderUnavailable):
        await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    assert capfd.readouterr().out == ""


async def test_a_wrong_key_is_rejected(stand: Stand) -> None:
    with pytest.raises(ProviderRejected, match="Authentication failed"):
        await razorpay(stand, key_secret="guessed").payment("pay_00000000000000")


async def test_an_unknown_or_impossible_id_is_rejected(gateway: RazorpayGateway) -> None:
    with pytest.raises(ProviderRejected, match="does not exist"):
        await gateway.payment("pay_00000000000000")
    with pytest.raises(ProviderRejected):
        await gateway.payment("../orders")


@asynccontextmanager
async def _answering(status: int, body: str, **headers: str) -> AsyncGenerator[RazorpayGateway]:
    """A gateway whose vendor gives the same answer to everything."""
    app, port = FastAPI(), free_port()

    @app.api_route("/{rest:path}", methods=["GET", "POST"])
    async def answer(rest: str) -> Response:
        return Response(body, status, headers)

    gateway = RazorpayGateway("rzp_test_x", "s", ("w",), f"http://127.0.0.1:{port}", "/x.js")
    async with serve(app, port):
        yield gateway


CALLS: dict[str, Callable[[RazorpayGateway], Awaitable[object]]] = {
    "ping": lambda gateway: gateway.ping(),
    "create_order": lambda gateway: gateway.create_order(
        receipt="r", amount_paise=100, currency="INR"
    ),
    "order_payments": lambda gateway: gateway.order_payments("order_1"),
    "payment": lambda gateway: gateway.payment("pay_1"),
    "capture": lambda gateway: gateway.capture("pay_1", amount_paise=100, currency="INR"),
    "refund": lambda gateway: gateway.refund(
        "pay_1", body='{"receipt":"r"}', idempotency_key="rf-0123456789"
    ),
    "payment_refunds": lambda gateway: gateway.payment_refunds("pay_1"),
    "recent_payments": lambda gateway: gateway.recent_payments(
        utc_now() - timedelta(hours=1), utc_now()
    ),
}


MUTATING = {"create_order", "capture", "refund"}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        (200, "<html>Sign in to the network</html>", {}),
        (200, "[]", {}),
        (204, "", {}),
        (302, "", {"location": "https://elsewhere.example"}),
    ],
)
async def test_an_answer_that_is_not_razorpays_is_never_taken_for_one(
    name: str,
    status: int,
    body: str,
    headers: dict[str, str],
    capfd: pytest.CaptureFixture[str],
) -> None:
    wanted = ProviderOutcomeUnknown if name in MUTATING else ProviderUnavailable
    async with _answering(status, body, **headers) as gateway:
        with pytest.raises(wanted):
            await CALLS[name](gateway)
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", CALLS)
async def test_every_call_has_its_time_outs_and_runs_in_no_thread(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    inner = aiohttp.ClientSession.request

    def record(self: aiohttp.ClientSession, *words: str, **options: Any) -> object:
        assert threading.current_thread() is threading.main_thread()
        sent.append(options)
        return inner(self, *words, **options)

    monkeypatch.setattr(aiohttp.ClientSession, "request", record)
    error = {"error": {"code": "BAD_REQUEST_ERROR", "description": "already unique"}}
    async with _answering(400, json.dumps(error)) as gateway:
        with pytest.raises(ProviderRejected):
            await CALLS[name](gateway)
    assert sent
    for options in sent:
        timeout = options["timeout"]
        assert (timeout.sock_connect, timeout.sock_read) == (3.0, 8.0)
        assert not options["allow_redirects"]


async def test_many_calls_at_once_share_a_client_and_none_repeats_a_call_by_itself(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    orders = await asyncio.gather(*(new_order(gateway, f"receipt-{n}") for n in range(40)))
    assert [order.receipt for order in orders] == [f"receipt-{n}" for n in range(40)]
    assert not gateway._client.retry_enabled  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["down", "http_429", "http_502_html"])
async def test_a_ping_tells_whether_the_gateway_answers(
    stand: Stand, gateway: RazorpayGateway, mode: str
) -> None:
    await gateway.ping()
    await stand.fault("razorpay", mode)
    with pytest.raises(ProviderUnavailable):
        await gateway.ping()


async def test_silence_is_told_from_a_refusal(stand: Stand) -> None:
    gateway = razorpay(stand, timeouts=(30.0, 1.0))
    await stand.fault("razorpay", "hang")
    with pytest.raises(ProviderUnavailable) as silent:
        await gateway.ping()
    await stand.fault("razorpay", "down")
    with pytest.raises(ProviderUnavailable) as refused:
        await gateway.ping()
    assert (silent.value.timed_out, refused.value.timed_out) == (True, False)
