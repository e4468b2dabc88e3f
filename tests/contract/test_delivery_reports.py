"""What the vendors tell of messages: verified by their SDKs, and the same from their twins."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fastapi import FastAPI, Request, Response
from twilio.request_validator import RequestValidator

from surge_app.errors import ConfigurationError
from surge_app.launcher.ports import free_port
from surge_app.models import DeliveryStatus
from surge_app.providers import build_mail_reports, build_sms_reports
from surge_app.providers.delivery_reports import SendGridReports, TwilioReports, event_public_key
from surge_app.sandbox.delivery_events import DeliveryEvents
from surge_app.services.vendors.ports import DeliveryReport, ProviderRejected
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import load_settings
from tests.contract.serving import serve, until

NUMBER = 0xC0FFEE
URL = "https://tickets.example.in/api/webhooks/twilio"
TOKEN = "a-token"
EVENT = {
    "email": "asha@example.com",
    "event": "bounce",
    "timestamp": 1_700_000_000,
    "sg_event_id": "event-1",
    "sg_message_id": "abc.filter1",
    "outbox_id": "01JD9Z6W5T8QK3M2R7V4X1C0BN",
    "reason": "550 no such user",
}
FORM = {"MessageSid": "SM1", "MessageStatus": "undelivered", "To": "+919876543210"}


def _signed(body: bytes, *, number: int = NUMBER, age: float = 0) -> dict[str, str]:
    timestamp = str(int(time.time() - age))
    private = ec.derive_private_key(number, ec.SECP256R1())
    signature = private.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return {"signature": base64.b64encode(signature).decode(), "timestamp": timestamp}


mail = SendGridReports((event_public_key(1234), event_public_key(NUMBER)))
sms = TwilioReports(TOKEN, URL)


def test_a_signed_batch_of_mail_events_is_read() -> None:
    opened = EVENT | {"event": "open", "sg_event_id": "event-2"}
    body = json.dumps([EVENT, opened, "odd", {"event": "delivered"}]).encode()
    (report,) = mail.read(body, **_signed(body))
    assert (report.key, report.message_id) == ("event-1", EVENT["outbox_id"])
    assert (report.word, report.status) == ("bounce", DeliveryStatus.BOUNCED)
    assert (report.provider_id, report.detail) == ("abc", "550 no such user")


@pytest.mark.parametrize("change", ["body", "signature", "timestamp", "key", "age", "none", "odd"])
def test_mail_events_nobody_signed_lately_are_refused(change: str) -> None:
    body = json.dumps([EVENT]).encode()
    signed: dict[str, Any] = _signed(body)
    if change == "body":
        body = body.replace(b"bounce", b"dropped")
    elif change == "timestamp":
        signed["timestamp"] = str(int(signed["timestamp"]) + 1)
    elif change == "key":
        signed = _signed(body, number=NUMBER + 1)
    elif change == "age":
        signed = _signed(body, age=26 * 3600)
    elif change == "none":
        signed["signature"] = None
    else:
        signed["signature"] = "!" if change == "odd" else base64.b64encode(b"x" * 70).decode()
    with pytest.raises(ProviderRejected):
        mail.read(body, **signed)


@pytest.mark.parametrize("body", [b"{}", b"[", b"\xff", b'"text"'])
def test_a_signed_body_that_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(ProviderRejected):
        mail.read(body, **_signed(body))


def test_a_key_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigurationError):
        SendGridReports(("not a key",))


def test_a_signed_status_of_an_sms_is_read() -> None:
    signature = RequestValidator(TOKEN).compute_signature(f"{URL}?message=01ABC", FORM)
    body = urlencode(FORM).encode()
    (report,) = sms.read(body, query="message=01ABC", signature=signature)
    assert (report.message_id, report.provider_id) == ("01ABC", "SM1")
    assert (report.key, report.status) == ("SM1:undelivered", DeliveryStatus.BOUNCED)
    for wrong in ({"query": "message=02ABC"}, {"signature": None}, {"body": body + b"&x=1"}):
        given: dict[str, Any] = {"body": body, "query": "message=01ABC", "signature": signature}
        given |= wrong
        with pytest.raises(ProviderRejected):
            sms.read(given.pop("body"), **given)


class Application:
    """Takes the twins' reports with the real verifiers; refuses the first on demand."""

    def __init__(self) -> None:
        self.settings = load_settings(port=free_port(), secret_key=("a-secret-of-this-test",))
        self.reports: list[DeliveryReport] = []
        self.refusals = 0
        self.app = FastAPI()
        self.app.add_api_route("/api/webhooks/sendgrid", self._mail, methods=["POST"])
        self.app.add_api_route("/api/webhooks/twilio", self._sms, methods=["POST"])

    async def _mail(self, request: Request) -> Response:
        if self.refusals:
            self.refusals -= 1
            return Response(status_code=500)
        reader = build_mail_reports(self.settings)
        assert reader is not None
        self.reports += reader.read(
            await request.body(),
            signature=request.headers["X-Twilio-Email-Event-Webhook-Signature"],
            timestamp=request.headers["X-Twilio-Email-Event-Webhook-Timestamp"],
        )
        return Response(status_code=204)

    async def _sms(self, request: Request) -> Response:
        self.reports += build_sms_reports(self.settings).read(
            await request.body(),
            query=request.url.query,
            signature=request.headers["X-Twilio-Signature"],
        )
        return Response(status_code=204)


@pytest_asyncio.fixture
async def application() -> Any:
    """A running application."""
    application = Application()
    async with serve(application.app, application.settings.port):
        yield application


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("asha@example.com", ["processed", "delivered"]),
        ("bounce@example.com", ["processed", "bounce"]),
        ("defer@example.com", ["processed", "deferred"]),
    ],
)
async def test_the_twin_of_sendgrid_tells_what_the_verifier_accepts(
    application: Application, to: str, words: list[str]
) -> None:
    application.refusals = 1
    settings = application.settings
    events = DeliveryEvents(f"{settings.local_url}/api/webhooks/sendgrid", sandbox_keys(settings))
    events.of_mail(to, "abc", {"outbox_id": "01ABC"})
    await until(lambda: len(application.reports) == 2)
    assert [report.word for report in application.reports] == words
    assert {report.message_id for report in application.reports} == {"01ABC"}
    await events.aclose()


@pytest.mark.parametrize(
    ("to", "word"), [("+919876543210", "delivered"), ("+919876000000", "undelivered")]
)
async def test_the_twin_of_twilio_tells_what_the_verifier_accepts(
    application: Application, to: str, word: str
) -> None:
    settings = application.settings
    events = DeliveryEvents("", sandbox_keys(settings))
    answer = {"account_sid": "AC1", "from": None, "sid": "SM1", "to": to}
    events.of_sms(f"{settings.local_url}/api/webhooks/twilio?message=01ABC", answer)
    await until(lambda: len(application.reports) == 2)
    assert [report.word for report in application.reports] == ["sent", word]
    assert application.reports[1].message_id == "01ABC"
    await events.aclose()
