"""Mail over SendGrid's SDK."""

from __future__ import annotations

import base64
import http.client
import threading
import urllib.request
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, Protocol, cast
from urllib.error import URLError

import python_http_client  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no types
from anyio import CapacityLimiter
from python_http_client.exceptions import (  # pyright: ignore[reportMissingTypeStubs] - as above
    HTTPError,
)
from sendgrid import SendGridAPIClient  # pyright: ignore[reportMissingTypeStubs] - as above
from sendgrid.helpers import mail as sdk  # pyright: ignore[reportMissingTypeStubs] - as above

from surge_app.errors import ConfigurationError
from surge_app.providers.transport import (
    CONCURRENT_CALLS,
    TIMEOUTS,
    in_thread,
    is_loopback,
    status_error,
)
from surge_app.services.vendors.ports import ProviderOutcomeUnknown, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from surge_app.services.vendors.ports import Attachment, Mail

_VENDOR = "SendGrid"
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class _Response(Protocol):
    headers: Mapping[str, str]


class _Client(Protocol):
    """The part of `SendGridAPIClient` used here, which itself is untyped."""

    client: Any

    def send(self, message: dict[str, Any]) -> _Response: ...


class _DirectHttp(python_http_client.Client):
    """The SDK's HTTP client without the proxies of the environment, for the local stand-in."""

    def _build_client(self, name: str | None = None) -> _DirectHttp:
        url_path = cast("list[str]", self._url_path)
        return _DirectHttp(
            host=self.host,
            version=cast("int | None", self._version),
            request_headers=self.request_headers,
            url_path=[*url_path, name] if name else url_path,
            append_slash=self.append_slash,
            timeout=self.timeout,
        )

    def _make_request(
        self,
        opener: urllib.request.OpenerDirector,
        request: urllib.request.Request,
        timeout: float | None = None,
    ) -> object:
        del opener
        # The SDK is untyped, and so is what it inherits.
        return cast("object", super()._make_request(_DIRECT, request, timeout))  # pyright: ignore[reportUnknownMemberType, reportAttributeAccessIssue]


class SendGridMail:
    """SendGrid, or its stand-in, behind `MailSender`.

    Args:
        api_key: May send mail.
        base_url: Without `/v3`.
        sender: `tickets@example.in` or `Acme Events <tickets@example.in>`.
        timeout_seconds: For connecting and for each wait after that.

    Raises:
        ConfigurationError: If the key is empty or the sender is not an address.
    """

    def __init__(
        self,
        api_key: str,
        base_url: str,
        sender: str,
        *,
        timeout_seconds: float = TIMEOUTS[1],
    ) -> None:
        name, address = parseaddr(sender)
        if not api_key or "@" not in address:
            msg = "SENDGRID_API_KEY must be set, and SENDGRID_FROM to an address."
            raise ConfigurationError(msg)
        self._api_key = api_key
        self._base_url = base_url
        self._sender = (address, name)
        self._timeout = timeout_seconds
        self._limiter = CapacityLimiter(CONCURRENT_CALLS)
        self._local = threading.local()

    async def send(self, mail: Mail) -> str:
        """Hand a mail over and return SendGrid's id for it.

        SendGrid knows no idempotency key: after `ProviderOutcomeUnknown` the mail may have
        been accepted, and its outbox id travels along as `outbox_id` to find out.
        """
        message = _message(mail, self._sender)
        response = await in_thread(self._limiter, lambda: self._send(message))
        return response.headers.get("X-Message-Id") or mail.message_id

    def _send(self, message: dict[str, Any]) -> _Response:
        try:
            return self._client().send(message)
        except HTTPError as error:
            raise status_error(
                _VENDOR,
                error.status_code,
                error.body,
                cast("Mapping[str, str]", error.headers),
                mutates=True,
            ) from error
        except URLError as error:
            # Raised only before the whole request is out, so there is nothing to act on.
            msg = "SendGrid cannot be reached."
            raise ProviderUnavailable(msg) from error
        except (OSError, http.client.HTTPException) as error:
            msg = "SendGrid did not answer."
            raise ProviderOutcomeUnknown(msg) from error

    def _client(self) -> _Client:
        """Return this thread's client: the SDK writes headers into shared state."""
        client: _Client | None = getattr(self._local, "client", None)
        if client is None:
            client = cast("_Client", SendGridAPIClient(self._api_key, host=self._base_url))
            if is_loopback(self._base_url):
                client.client = _DirectHttp(
                    host=self._base_url,
                    request_headers=client.client.request_headers,
                    version=3,
                )
            client.client.timeout = self._timeout
            self._local.client = client
        return client


def _message(mail: Mail, sender: tuple[str, str]) -> dict[str, Any]:
    message: Any = sdk.Mail(
        from_email=sdk.From(*sender),
        subject=" ".join(mail.subject.split()),
        # Mail programs show the last part they understand: text goes first.
        plain_text_content=mail.text,
        html_content=mail.html,
    )
    # SendGrid refuses these characters in a name.
    name = " ".join(mail.to_name.replace(",", " ").replace(";", " ").split())
    message.add_to(sdk.To(mail.to, name or None))
    # The SDK puts each new attachment first.
    if mail.reply_to:
        message.reply_to = sdk.ReplyTo(mail.reply_to)
    for attachment in reversed(mail.attachments):
        message.add_attachment(_attachment(attachment))
    message.add_custom_arg(sdk.CustomArg("outbox_id", mail.message_id))
    # Tracking rewrites links, and the links carry the keys to the tickets.
    tracking = sdk.TrackingSettings()
    tracking.click_tracking = sdk.ClickTracking(enable=False, enable_text=False)
    tracking.open_tracking = sdk.OpenTracking(enable=False)
    message.tracking_settings = tracking
    return cast("dict[str, Any]", message.get())


def _attachment(attachment: Attachment) -> object:
    return sdk.Attachment(
        sdk.FileContent(base64.b64encode(attachment.content).decode()),
        sdk.FileName(attachment.filename),
        sdk.FileType(attachment.media_type),
        sdk.Disposition("inline" if attachment.content_id else "attachment"),
        sdk.ContentId(attachment.content_id) if attachment.content_id else None,
    )
