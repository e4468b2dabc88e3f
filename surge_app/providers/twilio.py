"""SMS over Twilio's SDK."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.parse import urlsplit

from anyio import CapacityLimiter
from twilio.base.exceptions import (  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
    TwilioException,
)
from twilio.http.http_client import (  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
    TwilioHttpClient,
)
from twilio.rest import (  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
    Client,
)

from surge_app.errors import ConfigurationError
from surge_app.providers.transport import (
    CONCURRENT_CALLS,
    TIMEOUTS,
    VendorSession,
    in_thread,
    unreadable,
)

if TYPE_CHECKING:
    from twilio.http.response import (  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no stubs
        Response,
    )

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


class _Http(TwilioHttpClient):
    """The SDK's HTTP client with our session, and optionally another host."""

    def __init__(self, base_url: str | None, timeouts: tuple[float, float]) -> None:
        super().__init__(pool_connections=False)
        self.session = VendorSession(_VENDOR, base_url or _BASE_URL)
        self._base_url = base_url.rstrip("/") if base_url else None
        self._timeouts = timeouts

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        # The SDK's own time-out is one number and is checked as such; `requests` takes a pair.
        self.timeout = cast("float", self._timeouts)
        if self._base_url:
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            url = f"{self._base_url}{parts.path}{query}"
        return super().request(method, url, *args, **kwargs)

    def log_request(self, kwargs: dict[str, Any]) -> None:
        """Log nothing: the SDK would log phone numbers and texts."""

    def log_response(self, status_code: int, response: object) -> None:
        """Log nothing, for the same reason."""


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
        self._account_sid = account_sid
        self._auth_token = auth_token
        self._base_url = base_url
        self._callback_url = callback_url
        self._timeouts = timeouts
        is_service = sender.startswith(_MESSAGING_SERVICE_PREFIX)
        self._sender = {"messaging_service_sid" if is_service else "from_": sender}
        self._limiter = CapacityLimiter(CONCURRENT_CALLS)
        self._local = threading.local()

    async def send(self, sms: Sms) -> str:
        """Hand an SMS over and return Twilio's id for it.

        Twilio knows no idempotency key: after `ProviderOutcomeUnknown` the SMS may be on its
        way.
        """
        return await in_thread(self._limiter, lambda: self._send(sms))

    async def find(self, sms: Sms, *, since: datetime) -> str | None:
        """Return Twilio's id of an SMS to this number with this text; see the port."""
        return await in_thread(self._limiter, lambda: self._find(sms, since - _SLACK))

    def _find(self, sms: Sms, since: datetime) -> str | None:
        try:
            newest = self._messages().list(to=sms.to, limit=_MAX_LISTED)
        except TwilioException as error:
            raise unreadable(_VENDOR, mutates=False) from error
        for message in newest:
            if message.body == sms.text and message.date_created and message.date_created >= since:
                return message.sid
        return None

    def _send(self, sms: Sms) -> str:
        try:
            message = self._messages().create(
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

    def _messages(self) -> _Messages:
        """Return this thread's client: the SDK's session is not safe to share."""
        client: Client | None = getattr(self._local, "client", None)
        if client is None:
            client = Client(
                self._account_sid,
                self._auth_token,
                http_client=_Http(self._base_url, self._timeouts),
            )
            self._local.client = client
        return cast("_Messages", client.messages)
