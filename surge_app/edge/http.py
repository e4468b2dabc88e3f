"""Shared by the edge's layers: parsing a request's head, and small responses."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote, urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surge_app.errors import (
    AddressTooLong,
    ChallengeRequired,
    InvalidRequest,
    SurgeError,
    Unauthorized,
    UnknownHost,
)
from surge_app.languages import QUERY, language_of
from surge_app.services.access.client_address import forwarded_address, without_port
from surge_app.services.request_body import MAX_FIELDS
from surge_app.services.waiting_room.requests import QueueReply
from surge_app.settings import Settings

Headers = tuple[tuple[bytes, bytes], ...]
"""Headers as ASGI sends them."""

NO_STORE = ("cache-control", "no-store")
LAST = (("connection", "close"),)
"""Closes the connection of a body that was not read to its end."""

_FIRST_ERROR = 400
_PROBLEM_TYPE = "application/problem+json"
_MAX_QUERY = 2048
_MAX_HOST = 300
_CHALLENGE = ("www-authenticate", 'Basic realm="Surge organizer", charset="UTF-8"')


def client_address(connection: HTTPConnection, trusted_proxy_hops: int) -> str:
    """Return the client's IP address."""
    peer = connection.client.host if connection.client else "unknown"
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for"))
    return forwarded_address(peer, forwarded, trusted_proxy_hops)


def request_language(connection: HTTPConnection) -> str:
    """Return the tag of the language of an answer that no cache keeps."""
    headers = connection.headers
    has_query = connection.scope.get("query_string")
    return language_of(
        connection.scope["path"],
        connection.query_params.get(QUERY) if has_query else None,
        headers.get("cookie", ""),
        headers.get("accept-language"),
    )


class Hosts:
    """The names of this installation; a page of another name must not reach it by DNS rebinding."""

    def __init__(self, settings: Settings) -> None:
        urls = (settings.base_url, settings.frontend_url, settings.api_url)
        machine = socket.gethostname().lower()
        self._names = {"", "localhost", machine, f"{machine}.local"}
        self._names |= {urlsplit(url).hostname or "" for url in urls}

    def check(self, connection: HTTPConnection) -> None:
        """Raise UnknownHost for a name that is not ours; addresses of machines pass."""
        host = connection.headers.get("host", "")
        if len(host) > _MAX_HOST or not self._is_ours(host):
            raise UnknownHost

    @lru_cache(maxsize=256)  # noqa: B019  one for the process
    def _is_ours(self, header: str) -> bool:
        host = without_port(header.lower())
        if host in self._names or host.endswith(".localhost"):
            return True
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return False
        return True


def check_query(connection: HTTPConnection) -> None:
    """Refuse a query that is costly to parse, or that Postgres cannot hold.

    Raises:
        AddressTooLong: For too many letters or fields.
        InvalidRequest: For a NUL character.
    """
    query: bytes = connection.scope.get("query_string", b"")
    if len(query) > _MAX_QUERY or query.count(b"&") >= MAX_FIELDS:
        raise AddressTooLong
    if b"%00" in query or b"\0" in query:
        raise InvalidRequest


def json_response(
    body: object,
    status: int = 200,
    *,
    headers: Iterable[tuple[str, str]] = (),
    cookies: Iterable[str] = (),
    media_type: str = "application/json",
) -> Response:
    """Return a JSON response that no cache keeps."""
    content = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    response = Response(content, status, dict((NO_STORE, *headers)), media_type)
    return with_cookies(response, cookies)


def queue_response(reply: QueueReply) -> Response:
    """Return what the queue replies to a visitor, with its cookies."""
    cookies = [cookie.header for cookie in reply.cookies]
    if isinstance(reply.status, ChallengeRequired):
        return problem(reply.status, cookies=cookies)
    return json_response(reply.status.to_json(), cookies=cookies)


def problem(error: SurgeError, cookies: Iterable[str] = ()) -> Response:
    """Render an error as a problem document (RFC 9457)."""
    return json_response(
        error.document(),
        error.status,
        headers=headers_of(error),
        cookies=cookies,
        media_type=_PROBLEM_TYPE,
    )


def redirect(location: str, *cookies: str, status: int = 303) -> Response:
    """Redirect to a path of ours or to the pages of the development server."""
    target = quote(location, safe="/:?&=%#+@")
    return with_cookies(Response(None, status, dict([("location", target), NO_STORE])), cookies)


def method_not_allowed(allowed: str) -> Response:
    """Refuse a method; `allowed` lists the others."""
    return Response(None, 405, {"allow": allowed})


def with_cookies(response: Response, cookies: Iterable[str]) -> Response:
    """Add `Set-Cookie` headers to a response and return it."""
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


def encode(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return headers as ASGI sends them."""
    return tuple((name.encode(), value.encode("latin-1")) for name, value in headers)


def with_headers(send: Send, headers: Headers, *, on_success: Headers | None = None) -> Send:
    """Return a `send` that adds the headers that a response does not have yet.

    Args:
        on_success: To add instead where the response is no error.
    """

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = message.get("headers", [])
            names = {name.lower() for name, _ in present} - {b"set-cookie"}
            is_error = message["status"] >= _FIRST_ERROR
            wanted = headers if is_error or on_success is None else on_success
            added = [(name, value) for name, value in wanted if name not in names]
            message = {**message, "headers": [*present, *added]}
        await send(message)

    return wrapped


def limit_body(receive: Receive, *, largest: int, seconds: float) -> Receive:
    """Return a `receive` that reports a disconnect for a body that is too large or too slow.

    Args:
        largest: In bytes.
        seconds: From now until the last byte of the body.
    """
    seen, is_whole = 0, False
    ends_at = asyncio.get_running_loop().time() + seconds

    async def wrapped() -> Message:
        nonlocal seen, is_whole
        try:
            # After the body the application waits here for a disconnect, without a deadline.
            async with asyncio.timeout_at(None if is_whole else ends_at):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        is_whole = is_whole or not message.get("more_body", False)
        seen += len(message.get("body", b""))
        return {"type": "http.disconnect"} if seen > largest else message

    return wrapped


async def fetch(
    app: ASGIApp, scope: Scope, path: str, *, accept: str, query: str = ""
) -> tuple[int, bytes]:
    """Request a path of our own application without cookies; return status and body."""
    inner: Scope = {
        **scope,
        "method": "GET",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"accept", accept.encode())],
        "state": {},
        # Files are needed as bytes, not handed to the web server by their path.
        "extensions": {},
    }
    status, parts = 0, list[bytes]()
    was_read, is_over = False, asyncio.Event()

    async def receive() -> Message:
        nonlocal was_read
        if was_read:
            # A second call waits for a disconnect, which comes after the response.
            await is_over.wait()
            return {"type": "http.disconnect"}
        was_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            parts.append(message.get("body", b""))
            if not message.get("more_body", False):
                is_over.set()

    await app(inner, receive, send)
    return status, b"".join(parts)


def int_of(text: str) -> int:
    """Return a header's number, 0 if it is none."""
    return int(text) if text.isascii() and text.isdecimal() else 0


def headers_of(error: SurgeError) -> Iterable[tuple[str, str]]:
    """Return the headers that a response with an error carries."""
    challenge = (_CHALLENGE,) if isinstance(error, Unauthorized) else ()
    return (*challenge, *error.headers().items())
