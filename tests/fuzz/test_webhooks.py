"""Webhooks with any body. A vendor that signs is believed to be the vendor, and nothing further."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given, strategies as st
from sqlalchemy import text
from twilio.request_validator import RequestValidator

from surge_app.container import Container
from surge_app.services.vendors.sandbox_credentials import SandboxKeys, sandbox_keys
from tests.conftest import Surge, eventually
from tests.fuzz.bounds import ANY_JSON, NOT_JSON, ODD, bounded, internal_names, raw, spoiled
from tests.fuzz.conftest import Somebody

HEADER = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=30)
ODD_HEADER = HEADER | st.sampled_from(["9" * 5_000, "a" * 5_000, "-1", "0x10", "==", "é".encode()])
PAYMENT = {
    "id": "pay_fuzz",
    "order_id": "order_fuzz",
    "amount": 100_000,
    "currency": "INR",
    "status": "captured",
    "method": "upi",
    "error_description": "none",
    "notes": {"surge_mode": "test"},
}
REFUND = {
    "id": "rfnd_fuzz",
    "payment_id": "pay_fuzz",
    "amount": 1,
    "status": "processed",
    "receipt": "x",
}
RAZORPAY = {
    "event": "payment.captured",
    "account_id": "acc_fuzz",
    "payload": {"payment": {"entity": PAYMENT}, "refund": {"entity": REFUND}},
}
BODIES = st.one_of(NOT_JSON, ANY_JSON.map(raw), spoiled(RAZORPAY).map(raw))


@pytest.fixture
def keys(surge: Surge) -> SandboxKeys:
    return sandbox_keys(surge.settings)


@pytest.fixture
def http(surge: Surge) -> Generator[httpx.Client]:
    with httpx.Client(base_url=surge.url, timeout=30) as client:
        yield client


def _is(answer: httpx.Response, *allowed: int) -> None:
    assert answer.status_code in allowed, answer.text
    assert internal_names(answer.text) == []


@pytest.mark.parametrize(
    ("vendor", "headers"),
    [
        ("razorpay", ("x-razorpay-signature", "x-razorpay-event-id")),
        (
            "sendgrid",
            (
                "x-twilio-email-event-webhook-signature",
                "x-twilio-email-event-webhook-timestamp",
            ),
        ),
        ("twilio", ("x-twilio-signature", "content-type")),
    ],
)
def test_what_no_vendor_signed_is_refused(
    vendor: str, headers: tuple[str, str], http: httpx.Client
) -> None:
    @bounded(20)
    @given(body=BODIES, first=ODD_HEADER, second=ODD_HEADER | st.just(str(int(time.time()))))
    def send(body: bytes, first: str | bytes, second: str | bytes) -> None:
        sent = dict(zip(headers, (first, second), strict=True))
        # Some of the bodies are larger than anything a vendor sends.
        _is(http.post(f"/api/webhooks/{vendor}", content=body, headers=sent), 400, 413)

    send()


async def test_whatever_the_gateway_signs_is_stored_and_dealt_with(
    http: httpx.Client, keys: SandboxKeys, services: Container
) -> None:
    digests: set[bytes] = set()

    @bounded(60)
    @given(body=BODIES, event_id=st.none() | ODD_HEADER)
    def send(body: bytes, event_id: str | bytes | None) -> None:
        secret = keys.razorpay_webhook_secrets[0].encode()
        headers = {"x-razorpay-signature": hmac.new(secret, body, hashlib.sha256).hexdigest()}
        if event_id:
            headers["x-razorpay-event-id"] = event_id
        _is(http.post("/api/webhooks/razorpay", content=body, headers=headers), 200)
        digests.add(hashlib.sha256(body).digest())

    send()

    async def all_done() -> bool:
        async with services.database.transaction() as session:
            query = text(
                "SELECT count(*) FROM webhook_inbox"
                " WHERE body_sha256 = ANY(:digests) AND processed_at IS NULL"
            )
            return not await session.scalar(query, {"digests": list(digests)})

    await eventually(all_done, about="an end of every webhook")


async def test_whatever_the_mail_provider_signs_is_read_or_refused(
    http: httpx.Client, keys: SandboxKeys, services: Container, somebody: Somebody
) -> None:
    event = {
        "event": "delivered",
        "sg_event_id": "fuzz",
        "timestamp": 1_700_000_000,
        "outbox_id": await _message(services, somebody.ref, "email"),
        "sg_message_id": "fuzz.recvd",
        "reason": "500 no",
        "response": "250 OK",
    }
    private = ec.derive_private_key(keys.sendgrid_event_key, ec.SECP256R1())
    lists = st.lists(spoiled(event) | ODD, max_size=4).map(raw)

    @bounded(60)
    @given(body=lists | BODIES)
    def send(body: bytes) -> None:
        stamp = str(int(time.time()))
        signature = private.sign(stamp.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            "x-twilio-email-event-webhook-signature": base64.b64encode(signature).decode(),
            "x-twilio-email-event-webhook-timestamp": stamp,
        }
        _is(http.post("/api/webhooks/sendgrid", content=body, headers=headers), 204, 400)

    send()


async def test_whatever_the_sms_provider_signs_is_read_or_refused(
    http: httpx.Client, keys: SandboxKeys, services: Container, somebody: Somebody, surge: Surge
) -> None:
    message = await _message(services, somebody.ref, "sms")
    form: dict[str, Any] = {
        "MessageSid": "SMfuzz",
        "MessageStatus": "delivered",
        "ErrorCode": "30005",
        "To": "+919800000000",
    }
    words = st.text(max_size=20) | st.sampled_from(["\0", "x" * 3_000, "undelivered", "🎟"])
    values = {name: st.just(value) | words for name, value in form.items()}
    validator = RequestValidator(keys.twilio_auth_token)

    @bounded(40)
    @given(fields=st.fixed_dictionaries({}, optional=values), named=st.just(message) | words)
    def send(fields: dict[str, str], named: str) -> None:
        query = urlencode({"message": named}, errors="replace")
        signature = validator.compute_signature(
            f"{surge.settings.local_url}/api/webhooks/twilio?{query}", fields
        )
        answer = http.post(
            f"/api/webhooks/twilio?{query}",
            content=urlencode(fields, errors="replace"),
            headers={"x-twilio-signature": signature},
        )
        # Text that cannot be kept is refused at the gate when it stands in the address.
        _is(answer, 204, 414, 422)

    send()


async def _message(services: Container, ref: str, channel: str) -> str:
    async with services.database.transaction() as session:
        query = text(
            "SELECT m.id FROM message_outbox m JOIN bookings b ON b.id = m.booking_id"
            " WHERE b.ref = :ref AND m.channel = :channel"
        )
        return str(await session.scalar(query, {"ref": ref, "channel": channel}))
