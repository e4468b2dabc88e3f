"""Signed delivery reports of the SendGrid and Twilio stand-ins, over real HTTP.

An address that starts with `bounce` or `defer`, or a number that ends in `000000`, fails.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from twilio.request_validator import RequestValidator  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no types

from surge_app.observability.log import get_logger
from surge_app.sandbox.callback_client import Calls

if TYPE_CHECKING:
    from surge_app.sandbox.store import JsonObject
    from surge_app.services.vendors.sandbox_credentials import SandboxKeys

_log = get_logger(__name__)

_PAUSES_SECONDS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
_MAX_CONCURRENT = 64
_DEAD_NUMBER = "000000"
_REASONS = {
    "bounce": "550 5.1.1 The email account that you tried to reach does not exist.",
    "deferred": "451 4.3.0 Please try again later.",
}


class DeliveryEvents:
    """Sends the vendors' reports to the application, in the background.

    Args:
        mail_url: The application's URL for SendGrid events; each SMS names Twilio's.
        keys: Sign the reports.
    """

    def __init__(self, mail_url: str, keys: SandboxKeys) -> None:
        self._mail_url = mail_url
        self._private = ec.derive_private_key(keys.sendgrid_event_key, ec.SECP256R1())
        self._validator = RequestValidator(keys.twilio_auth_token)
        self._calls = Calls(at_once=_MAX_CONCURRENT)

    def of_mail(self, to: str, message_id: str, custom_args: JsonObject) -> None:
        """Report the delivery of an accepted email."""
        last = "bounce" if to.startswith("bounce") else "delivered"
        last = "deferred" if to.startswith("defer") else last
        events = [
            {
                **custom_args,
                "email": to,
                "event": word,
                "timestamp": int(time.time()),
                "sg_event_id": secrets.token_urlsafe(16),
                "sg_message_id": f"{message_id}.recvd-sandbox-1",
                **({"reason": _REASONS[word]} if word in _REASONS else {}),
            }
            for word in ("processed", last)
        ]
        body = json.dumps(events).encode()
        timestamp = str(int(time.time()))
        signature = self._private.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "SendGrid Event API",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }
        self._calls.start(self._deliver(self._mail_url, [(body, headers)]))

    def of_sms(self, url: str, sms: JsonObject) -> None:
        """Report the delivery of an accepted SMS to its callback URL."""
        is_dead = str(sms["to"]).endswith(_DEAD_NUMBER)
        calls: list[tuple[bytes, dict[str, str]]] = []
        for word in ("sent", "undelivered" if is_dead else "delivered"):
            form = {
                "AccountSid": str(sms["account_sid"]),
                "From": str(sms["from"] or ""),
                "MessageSid": str(sms["sid"]),
                "MessageStatus": word,
                "SmsSid": str(sms["sid"]),
                "SmsStatus": word,
                "To": str(sms["to"]),
                **({"ErrorCode": "30005"} if word == "undelivered" else {}),
            }
            signature: str = self._validator.compute_signature(url, form)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - untyped
            headers = {
                "Content-Type": "application/x-www-form-urlencoded",
                "User-Agent": "TwilioProxy/1.1",
                "X-Twilio-Signature": signature,
            }
            calls.append((urlencode(form).encode(), headers))
        self._calls.start(self._deliver(url, calls))

    async def aclose(self) -> None:
        """Cancel pending reports."""
        await self._calls.aclose()

    async def _deliver(self, url: str, calls: list[tuple[bytes, dict[str, str]]]) -> None:
        for body, headers in calls:
            if not await self._insist(url, body, headers):
                _log.info("sandbox_report_given_up", url=url)
                return

    async def _insist(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        for pause in _PAUSES_SECONDS:
            await asyncio.sleep(pause)
            if await self._calls.post(url, body, headers):
                return True
        return False
