"""The real SendGrid SDK against the stand-in, over HTTP."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, Request, Response

from surge_app.errors import ConfigurationError
from surge_app.launcher.ports import free_port
from surge_app.providers import SendGridMail, build_mail
from surge_app.services.vendors.ports import (
    Attachment,
    Mail,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.contract.serving import serve

if TYPE_CHECKING:
    from tests.contract.serving import Stand

MAIL = Mail(
    message_id="01JD9Z6W5T8QK3M2R7V4X1C0BN",
    to="asha@example.com",
    to_name="Rao, Asha; Esq",
    subject="Your tickets\r\nBcc: everyone@example.com",
    text="Booking SRG-ABCD2345 is confirmed.",
    html='<p>Booking SRG-ABCD2345</p><img src="cid:qr1">',
    attachments=(
        Attachment("tickets.pdf", "application/pdf", b"%PDF-1.7"),
        Attachment("qr.png", "image/png", b"\x89PNG", content_id="qr1"),
        Attachment("event.ics", "text/calendar; method=PUBLISH", b"BEGIN:VCALENDAR"),
    ),
)


# Above it a wish is a moment in Unix time, below it a number of seconds.
_A_MOMENT = 10**9


async def test_a_mail_arrives_in_the_outbox_with_its_files_in_order(stand: Stand) -> None:
    assert await build_mail(stand.settings).send(MAIL)
    (message,) = await stand.outbox()
    assert message["channel"] == "email"
    assert message["to"] == "asha@example.com"
    assert message["body"] == MAIL.text
    assert message["booking_ref"] == "SRG-ABCD2345"
    files: Any = message["attachments"]
    assert [file["filename"] for file in files] == ["tickets.pdf", "qr.png", "event.ics"]
    assert (await stand.http.get(files[0]["url"])).content == b"%PDF-1.7"


async def test_the_request_is_what_sendgrid_wants() -> None:
    seen: list[dict[str, Any]] = []
    app = FastAPI()

    @app.post("/v3/mail/send")
    async def send(request: Request) -> Response:
        seen.append(await request.json())
        return Response(status_code=202, headers={"X-Message-Id": "abc"})

    port = free_port()
    mail = SendGridMail("SG.key", f"http://127.0.0.1:{port}", "Acme Events <tickets@example.in>")
    async with serve(app, port):
        assert await mail.send(MAIL) == "abc"
    (sent,) = seen
    assert sent["from"] == {"email": "tickets@example.in", "name": "Acme Events"}
    assert sent["subject"] == "Your tickets Bcc: everyone@example.com"
    assert sent["personalizations"] == [
        {"to": [{"email": "asha@example.com", "name": "Rao Asha Esq"}]}
    ]
    assert [part["type"] for part in sent["content"]] == ["text/plain", "text/html"]
    assert sent["custom_args"] == {"outbox_id": MAIL.message_id}
    assert sent["tracking_settings"] == {
        "click_tracking": {"enable": False, "enable_text": False},
        "open_tracking": {"enable": False},
    }
    assert sent["attachments"][1] == {
        "content": base64.b64encode(b"\x89PNG").decode(),
        "type": "image/png",
        "filename": "qr.png",
        "disposition": "inline",
        "content_id": "qr1",
    }
    assert sent["attachments"][0]["disposition"] == "attachment"


@pytest.mark.parametrize("mode", ["down", "http_429", "http_502_html"])
async def test_a_vendor_that_surely_did_nothing_is_unavailable(stand: Stand, mode: str) -> None:
    await stand.fault("sendgrid", mode)
    mail = build_mail(stand.settings)
    with pytest.raises(ProviderUnavailable) as caught:
        await mail.send(MAIL)
    assert (caught.value.retry_after_seconds == 1) is (mode == "http_429")
    await stand.fault("sendgrid", "ok")
    await mail.send(MAIL)
    assert len(await stand.outbox()) == 1


@pytest.mark.parametrize(
    ("headers", "wish"),
    [
        ({"Retry-After": "90"}, 90),
        ({"Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"}, 4_102_444_800),
        ({"X-RateLimit-Reset": "4102444800"}, 4_102_444_800),
        ({"Retry-After": "7", "X-RateLimit-Reset": "4102444800"}, 7),
        # A moment that has passed, and words that name none.
        ({"X-RateLimit-Reset": "1700000000"}, 0),
        ({"Retry-After": "soon"}, None),
        ({"X-RateLimit-Reset": "soon"}, None),
        ({}, None),
    ],
)
async def test_the_moment_sendgrid_names_is_when_to_come_back(
    headers: dict[str, str], wish: int | None
) -> None:
    app = FastAPI()

    @app.post("/v3/mail/send")
    async def send() -> Response:
        return Response('{"errors":[{"message":"too many"}]}', 429, headers)

    port, asked_at = free_port(), time.time()
    mail = SendGridMail("SG.key", f"http://127.0.0.1:{port}", "tickets@example.in")
    async with serve(app, port):
        with pytest.raises(ProviderUnavailable, match="too many") as caught:
            await mail.send(MAIL)
    told = caught.value.retry_after_seconds
    if wish is not None and wish > _A_MOMENT:
        assert told is not None
        assert told + asked_at == pytest.approx(wish, abs=60)
    else:
        assert told == wish


async def test_a_vendor_that_hangs_leaves_the_outcome_unknown(stand: Stand) -> None:
    await stand.fault("sendgrid", "hang")
    mail = SendGridMail(
        sandbox_keys(stand.settings).sendgrid_api_key,
        f"{stand.settings.local_url}/sandbox/sendgrid",
        "tickets@example.in",
        timeout_seconds=1.0,
    )
    with pytest.raises(ProviderOutcomeUnknown):
        await mail.send(MAIL)
    await stand.fault("sendgrid", "ok")
    await asyncio.sleep(1.2)
    assert await stand.outbox() == []


async def test_a_wrong_key_is_rejected(stand: Stand) -> None:
    url = f"{stand.settings.local_url}/sandbox/sendgrid"
    with pytest.raises(ProviderRejected, match="authorization grant is invalid"):
        await SendGridMail("SG.guessed", url, "tickets@example.in").send(MAIL)


async def test_a_vendor_that_does_not_listen_is_unavailable() -> None:
    mail = SendGridMail("SG.key", f"http://127.0.0.1:{free_port()}", "tickets@example.in")
    with pytest.raises(ProviderUnavailable):
        await mail.send(MAIL)


async def test_a_proxy_of_the_environment_is_not_asked_for_the_stand_in(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    await build_mail(stand.settings).send(MAIL)
    assert len(await stand.outbox()) == 1


def test_an_empty_key_or_sender_is_refused() -> None:
    for key, sender in [("", "tickets@example.in"), ("SG.key", ""), ("SG.key", "Acme")]:
        with pytest.raises(ConfigurationError):
            SendGridMail(key, "https://api.sendgrid.com", sender)
