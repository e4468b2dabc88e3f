"""Delivery reports of SendGrid and Twilio, read after their own SDKs have verified them."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sendgrid.helpers.eventwebhook import EventWebhook  # pyright: ignore[reportMissingTypeStubs] - the SDK ships no types
from twilio.request_validator import RequestValidator  # pyright: ignore[reportMissingTypeStubs] - as above

from surge_app.clock import utc_now
from surge_app.errors import ConfigurationError
from surge_app.models import DeliveryStatus
from surge_app.providers.transport import storable_text
from surge_app.services.vendors.ports import DeliveryReport, ProviderRejected

_SENDGRID, _TWILIO = "SendGrid", "Twilio"
# SendGrid tries for a day; the slack is for clocks that differ.
_OLDEST_SECONDS = 25 * 3600
_AHEAD_SECONDS = 300
# Twilio sends some twenty; parsing comes before the signature, which is over the fields.
_MAX_FIELDS = 64
_MAX_DETAIL_LENGTH = 300
_MAX_KEY_LENGTH = 200
_MAX_STAMP_LENGTH = 20

_MAIL_WORDS: dict[str, DeliveryStatus | None] = {
    "processed": None,
    "deferred": DeliveryStatus.DEFERRED,
    "delivered": DeliveryStatus.DELIVERED,
    "bounce": DeliveryStatus.BOUNCED,
    "dropped": DeliveryStatus.FAILED,
    "spamreport": None,
}
"""What is recorded; opens and clicks are neither asked for nor kept."""
_SMS_WORDS: dict[str, DeliveryStatus | None] = {
    "accepted": None,
    "queued": None,
    "sending": None,
    "sent": None,
    "delivered": DeliveryStatus.DELIVERED,
    "undelivered": DeliveryStatus.BOUNCED,
    "failed": DeliveryStatus.FAILED,
}


class SendGridReports:
    """SendGrid's signed event webhook, behind `MailReports`.

    Any of the keys may have signed; each is Base64 of a P-256 key, as the dashboard shows it.
    """

    def __init__(self, public_keys: tuple[str, ...]) -> None:
        try:
            self._verifiers = [EventWebhook(key) for key in public_keys]
        except ValueError as error:
            msg = "SENDGRID_WEBHOOK_PUBLIC_KEY is not a key as SendGrid shows it."
            raise ConfigurationError(msg) from error

    def read(
        self, body: bytes, *, signature: str | None, timestamp: str | None
    ) -> list[DeliveryReport]:
        """Verify and read a batch of events; see the port."""
        if not (signature and timestamp and _is_recent(timestamp)):
            raise _forged(_SENDGRID)
        if not any(_signed(one, body, signature, timestamp) for one in self._verifiers):
            raise _forged(_SENDGRID)
        try:
            entity: object = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise _unreadable(_SENDGRID) from error
        if not isinstance(entity, list):
            raise _unreadable(_SENDGRID)
        reports = [_mail_report(item) for item in cast("list[object]", entity)]
        return [report for report in reports if report is not None]


class TwilioReports:
    """Twilio's status callback, behind `SmsReports`; the signature covers URL, query and form."""

    def __init__(self, auth_token: str, callback_url: str) -> None:
        self._validator = RequestValidator(auth_token)
        self._callback_url = callback_url

    def read(self, body: bytes, *, query: str, signature: str | None) -> list[DeliveryReport]:
        """Verify and read a callback; see the port."""
        try:
            form = _only_values(body.decode())
        except ValueError as error:
            raise _unreadable(_TWILIO) from error
        url = f"{self._callback_url}?{query}" if query else self._callback_url
        is_signed = bool(signature) and cast(
            "bool",
            self._validator.validate(url, form, signature),  # pyright: ignore[reportUnknownMemberType] - untyped
        )
        if not is_signed:
            raise _forged(_TWILIO)
        sid, word = _key(form.get("MessageSid", "")), form.get("MessageStatus", "")
        if not sid or word not in _SMS_WORDS:
            return []
        code = form.get("ErrorCode", "")
        return [
            DeliveryReport(
                key=f"{sid}:{word}",
                message_id=_message_id(query),
                provider_id=sid,
                word=word,
                status=_SMS_WORDS[word],
                detail=storable_text(f"Twilio error {code}", most=_MAX_DETAIL_LENGTH)
                if code
                else "",
                at=utc_now(),
            )
        ]


def event_public_key(private_number: int) -> str:
    """Return the public key of a P-256 key as SendGrid's dashboard would show it."""
    private = ec.derive_private_key(private_number, ec.SECP256R1())
    return base64.b64encode(
        private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ).decode()


def _is_recent(timestamp: str) -> bool:
    is_number = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= _MAX_STAMP_LENGTH
    if not is_number:
        return False
    return -_AHEAD_SECONDS <= time.time() - int(timestamp) <= _OLDEST_SECONDS


def _signed(verifier: EventWebhook, body: bytes, signature: str, timestamp: str) -> bool:
    try:
        text = body.decode()
        return bool(verifier.verify_signature(text, signature, timestamp))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType] - untyped
    except ValueError:
        # Not UTF-8, or a signature that is no Base64.
        return False


def _mail_report(item: object) -> DeliveryReport | None:
    if not isinstance(item, dict):
        return None
    event = cast("dict[str, Any]", item)
    word, key = event.get("event"), event.get("sg_event_id")
    stamp, message_id = event.get("timestamp"), event.get("outbox_id")
    if not (isinstance(word, str) and isinstance(key, str) and isinstance(stamp, int)):
        return None
    if word not in _MAIL_WORDS:
        return None
    provider_id = str(event.get("sg_message_id", "")).partition(".")[0]
    detail = str(event.get("reason") or event.get("response") or "")
    return DeliveryReport(
        key=_key(key),
        message_id=_key(message_id) if isinstance(message_id, str) else None,
        provider_id=_key(provider_id),
        word=word,
        status=_MAIL_WORDS[word],
        detail=storable_text(detail, most=_MAX_DETAIL_LENGTH),
        at=datetime.fromtimestamp(min(max(stamp, 0), time.time()), UTC),
    )


def _message_id(query: str) -> str | None:
    text = _only_values(query).get("message")
    return None if text is None else _key(text)


def _key(text: str) -> str:
    return storable_text(text, most=_MAX_KEY_LENGTH)


def _only_values(text: str) -> dict[str, str]:
    fields = parse_qs(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    return {name: values[0] for name, values in fields.items()}


def _forged(vendor: str) -> ProviderRejected:
    msg = f"{vendor} did not sign this."
    return ProviderRejected(msg)


def _unreadable(vendor: str) -> ProviderRejected:
    msg = f"{vendor} sent something that cannot be read."
    return ProviderRejected(msg)
