"""Reading an ASGI request and writing small answers, without a framework in between."""

from __future__ import annotations

import asyncio
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote

from starlette.types import Message, Receive, Scope, Send

from surge_app.errors import AddressTooLong, SurgeError
from surge_app.services.request_body import MOST_FIELDS

_FIRST_ERROR = 400
_PROBLEM_TYPE = "application/problem+json"
_LONGEST_QUERY = 2048
_NOT_KEPT = ("cache-control", "no-store")

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/surge.css"><link rel="stylesheet" href="/controls.css">
<link rel="stylesheet" href="/queue.css">{head}</head>
<body class="bare"><main class="plain"><h1>{title}</h1><p>{text}</p>
<p><a class="button primary" href="{href}">{action}</a></p></main></body></html>
"""


@dataclass(frozen=True, slots=True)
class Request:
    """The parts of an ASGI scope the gate looks at."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    address: str

    @property
    def cookies(self) -> str:
        """The whole `Cookie` header."""
        return self.headers.get("cookie", "")


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete, small response."""

    status: int
    body: bytes = b""
    media_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())

    async def send(self, send: Send, extra: Iterable[tuple[str, str]] = ()) -> None:
        """Write it to the connection, with `extra` headers beside its own."""
        headers = [
            (b"content-type", self.media_type.encode()),
            (b"content-length", str(len(self.body)).encode()),
            *((name.encode(), value.encode("latin-1")) for name, value in (*self.headers, *extra)),
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body})


def parse_request(scope: Scope, *, trusted_proxy_hops: int) -> Request:
    """Read the head of a request.

    Args:
        scope: An `http` or `websocket` scope.
        trusted_proxy_hops: How many proxies may be believed about the client's address; that
            many entries are taken from the right of `X-Forwarded-For`, never from the left.

    Raises:
        AddressTooLong: If the query has too many letters or fields.
    """
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        # HTTP/2 may split one Cookie header into several.
        joiner = "; " if key == "cookie" else ", "
        headers[key] = f"{headers[key]}{joiner}{text}" if key in headers else text
    client = scope.get("client")
    return Request(
        method=scope.get("method", "GET"),
        path=scope["path"],
        query=_query(scope.get("query_string", b"")),
        headers=headers,
        address=_client_address(client, headers.get("x-forwarded-for", ""), trusted_proxy_hops),
    )


def json_answer(
    status: int, body: object, headers: Iterable[tuple[str, str]] = (), media: str | None = None
) -> Answer:
    """Return a JSON answer no one may keep."""
    raw = json.dumps(body, separators=(",", ":")).encode()
    return Answer(status, raw, media or "application/json", (_NOT_KEPT, *headers))


def json_text_answer(text: str) -> Answer:
    """Return an answer whose JSON stands already."""
    return Answer(200, text.encode(), "application/json", (_NOT_KEPT,))


def problem(error: SurgeError, extra: Iterable[tuple[str, str]] = ()) -> Answer:
    """Render an error as a problem document (RFC 9457), with `extra` headers."""
    headers = (*error.headers().items(), *extra)
    return json_answer(error.status, error.document(), headers, _PROBLEM_TYPE)


def redirect(location: str, *cookies: str, status: int = 303) -> Answer:
    """Send a person elsewhere."""
    target = quote(location, safe="/:?&=%#+@")
    headers = (("location", target), _NOT_KEPT)
    return Answer(status, headers=(*headers, *(("set-cookie", cookie) for cookie in cookies)))


def plain_page(
    status: int,
    *,
    title: str,
    text: str,
    action: str,
    href: str,
    headers: Iterable[tuple[str, str]] = (),
    refresh_seconds: int | None = None,
) -> Answer:
    """Return a small page that needs neither scripts nor a live connection."""
    head = (
        f'<meta http-equiv="refresh" content="{refresh_seconds}">'
        if refresh_seconds is not None
        else ""
    )
    body = _PAGE.format(
        title=html.escape(title),
        text=html.escape(text),
        action=html.escape(action),
        href=html.escape(href),
        head=head,
    )
    extra = (_NOT_KEPT, *headers)
    return Answer(status, body.encode(), "text/html; charset=utf-8", extra)


Encoded = tuple[tuple[bytes, bytes], ...]
"""Headers as they go over the wire."""


def encoded(headers: Iterable[tuple[str, str]]) -> Encoded:
    """Return headers as ASGI sends them."""
    return tuple((name.encode(), value.encode("latin-1")) for name, value in headers)


def with_headers(send: Send, every: Encoded, *, on_success: Encoded | None = None) -> Send:
    """Return a `send` that adds headers to whatever is answered; what is set already stays.

    Args:
        send: Takes the answer.
        every: The headers.
        on_success: Others for an answer that is no error; None for the same.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = message.get("headers", [])
            names = {name.lower() for name, _ in present} - {b"set-cookie"}
            is_error = message["status"] >= _FIRST_ERROR
            if is_error:
                # What is missing now may be there in a moment.
                names |= {name for name, value in every if value.startswith(b"public")}
            wanted = every if is_error or on_success is None else on_success
            added = [(name, value) for name, value in wanted if name not in names]
            message = {**message, "headers": [*present, *added]}
        await send(message)

    return wrapped


def limit_body(receive: Receive, *, largest: int, seconds: float) -> Receive:
    """Return a `receive` that reports a disconnect for a body that is too large or too slow.

    Args:
        receive: Gives the body.
        largest: In bytes.
        seconds: From now until the last byte of the body.
    """
    seen, is_whole = 0, False
    ends_at = asyncio.get_running_loop().time() + seconds

    async def wrapped() -> Message:
        nonlocal seen, is_whole
        try:
            # After the body the application waits here for a disconnect, for as long as it likes.
            async with asyncio.timeout_at(None if is_whole else ends_at):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = is_whole or not message.get("more_body", False)
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > largest else message

    return wrapped


async def refuse_socket(receive: Receive, send: Send) -> None:
    """Refuse a WebSocket before it is accepted; the browser sees HTTP 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def int_of(text: str) -> int:
    """Return a header's number, 0 if it is none."""
    return int(text) if text.isascii() and text.isdecimal() else 0


def _query(raw: bytes) -> dict[str, list[str]]:
    if len(raw) > _LONGEST_QUERY:
        raise AddressTooLong
    try:
        return parse_qs(raw.decode("latin-1"), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise AddressTooLong from None


def _client_address(client: Any, forwarded: str, hops: int) -> str:
    peer = str(client[0]) if client else "unknown"
    if hops == 0 or not forwarded:
        return peer
    chain = [part.strip() for part in forwarded.split(",") if part.strip()]
    return chain[-min(hops, len(chain))] if chain else peer
