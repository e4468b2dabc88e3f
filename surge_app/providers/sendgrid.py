"""Mail over SendGrid's SDK."""

from __future__ import annotations

import base64
import json
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any, cast

from sendgrid import SendGridAPIClient  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no types
from sendgrid.helpers import mail as sdk  # pyright: ignore[reportMissingTypeStubs] - as above

from surge_app.errors import ConfigurationError
from surge_app.providers.transport import TIMEOUTS, VendorHttp

if TYPE_CHECKING:
    from surge_app.services.vendors.ports import Attachment, Mail


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
        self, api_key: str, base_url: str, sender: str, *, timeout_seconds: float = TIMEOUTS[1]
    ) -> None:
        name, address = parseaddr(sender)
        if not api_key or "@" not in address:
            msg = "SENDGRID_API_KEY must be set, and SENDGRID_FROM to an address."
            raise ConfigurationError(msg)
        self._sender = (address, name)
        self._url = f"{base_url.rstrip('/')}/v3/mail/send"
        client = cast("Any", SendGridAPIClient(api_key)).client
        self._headers = {**client.request_headers, "Content-Type": "application/json"}
        self._http = VendorHttp("SendGrid", base_url, (timeout_seconds, timeout_seconds))

    async def send(self, mail: Mail) -> str:
        """Hand a mail over and return SendGrid's id for it.

        SendGrid knows no idempotency key: after `ProviderOutcomeUnknown` the mail may have
        been accepted, and its outbox id travels along as `outbox_id` to find out.
        """
        # The SDK's own client would format the whole body for a log that is off.
        body = json.dumps(_message(mail, self._sender)).encode()
        answer = await self._http.request(
            "POST", self._url, data=body, headers=self._headers, is_json=False
        )
        return answer.headers.get("X-Message-Id") or mail.message_id


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
