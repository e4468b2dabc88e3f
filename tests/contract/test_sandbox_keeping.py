"""What the sandbox keeps and shows: its outbox, its faults, and when there is no sandbox."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from surge_app.errors import ConfigurationError
from surge_app.providers import build_mail
from surge_app.sandbox import create_sandbox
from surge_app.services.vendors.ports import Attachment, Mail
from surge_app.settings import load_settings
from tests.contract.accounts import new_order
from tests.contract.serving import Stand

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import PaymentGateway


async def test_the_outbox_page_escapes_what_it_shows(stand: Stand) -> None:
    mail = Mail(
        message_id="m",
        to="asha@example.com",
        to_name="Asha",
        subject="<script>alert(1)</script>",
        text="Booking SRG-ABCD2345 <b>",
        html='<h1>Hello</h1><script>alert(2)</script><img src="cid:qr">',
        attachments=(Attachment("qr.png", "image/png", b"png", content_id="qr"),),
    )
    await build_mail(stand.settings).send(mail)
    page = await stand.http.get("/sandbox/outbox")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert "script-src 'nonce-" in page.headers["content-security-policy"]
    unchanged = await stand.http.get(
        "/sandbox/outbox", headers={"If-None-Match": page.headers["etag"]}
    )
    assert unchanged.status_code == 304
    files: Any = (await stand.outbox())[0]["attachments"]
    preview = await stand.http.get(files[0]["url"].replace("/attachments/0", "/preview"))
    assert "data:image/png;base64,cG5n" in preview.text
    assert preview.headers["content-security-policy"].startswith("sandbox ")
    assert "SRG-ABCD2345" in (await stand.http.get("/sandbox/outbox?q=srg-abcd2345")).text
    assert "Nothing matches" in (await stand.http.get("/sandbox/outbox?channel=sms")).text


async def test_the_outbox_keeps_the_newest_5000(stand: Stand) -> None:
    await build_mail(stand.settings).send(Mail("m", "a@example.com", "A", "old", "x", "<p>x</p>"))
    (old,) = await stand.outbox()
    key = next(key for key in await stand.redis.keys("surge:sandbox:*") if key.endswith("outbox"))
    await stand.redis.lpush(key, *[json.dumps(old | {"id": "x"})] * 5000)
    await build_mail(stand.settings).send(Mail("m", "a@example.com", "A", "new", "x", "<p>x</p>"))
    messages = await stand.outbox()
    assert len(messages) == 5000
    assert messages[0]["subject"] == "new"


async def test_everything_the_sandbox_keeps_expires(stand: Stand, gateway: PaymentGateway) -> None:
    order = await new_order(gateway)
    await stand.attempt(order.id, outcome="captured", webhook="none")
    await build_mail(stand.settings).send(Mail("m", "a@example.com", "A", "s", "x", "<p>x</p>"))
    await stand.fault("twilio", "down", 5)
    for key in await stand.redis.keys("*"):
        assert key.startswith("surge:sandbox:")
        assert 0 < await stand.redis.ttl(key) <= 2 * 24 * 3600, key


async def test_a_fault_ends_by_itself(stand: Stand, gateway: PaymentGateway) -> None:
    await stand.fault("razorpay", "down", 0.2)
    await asyncio.sleep(0.3)
    await new_order(gateway)


def test_production_refuses_the_sandbox() -> None:
    settings = load_settings(secret_key=("s",)).model_copy(update={"env": "production"})
    with pytest.raises(ConfigurationError):
        create_sandbox(settings, lambda: pytest.fail("nothing may connect"))


async def test_only_the_vendors_without_keys_are_played() -> None:
    settings = load_settings(
        secret_key=("s",),
        razorpay_key_id="rzp_test_1",
        razorpay_key_secret="k",
        razorpay_webhook_secrets=("w",),
    )
    app = FastAPI()
    app.include_router(create_sandbox(settings, lambda: pytest.fail("nothing may connect")))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://surge"
    ) as http:
        assert (await http.get("/sandbox/razorpay/checkout.js")).status_code == 404
        assert (await http.post("/sandbox/faults", json={})).status_code == 422
