"""The real Twilio SDK against the stand-in, over HTTP."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from surge_app.clock import utc_now
from surge_app.errors import ConfigurationError
from surge_app.launcher.ports import free_port
from surge_app.providers import TwilioSms, build_sms
from surge_app.services.vendors.ports import (
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    Sms,
)
from surge_app.services.vendors.sandbox_credentials import sandbox_keys

if TYPE_CHECKING:
    from tests.contract.serving import Stand

SMS = Sms("01JD9Z6W5T8QK3M2R7V4X1C0BN", "+919876543210", "Surge: SRG-ABCD2345 confirmed. Rs 525")


def _sms(
    stand: Stand, *, sender: str = "SURGE", timeouts: tuple[float, float] = (3, 8)
) -> TwilioSms:
    keys = sandbox_keys(stand.settings)
    url = f"{stand.settings.local_url}/sandbox/twilio"
    return TwilioSms(
        keys.twilio_account_sid, keys.twilio_auth_token, url, sender, timeouts=timeouts
    )


async def test_an_sms_arrives_in_the_outbox(stand: Stand, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger="twilio"):
        sid = await build_sms(stand.settings).send(SMS)
    assert sid.startswith("SM")
    (message,) = await stand.outbox()
    assert (message["channel"], message["to"]) == ("sms", SMS.to)
    assert (message["body"], message["booking_ref"]) == (SMS.text, "SRG-ABCD2345")
    assert SMS.to not in caplog.text


async def test_a_messaging_service_may_be_the_sender(stand: Stand) -> None:
    assert await _sms(stand, sender="MG0123456789abcdef").send(SMS)


async def test_many_sms_at_once_all_arrive(stand: Stand) -> None:
    sms = _sms(stand)
    numbers = [f"+91987654{number:04d}" for number in range(20)]
    sids = await asyncio.gather(*(sms.send(Sms("m", to, "hello")) for to in numbers))
    assert len(set(sids)) == 20
    assert sorted(str(message["to"]) for message in await stand.outbox()) == numbers


@pytest.mark.parametrize("mode", ["down", "http_429", "http_502_html"])
async def test_a_vendor_that_surely_did_nothing_is_unavailable(stand: Stand, mode: str) -> None:
    await stand.fault("twilio", mode)
    sms = _sms(stand)
    with pytest.raises(ProviderUnavailable):
        await sms.send(SMS)
    await stand.fault("twilio", "ok")
    assert await stand.outbox() == []
    await sms.send(SMS)


async def test_a_vendor_that_hangs_leaves_the_outcome_unknown(stand: Stand) -> None:
    await stand.fault("twilio", "hang")
    with pytest.raises(ProviderOutcomeUnknown):
        await _sms(stand, timeouts=(30.0, 1.0)).send(SMS)
    await stand.fault("twilio", "ok")


async def test_an_sms_that_may_have_been_sent_is_found_again(stand: Stand) -> None:
    sms, before = _sms(stand), utc_now()
    assert await sms.find(SMS, since=before) is None
    sid = await sms.send(SMS)
    assert await sms.find(SMS, since=before) == sid
    assert await sms.find(Sms("m", SMS.to, "another text"), since=before) is None
    assert await sms.find(Sms("m", "+919876543211", SMS.text), since=before) is None
    assert await sms.find(SMS, since=before + timedelta(hours=1)) is None


async def test_an_sms_that_hung_and_was_created_is_found_again(stand: Stand) -> None:
    await stand.http.post(
        "/sandbox/faults",
        json={"service": "twilio", "mode": "hang", "takes_effect": True},
    )
    before = utc_now()
    with pytest.raises(ProviderOutcomeUnknown):
        await _sms(stand, timeouts=(30.0, 1.0)).send(SMS)
    await stand.fault("twilio", "ok")
    assert await _sms(stand).find(SMS, since=before) is not None


async def test_what_cannot_be_looked_up_now_is_no_answer(stand: Stand) -> None:
    await stand.fault("twilio", "down")
    with pytest.raises(ProviderUnavailable):
        await _sms(stand).find(SMS, since=utc_now())


async def test_a_number_that_is_none_is_rejected(stand: Stand) -> None:
    with pytest.raises(ProviderRejected, match="21211"):
        await _sms(stand).send(Sms("m", "12345", "hello"))


async def test_a_wrong_token_is_rejected(stand: Stand) -> None:
    sid = sandbox_keys(stand.settings).twilio_account_sid
    sms = TwilioSms(sid, "guessed", f"{stand.settings.local_url}/sandbox/twilio", "SURGE")
    with pytest.raises(ProviderRejected, match="20003"):
        await sms.send(SMS)


async def test_a_vendor_that_does_not_listen_is_unavailable() -> None:
    sms = TwilioSms("AC0", "token", f"http://127.0.0.1:{free_port()}", "SURGE")
    with pytest.raises(ProviderUnavailable):
        await sms.send(SMS)


def test_an_empty_value_is_refused() -> None:
    for values in [("", "token", "SURGE"), ("AC0", "", "SURGE"), ("AC0", "token", "")]:
        with pytest.raises(ConfigurationError):
            TwilioSms(values[0], values[1], None, values[2])
