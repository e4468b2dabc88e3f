"""SMS over Twilio's SDK."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlencode, urlsplit

from twilio.base.exceptions import TwilioException  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
from twilio.http import HttpClient  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
from twilio.http.response import Response  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
from twilio.rest import Client  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs

from surge_app.errors import ConfigurationError
from surge_app.providers.transport import TIMEOUTS, VendorHttp, run_sdk, unreadable

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import Sms

_VENDOR = "Twilio"
_BASE_URL = "https://api.twilio.com"
_MESSAGING_SERVICE_PREFIX = "MG"
_MAX_LISTED = 20
# Twilio tells whole seconds, by a clock of its own.
_SLACK = timedelta(seconds=30)


class _Message(Protocol):
    sid: str | None
    body: str | None
    date_created: datetime | None


class _Messages(Protocol):
    def create(self, *, to: str, body: str, **sender: str) -> _Message: ...

    def list(self, *, to: str, limit: int) -> list[_Message]: ...


class _Http(HttpClient):
    """The SDK's port to HTTP, over our own, and optionally to another host."""

    def __init__(self, base_url: str | None, timeouts: tuple[float, float]) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self._http = VendorHttp(_VENDOR, base_url or _BASE_URL, timeouts)
        self._base_url = base_url.rstrip("/") if base_url else None

    def request(self, method: str, uri: str, *_: Any, **options: Any) -> Response:
        if self._base_url:
            parts = urlsplit(uri)
            query = f"?{parts.query}" if parts.query else ""
            uri = f"{self._base_url}{parts.path}{query}"
        data = cast("dict[str, str] | None", options["data"])
        answer = self._http.blocking_request(
            method.upper(),
            uri,
            params=options["params"],
            data=urlencode(data) if data else None,
            headers=options["headers"],
            auth=options["auth"],
        )
        return Response(answer.status_code, answer.content.decode(errors="replace"))


class TwilioSms:
    """Twilio, or its stand-in, behind `SmsSender`.

    Args:
        account_sid: Begins with `AC`.
        auth_token: Authenticates calls.
        base_url: None for Twilio itself.
        sender: A number, a sender id, or a messaging service (`MG…`).
        callback_url: Where Twilio tells what became of an SMS; None does not ask it to. The
            outbox id is added as `message`.
        timeouts: Seconds to connect, and to wait for an answer.

    Raises:
        ConfigurationError: If a value is empty.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        base_url: str | None,
        sender: str,
        *,
        callback_url: str | None = None,
        timeouts: tuple[float, float] = TIMEOUTS,
    ) -> None:
        if not account_sid or not auth_token or not sender:
            msg = "TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and TWILIO_FROM must be set."
            raise ConfigurationError(msg)
        self._callback_url = callback_url
        is_service = sender.startswith(_MESSAGING_SERVICE_PREFIX)
        self._sender = {"messaging_service_sid" if is_service else "from_": sender}
        client = Client(account_sid, auth_token, http_client=_Http(base_url, timeouts))
        self._messages: _Messages = cast("Any", client).messages

    async def send(self, sms: Sms) -> str:
        """Hand an SMS over and return Twilio's id for it.

        Twilio knows no idempotency key: after `ProviderOutcomeUnknown` the SMS may be on its
        way.
        """
        return await run_sdk(lambda: self._send(sms))

    async def find(self, sms: Sms, *, since: datetime) -> str | None:
        """Return Twilio's id of an SMS to this number with this text; see the port."""
        return await run_sdk(lambda: self._find(sms, since - _SLACK))

    def _find(self, sms: Sms, since: datetime) -> str | None:
        try:
            newest = self._messages.list(to=sms.to, limit=_MAX_LISTED)
        except TwilioException as error:
            raise unreadable(_VENDOR, mutates=False) from error
        for message in newest:
            if message.body == sms.text and message.date_created and message.date_created >= since:
                return message.sid
        return None

    def _send(self, sms: Sms) -> str:
        try:
            message = self._messages.create(
                to=sms.to, body=sms.text, **self._sender, **self._callback(sms)
            )
        except TwilioException as error:
            # What the session lets through is a 2xx, so the SDK could only stumble over that.
            raise unreadable(_VENDOR, mutates=True) from error
        if not message.sid:
            raise unreadable(_VENDOR, mutates=True)
        return message.sid

    def _callback(self, sms: Sms) -> dict[str, str]:
        if self._callback_url is None:
            return {}
        return {"status_callback": f"{self._callback_url}?message={sms.message_id}"}
