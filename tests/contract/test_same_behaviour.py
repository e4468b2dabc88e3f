"""One suite for the vendors' SDKs over HTTP and for the fakes the engine is tested with.

What the fakes promise is what the adapters do, so a test that passes with a fake says something.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import pytest

from surge_app.clock import new_id, utc_now
from surge_app.providers import SendGridMail, TwilioSms
from surge_app.services.vendors.ports import (
    Mail,
    MailSender,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    Sms,
    SmsSender,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.engine.mail_helper import Post

if TYPE_CHECKING:
    from tests.contract.serving import Stand

MAIL = Mail(new_id(), "asha@example.com", "Asha Rao", "Your tickets", "Text", "<p>Text</p>")
SMS = Sms(new_id(), "+919876543210", "SRG-ABCD2345 is confirmed")


@dataclass
class Vendor:
    """A pair of senders, what they accepted, and how to spoil their day.

    The hasty pair wait so briefly that only a silence may be asked of them.
    """

    mail: MailSender
    sms: SmsSender
    hasty_mail: MailSender
    hasty_sms: SmsSender
    count: Callable[[], Awaitable[int]]
    spoil: Callable[[str], Awaitable[None]]


def _fake() -> Vendor:
    post = Post(cast("Any", None), is_alone=True)
    faults = {
        "down": ProviderUnavailable("down"),
        "hang": ProviderOutcomeUnknown("no answer"),
        "refuse": ProviderRejected("no"),
    }

    async def count() -> int:
        return len(post.mails) + len(post.texts)

    async def spoil(mode: str) -> None:
        spoiled = [faults[mode]] if mode in faults else []
        post.mail_faults, post.sms_faults = spoiled.copy(), spoiled.copy()

    senders = (post.mail_sender, post.sms_sender)
    return Vendor(*senders, *senders, count, spoil)


def _real(stand: Stand) -> Vendor:
    keys, base = sandbox_keys(stand.settings), f"{stand.settings.local_url}/sandbox"
    mail = partial(SendGridMail, keys.sendgrid_api_key, f"{base}/sendgrid", "tickets@example.in")
    sms = partial(
        TwilioSms, keys.twilio_account_sid, keys.twilio_auth_token, f"{base}/twilio", "SURGE"
    )

    async def count() -> int:
        return len(await stand.outbox())

    async def spoil(mode: str) -> None:
        for service in ("sendgrid", "twilio"):
            fault = {"service": service, "mode": mode, "takes_effect": True}
            (await stand.http.post("/sandbox/faults", json=fault)).raise_for_status()

    hasty = (mail(timeout_seconds=1.0), sms(timeouts=(30.0, 1.0)))
    return Vendor(mail(), sms(), *hasty, count, spoil)


@pytest.fixture(params=["sdk", "fake"])
def vendor(request: pytest.FixtureRequest) -> Vendor:
    """Both, one after the other."""
    if request.param == "fake":
        return _fake()
    return _real(request.getfixturevalue("stand"))


async def test_what_is_accepted_has_an_id_of_its_own(vendor: Vendor) -> None:
    ids = {
        await vendor.mail.send(MAIL),
        await vendor.mail.send(MAIL),
        await vendor.sms.send(SMS),
        await vendor.sms.send(SMS),
    }
    assert len(ids) == await vendor.count() == 4


async def test_one_that_is_down_did_nothing_and_says_so(vendor: Vendor) -> None:
    await vendor.spoil("down")
    with pytest.raises(ProviderUnavailable):
        await vendor.mail.send(MAIL)
    with pytest.raises(ProviderUnavailable):
        await vendor.sms.send(SMS)
    assert await vendor.count() == 0


async def test_one_that_falls_silent_may_have_done_it(vendor: Vendor) -> None:
    since = utc_now()
    await vendor.spoil("hang")
    with pytest.raises(ProviderOutcomeUnknown):
        await vendor.hasty_mail.send(MAIL)
    with pytest.raises(ProviderOutcomeUnknown):
        await vendor.hasty_sms.send(SMS)
    await vendor.spoil("ok")
    assert await vendor.count() == 2
    if not isinstance(vendor.mail, SendGridMail):
        assert await vendor.sms.find(SMS, since=since) is not None


async def test_an_sms_is_found_by_number_text_and_time(vendor: Vendor) -> None:
    since = utc_now()
    sid = await vendor.sms.send(SMS)
    assert await vendor.sms.find(SMS, since=since) == sid
    assert await vendor.sms.find(Sms(SMS.message_id, SMS.to, "other"), since=since) is None
    assert await vendor.sms.find(SMS, since=since + timedelta(hours=1)) is None
