"""The mail catcher: `/sandbox/outbox` (page) and `/sandbox/outbox.json`."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from surge_app.clock import utc_now
from surge_app.sandbox.store import OutboxBody, UnknownIdError

if TYPE_CHECKING:
    from surge_app.sandbox.store import JsonObject, Outbox

_SHOWN = 60
_PRIVATE = {"id", "twilio"}
_JUST_NOW_SECONDS = 45
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# A mail is rendered without any right: no script, no request, no cookie.
_PREVIEW_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def outbox_router(outbox: Outbox) -> APIRouter:
    """Return the page, the JSON, the previews and the files."""
    router = APIRouter(prefix="/sandbox", include_in_schema=False)
    templates = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
    )
    templates.filters["ago"] = _ago  # pyright: ignore[reportUnknownMemberType] - untyped in jinja2
    _add_lists(router, outbox, templates)
    _add_parts(router, outbox)
    return router


def _add_lists(router: APIRouter, outbox: Outbox, templates: Environment) -> None:
    @router.get("/outbox.json")
    async def outbox_json() -> JSONResponse:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        messages = await outbox.messages()
        shown = [{name: item[name] for name in item if name not in _PRIVATE} for item in messages]
        return JSONResponse({"messages": shown}, headers={"Cache-Control": "no-store"})

    @router.get("/outbox")
    async def outbox_page(  # pyright: ignore[reportUnusedFunction] - the router keeps it
        request: Request,
        channel: Literal["", "email", "sms"] = "",
        q: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:
        tag = f'"{await outbox.version()}"'
        # Only the script sends conditional requests; its fragment has no nonce.
        if request.headers.get("If-None-Match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        messages = [item for item in await outbox.messages() if _matches(item, channel, q)]
        nonce = secrets.token_urlsafe(12)
        page = templates.get_template("mail_catcher.html").render(
            messages=messages[:_SHOWN], total=len(messages), channel=channel, q=q, nonce=nonce
        )
        return HTMLResponse(page, headers=_page_headers(nonce, tag))


def _add_parts(router: APIRouter, outbox: Outbox) -> None:
    @router.get("/outbox/{message_id}/preview")
    async def preview(message_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        body = await _body(outbox, message_id)
        headers = {
            "Content-Security-Policy": _PREVIEW_POLICY,
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
        return HTMLResponse(_with_inline_images(body), headers=headers)

    @router.get("/outbox/{message_id}/attachments/{number}")
    async def attachment(message_id: str, number: int) -> Response:  # pyright: ignore[reportUnusedFunction] - the router keeps it
        files = (await _body(outbox, message_id)).attachments
        if not 0 <= number < len(files):
            raise HTTPException(404)
        found = files[number]
        try:
            content = base64.b64decode(found.content, validate=True)
        except ValueError as error:
            raise HTTPException(404) from error
        headers = {
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(found.filename)}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "Cache-Control": "no-store",
        }
        media_type = found.media_type if found.media_type.isascii() else "application/octet-stream"
        return Response(content, media_type=media_type, headers=headers)


async def _body(outbox: Outbox, message_id: str) -> OutboxBody:
    try:
        return await outbox.body(message_id)
    except UnknownIdError as error:
        raise HTTPException(404) from error


def _page_headers(nonce: str, tag: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'unsafe-inline'; "
        "img-src data: 'self'; font-src 'self'; connect-src 'self'; frame-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    return {"Content-Security-Policy": policy, "ETag": tag, "Cache-Control": "no-store"}


def _matches(message: JsonObject, channel: str, query: str) -> bool:
    if channel and message["channel"] != channel:
        return False
    wanted = query.strip().casefold()
    parts: tuple[Any, ...] = (message["to"], message["subject"], message["booking_ref"])
    return not wanted or any(wanted in str(part or "").casefold() for part in parts)


def _with_inline_images(body: OutboxBody) -> str:
    html = body.html or ""
    for item in body.attachments:
        if item.content_id and item.media_type.startswith("image/"):
            source = f"data:{quote(item.media_type, safe='/+')};base64,{item.content}"
            html = html.replace(f"cid:{item.content_id}", source)
    # Links open in a new tab, as they do from a mail program.
    return f'<base target="_blank">{html}'


def _ago(stamp: str) -> str:
    seconds = (utc_now() - datetime.fromisoformat(stamp)).total_seconds()
    if seconds < _JUST_NOW_SECONDS:
        return "just now"
    if seconds < _HOUR:
        return f"{max(1, round(seconds / _MINUTE))} min ago"
    if seconds < _DAY:
        return f"{round(seconds / _HOUR)} h ago"
    return f"{round(seconds / _DAY)} d ago"
