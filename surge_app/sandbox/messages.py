"""Stand-ins for the SendGrid and Twilio APIs; accepted messages land in the mail catcher."""

from __future__ import annotations

import json
import re
import secrets
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from surge_app.clock import new_id, utc_now
from surge_app.sandbox.basic_auth import has_basic, has_bearer
from surge_app.sandbox.faults import VendorError, vendor_route
from surge_app.sandbox.store import OutboxAttachment, OutboxBody

if TYPE_CHECKING:
    from surge_app.sandbox.delivery_events import DeliveryEvents
    from surge_app.sandbox.store import Faults, JsonObject, Outbox
    from surge_app.services.vendors.sandbox_credentials import SandboxKeys

_MAX_FIELDS = 64
_BOOKING_REF = re.compile(r"SRG-[A-HJ-NP-Z2-9]{8}")
_E164 = re.compile(r"\+[1-9]\d{6,14}")
_LONGEST_SMS = 1600
_LARGEST_MAIL = 30 * 1024 * 1024


def sendgrid_router(
    keys: SandboxKeys, outbox: Outbox, faults: Faults, events: DeliveryEvents
) -> APIRouter:
    """Return `POST /sendgrid/v3/mail/send`."""
    router = APIRouter(
        prefix="/sandbox/sendgrid",
        route_class=vendor_route("sendgrid", faults, hang_takes_effect=False),
        include_in_schema=False,
    )

    @router.post("/v3/mail/send")
    async def send_mail(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Accept a mail."""
        if not has_bearer(request, keys.sendgrid_api_key):
            raise _mail_error(
                401, "The provided authorization grant is invalid, expired, or revoked"
            )
        body = await request.body()
        if len(body) > _LARGEST_MAIL:
            raise _mail_error(413, "The total size of the message is over 30 MB")
        mail = _read_mail(body)
        recipients, contents = _recipients(mail), _contents(mail)
        attachments = tuple(_attachment(item) for item in _objects(mail.get("attachments")))
        text = contents.get("text/plain", "")
        html = contents.get("text/html")
        message_id = secrets.token_urlsafe(16)
        for to in recipients:
            message = _message("email", to, str(mail["subject"]), text or html or "", attachments)
            await outbox.add(message, OutboxBody(html, attachments))
            events.of_mail(to, message_id, _custom_args(mail))
        return Response(status_code=202, headers={"X-Message-Id": message_id})

    return router


def twilio_router(
    keys: SandboxKeys, outbox: Outbox, faults: Faults, events: DeliveryEvents
) -> APIRouter:
    """Return `/twilio/2010-04-01/Accounts/{sid}/Messages.json`: send and list."""
    router = APIRouter(
        prefix="/sandbox/twilio",
        route_class=vendor_route("twilio", faults, hang_takes_effect=False),
        include_in_schema=False,
    )

    @router.post("/2010-04-01/Accounts/{account_sid}/Messages.json")
    async def send_sms(account_sid: str, request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Accept an SMS."""
        sid, token = keys.twilio_account_sid, keys.twilio_auth_token
        if account_sid != sid or not has_basic(request, sid, token):
            raise _sms_error(401, 20003, "Authenticate")
        body = (await request.body()).decode("utf-8", "replace")
        try:
            fields = parse_qs(body, max_num_fields=_MAX_FIELDS)
        except ValueError:
            raise _sms_error(400, 21603, "Too many fields") from None
        form = {name: values[0] for name, values in fields.items()}
        _check_sms(form)
        message = _message("sms", form["To"], "", form["Body"], ())
        answer = _sms_answer(sid, form)
        await outbox.add(message | {"twilio": answer}, OutboxBody(None, ()))
        if "StatusCallback" in form:
            events.of_sms(form["StatusCallback"], answer)
        return JSONResponse(answer, 201)

    @router.get("/2010-04-01/Accounts/{account_sid}/Messages.json")
    async def list_sms(account_sid: str, request: Request) -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        """Return all SMS on one page, newest first."""
        sid, token = keys.twilio_account_sid, keys.twilio_auth_token
        if account_sid != sid or not has_basic(request, sid, token):
            raise _sms_error(401, 20003, "Authenticate")
        to, most = request.query_params.get("To"), request.query_params.get("PageSize", "50")
        sent = [item["twilio"] for item in await outbox.messages() if "twilio" in item]
        found = [answer for answer in sent if to in {None, answer["to"]}]
        page = found[: int(most) if most.isdigit() else 50]
        uri = f"/2010-04-01/Accounts/{sid}/Messages.json"
        return JSONResponse(
            {
                "messages": page,
                "page": 0,
                "page_size": len(page),
                "uri": uri,
                "first_page_uri": uri,
                "next_page_uri": None,
                "previous_page_uri": None,
            }
        )

    return router


def _message(
    channel: str, to: str, subject: str, body: str, attachments: tuple[OutboxAttachment, ...]
) -> JsonObject:
    message_id = new_id()
    found = _BOOKING_REF.search(f"{subject}\n{body}")
    return {
        "id": message_id,
        "channel": channel,
        "to": to,
        "subject": subject,
        "body": body,
        "booking_ref": found.group() if found else None,
        "received_at": utc_now().isoformat(),
        "attachments": [
            {
                "filename": item.filename,
                "media_type": item.media_type,
                "url": f"/sandbox/outbox/{message_id}/attachments/{number}",
            }
            for number, item in enumerate(attachments)
        ],
    }


def _read_mail(body: bytes) -> JsonObject:
    try:
        found: Any = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _mail_error(400, "Bad Request")
    mail = cast("JsonObject", found)
    sender = mail.get("from")
    if not isinstance(sender, dict) or "@" not in str(cast("JsonObject", sender).get("email")):
        raise _mail_error(400, "The from object must be provided for every email send.", "from")
    if not mail.get("subject"):
        raise _mail_error(400, "The subject is required.", "subject")
    return mail


def _custom_args(mail: JsonObject) -> JsonObject:
    given = mail.get("custom_args")
    return cast("JsonObject", given) if isinstance(given, dict) else {}


def _recipients(mail: JsonObject) -> list[str]:
    recipients = [
        str(recipient.get("email", ""))
        for group in _objects(mail.get("personalizations"))
        for recipient in _objects(group.get("to"))
    ]
    if not recipients:
        raise _mail_error(400, "The personalizations field is required.", "personalizations")
    if not all("@" in address for address in recipients):
        raise _mail_error(400, "Does not contain a valid address.", "personalizations.0.to.0.email")
    return recipients


def _contents(mail: JsonObject) -> dict[str, str]:
    parts = _objects(mail.get("content"))
    kinds = [str(part.get("type")) for part in parts]
    if not parts or not all(part.get("value") for part in parts):
        raise _mail_error(400, "The content value must be a string at least one character long.")
    is_reversed = "text/plain" in kinds and kinds[0] != "text/plain"
    if is_reversed:
        raise _mail_error(400, "If present, text/plain and text/html must be in this order.")
    return {kind: str(part["value"]) for kind, part in zip(kinds, parts, strict=True)}


def _attachment(item: JsonObject) -> OutboxAttachment:
    content_id = item.get("content_id")
    return OutboxAttachment(
        filename=str(item.get("filename", "file")),
        media_type=str(item.get("type", "application/octet-stream")),
        content=str(item.get("content", "")),
        content_id=None if content_id is None else str(content_id),
    )


def _objects(value: object) -> list[JsonObject]:
    if not isinstance(value, list):
        return []
    found = cast("list[object]", value)
    return [cast("JsonObject", item) for item in found if isinstance(item, dict)]


def _mail_error(status: int, text: str, field: str | None = None) -> VendorError:
    return VendorError(status, {"errors": [{"message": text, "field": field, "help": None}]})


def _check_sms(form: dict[str, str]) -> None:
    if "To" not in form:
        raise _sms_error(400, 21604, "A 'To' phone number is required.")
    if not _E164.fullmatch(form["To"]):
        raise _sms_error(400, 21211, f"The 'To' number {form['To']} is not a valid phone number.")
    if "From" not in form and "MessagingServiceSid" not in form:
        raise _sms_error(400, 21603, "A 'From' phone number is required.")
    if "Body" not in form:
        raise _sms_error(400, 21602, "Message body is required.")
    if len(form["Body"]) > _LONGEST_SMS:
        raise _sms_error(400, 21617, "The concatenated message body exceeds 1600 characters.")


def _sms_answer(account_sid: str, form: dict[str, str]) -> JsonObject:
    sid = f"SM{secrets.token_hex(16)}"
    now = format_datetime(utc_now())
    path = f"/2010-04-01/Accounts/{account_sid}/Messages/{sid}"
    service = form.get("MessagingServiceSid")
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "body": form["Body"],
        "date_created": now,
        "date_sent": None,
        "date_updated": now,
        "direction": "outbound-api",
        "error_code": None,
        "error_message": None,
        "from": form.get("From"),
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "1",
        "price": None,
        "price_unit": "USD",
        "sid": sid,
        "status": "accepted" if service else "queued",
        "subresource_uris": {"media": f"{path}/Media.json"},
        "to": form["To"],
        "uri": f"{path}.json",
    }


def _sms_error(status: int, code: int, text: str) -> VendorError:
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    return VendorError(
        status, {"code": code, "message": text, "more_info": more_info, "status": status}
    )
