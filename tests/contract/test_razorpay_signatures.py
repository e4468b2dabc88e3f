"""What Razorpay signs: verified with the right keys and secrets alone, and read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surge_app.errors import ConfigurationError
from surge_app.providers import RazorpayGateway, build_gateway
from surge_app.providers.razorpay_wire import signature_matches
from surge_app.services.vendors.ports import GatewayRefundStatus, ProviderRejected
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import load_settings
from tests.contract.accounts import RECEIPT

if TYPE_CHECKING:
    from tests.contract.serving import Stand


FIXTURES = Path(__file__).parent / "fixtures" / "razorpay"


SIGNATURES = json.loads((FIXTURES / "signatures.json").read_text())


EVENTS = ["payment.captured", "payment.failed", "order.paid", "refund.processed"]


def _fixture_gateway(*secrets: str) -> RazorpayGateway:
    return RazorpayGateway(
        "rzp_test_x", SIGNATURES["key_secret"], secrets, "http://127.0.0.1:9", "/x.js"
    )


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
