"""The real Razorpay SDK against the stand-in, over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import certifi
import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from surge_app.clock import utc_now
from surge_app.errors import ConfigurationError
from surge_app.providers import RazorpayGateway, build_gateway
from surge_app.providers.razorpay_wire import signature_matches
from surge_app.providers.transport import VendorSession
from surge_app.services.ports import (
    GatewayPaymentStatus,
    GatewayRefundStatus,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from surge_app.services.sandbox_keys import sandbox_keys
from surge_app.settings import load_settings
from tests.contract.serving import free_port, serve

if TYPE_CHECKING:
    from tests.contract.serving import Stand

FIXTURES = Path(__file__).parent / "fixtures" / "razorpay"
SIGNATURES = json.loads((FIXTURES / "signatures.json").read_text())
EVENTS = ["payment.captured", "payment.failed", "order.paid", "refund.processed"]
RECEIPT = "01JD9Z6W5T8QK3M2R7V4X1C0BN"


@pytest.fixture
def gateway(stand: Stand) -> RazorpayGateway:
    return _gateway(stand)


def _gateway(stand: Stand, **changes: object) -> RazorpayGateway:
    keys = sandbox_keys(stand.settings)
    wanted = {
        "key_id": keys.razorpay_key_id,
        "key_secret": keys.razorpay_key_secret,
        "webhook_secrets": keys.razorpay_webhook_secrets,
        "base_url": f"{stand.settings.local_url}/sandbox/razorpay",
        "checkout_script_url": "/sandbox/razorpay/checkout.js",
    }
    return RazorpayGateway(**(wanted | changes))  # type: ignore[arg-type]


def _fixture_gateway(*secrets: str) -> RazorpayGateway:
    return RazorpayGateway(
        "rzp_test_x", SIGNATURES["key_secret"], secrets, "http://127.0.0.1:9", "/x.js"
    )


async def _paid(stand: Stand, gateway: RazorpayGateway, outcome: str = "captured") -> str:
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    answer = await stand.attempt(order.id, outcome=outcome, webhook="none")
    return answer.json()["razorpay_payment_id"]


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
    await stand.fault("razorpay", "hang", 1.5)
    gateway = _gateway(stand, timeouts=(1.0, 1.0))
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
    payment_id = await _paid(stand, gateway, "authorized")
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
    payment_id = await _paid(stand, gateway, "authorized")
    with pytest.raises(ProviderRejected, match="equal to the amount authorized"):
        await gateway.capture(payment_id, amount_paise=100, currency="INR")


async def test_a_repeated_refund_is_the_same_refund(stand: Stand, gateway: RazorpayGateway) -> None:
    payment_id = await _paid(stand, gateway)
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
    payment_id = await _paid(stand, gateway)
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
    payment_id = await _paid(stand, gateway)
    await gateway.refund(payment_id, body='{"amount":500}', idempotency_key="rf-0123456789")
    with pytest.raises(ProviderRejected, match="idempotency key"):
        await gateway.refund(payment_id, body='{"amount":600}', idempotency_key="rf-0123456789")


async def test_a_refund_made_before_is_found_by_its_receipt(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    payment_id = await _paid(stand, gateway)
    body = '{"receipt":"rf-1"}'
    first = await gateway.refund(payment_id, body=body, idempotency_key="rf-0123456789")
    # Another key stands for a vendor that does not know the header.
    again = await gateway.refund(payment_id, body=body, idempotency_key="rf-9876543210")
    assert again == first
    with pytest.raises(ProviderRejected, match="refunded already"):
        await gateway.refund(payment_id, body='{"receipt":"rf-2"}', idempotency_key="rf-0000000000")


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
    payment_id = await _paid(stand, _gateway(stand), "authorized")
    gateway = _gateway(stand, timeouts=(1.0, 0.4))
    await stand.fault("razorpay", "hang", 20)
    with pytest.raises(ProviderOutcomeUnknown):
        await gateway.capture(payment_id, amount_paise=52500, currency="INR")
    with pytest.raises(ProviderOutcomeUnknown):
        await gateway.create_order(receipt="other", amount_paise=52500, currency="INR")
    with pytest.raises(ProviderUnavailable):
        await gateway.payment(payment_id)
    await stand.fault("razorpay", "ok")
    assert (await gateway.payment(payment_id)).status is GatewayPaymentStatus.CAPTURED


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
        await _gateway(stand, key_secret="guessed").payment("pay_00000000000000")


async def test_an_unknown_or_impossible_id_is_rejected(gateway: RazorpayGateway) -> None:
    with pytest.raises(ProviderRejected, match="does not exist"):
        await gateway.payment("pay_00000000000000")
    with pytest.raises(ProviderRejected):
        await gateway.payment("../orders")


async def test_the_checkouts_signature_is_verified(stand: Stand, gateway: RazorpayGateway) -> None:
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    fields = (await stand.attempt(order.id, outcome="captured", webhook="none")).json()
    payment_id, signature = fields["razorpay_payment_id"], fields["razorpay_signature"]
    assert gateway.verifies_callback(order_id=order.id, payment_id=payment_id, signature=signature)
    for order_id, payment, signed in [
        ("order_other", payment_id, signature),
        (order.id, "pay_other", signature),
        (order.id, payment_id, signature[:-1] + "x"),
        (order.id, payment_id, ""),
        (order.id, payment_id, "ü" * 64),
    ]:
        assert not gateway.verifies_callback(
            order_id=order_id, payment_id=payment, signature=signed
        )


def test_the_signature_vectors_of_the_reference_are_verified() -> None:
    gateway = _fixture_gateway("a-newer-secret", SIGNATURES["webhook_secret"])
    for name in EVENTS:
        body = (FIXTURES / f"{name}.json").read_bytes()
        signature = SIGNATURES["X-Razorpay-Signature"][name]
        assert gateway.verifies_webhook(body, signature)
        assert not gateway.verifies_webhook(body + b" ", signature)
        assert not _fixture_gateway("another").verifies_webhook(body, signature)
    assert gateway.verifies_callback(
        order_id=SIGNATURES["order_id"],
        payment_id=SIGNATURES["payment_id"],
        signature=SIGNATURES["X-Razorpay-Signature"]["handler"],
    )


def test_the_events_of_the_reference_are_read() -> None:
    gateway = _fixture_gateway("w")
    events = [gateway.parse_webhook((FIXTURES / f"{name}.json").read_bytes()) for name in EVENTS]
    assert [event.kind for event in events] == EVENTS
    payments = [event.payment for event in events]
    assert [payment and payment.status.value for payment in payments] == [
        "captured",
        "failed",
        "captured",
        "refunded",
    ]
    assert payments[1] is not None
    assert payments[1].error_description is not None
    assert events[3].refund is not None
    assert events[3].refund.status is GatewayRefundStatus.PROCESSED


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"event":7}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_event_is_rejected(body: bytes) -> None:
    with pytest.raises(ProviderRejected):
        _fixture_gateway("w").parse_webhook(body)


@pytest.mark.parametrize(
    "payload",
    [
        None,
        [],
        {"payment": None},
        {"payment": {"entity": []}},
        {"payment": {"entity": {"id": "pay_1", "notes": []}}},
        {"payment": {"entity": {"id": "p", "order_id": None, "amount": 1, "currency": "INR"}}},
        {"refund": {"entity": {"id": "r", "payment_id": "p", "amount": True}}},
    ],
)
def test_an_event_with_odd_parts_is_read_without_them(payload: object) -> None:
    event = _fixture_gateway("w").parse_webhook(
        json.dumps({"event": "payment.captured", "payload": payload}).encode()
    )
    assert (event.kind, event.payment, event.refund) == ("payment.captured", None, None)


@pytest.mark.parametrize("secrets", [(), ("",), ("good", "")])
def test_an_empty_secret_is_refused_and_verifies_nothing(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError):
        _fixture_gateway(*secrets)
    body = (FIXTURES / "payment.captured.json").read_bytes()
    signature = SIGNATURES["X-Razorpay-Signature"]["payment.captured"]
    assert not signature_matches(body, signature, secrets)
    assert not signature_matches(body, None, ("good",))


def test_without_keys_the_gateway_is_the_stand_in_and_production_refuses_it() -> None:
    settings = load_settings(port=4321, secret_key=("s",))
    gateway = build_gateway(settings)
    assert gateway.key_id.startswith("rzp_test_")
    assert gateway.checkout_script_url == "/sandbox/razorpay/checkout.js"
    with pytest.raises(ConfigurationError):
        build_gateway(settings.model_copy(update={"env": "production"}))


def test_two_installs_do_not_share_sandbox_secrets() -> None:
    one = sandbox_keys(load_settings(secret_key=("one",)))
    two = sandbox_keys(load_settings(secret_key=("two", "one")))
    assert one.razorpay_key_secret != two.razorpay_key_secret
    assert one.razorpay_webhook_secrets[0] in two.razorpay_webhook_secrets
    with pytest.raises(ConfigurationError):
        sandbox_keys(load_settings(secret_key=()))


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
async def test_every_call_has_its_time_outs_and_todays_certificates(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, object]] = []
    inner = VendorSession.send

    def record(self: VendorSession, request: object, **options: object) -> object:
        sent.append(options)
        return inner(self, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(VendorSession, "send", record)
    error = {"error": {"code": "BAD_REQUEST_ERROR", "description": "already unique"}}
    async with _answering(400, json.dumps(error)) as gateway:
        with pytest.raises(ProviderRejected):
            await CALLS[name](gateway)
    assert sent
    for options in sent:
        assert options["timeout"] == (3.0, 8.0)
        assert options["verify"] == certifi.where()


async def test_no_thread_shares_its_client_and_none_repeats_a_call_by_itself(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    await asyncio.gather(*(gateway.ping() for _ in range(16)))
    here = gateway._client()
    assert here is gateway._client()
    elsewhere = await asyncio.to_thread(gateway._client)
    assert elsewhere is not here
    assert not here.retry_enabled  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", ["down", "http_429", "http_502_html"])
async def test_a_ping_tells_whether_the_gateway_answers(
    stand: Stand, gateway: RazorpayGateway, mode: str
) -> None:
    await gateway.ping()
    await stand.fault("razorpay", mode)
    with pytest.raises(ProviderUnavailable):
        await gateway.ping()


async def test_silence_is_told_from_a_refusal(stand: Stand) -> None:
    gateway = _gateway(stand, timeouts=(1.0, 0.3))
    await stand.fault("razorpay", "hang", 5)
    with pytest.raises(ProviderUnavailable) as silent:
        await gateway.ping()
    await stand.fault("razorpay", "down")
    with pytest.raises(ProviderUnavailable) as refused:
        await gateway.ping()
    assert (silent.value.timed_out, refused.value.timed_out) == (True, False)


@pytest.mark.parametrize(
    "base_url",
    [
        "http://127.0.0.1:3000/sandbox/razorpay",
        "http://api.razorpay.com",
        "https://api.razorpay.com.example.org",
        "https://api.razorpay.com@example.org",
    ],
)
def test_a_live_key_is_shown_to_razorpay_alone(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match="live"):
        RazorpayGateway("rzp_live_x", "s", ("w",), base_url, "/x.js")
    RazorpayGateway("rzp_live_x", "s", ("w",), "https://api.razorpay.com", "/x.js")


def _event_of_mode(mode: str | None, *, of: str = "payment") -> bytes:
    entity = {"id": "pay_1", "order_id": "order_1", "amount": 1, "currency": "INR"}
    entity |= {"status": "captured", "notes": {"surge_mode": mode} if mode else []}
    event = {
        "event": "payment.captured",
        "account_id": "acc_1",
        "payload": {of: {"entity": entity}},
    }
    return json.dumps(event).encode()


@pytest.mark.parametrize("of", ["payment", "order"])
def test_an_event_of_test_mode_is_rejected_by_a_live_install(of: str) -> None:
    live = RazorpayGateway("rzp_live_x", "s", ("w",), "https://api.razorpay.com", "/x.js")
    test = _fixture_gateway("w")
    for gateway, mine, other in ((live, "live", "test"), (test, "test", "live")):
        event = gateway.parse_webhook(_event_of_mode(mine, of=of))
        assert (event.mode, event.account_id) == (mine, "acc_1")
        assert gateway.parse_webhook(_event_of_mode(None, of=of)).mode is None
        with pytest.raises(ProviderRejected, match=f"{other} mode"):
            gateway.parse_webhook(_event_of_mode(other, of=of))


async def test_the_webhooks_of_an_order_say_the_mode_of_its_key(
    stand: Stand, gateway: RazorpayGateway
) -> None:
    order = await gateway.create_order(receipt=RECEIPT, amount_paise=52500, currency="INR")
    await stand.attempt(order.id, outcome="captured")
    events = [gateway.parse_webhook(one.body) for one in await stand.webhook_count(3)]
    assert [event.mode for event in events] == ["test"] * 3
