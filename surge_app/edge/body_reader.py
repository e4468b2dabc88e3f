"""Read the bodies of requests before anything parses them: small, whole and in time."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.requests import Request
from starlette.types import Message, Receive

from surge_app import container
from surge_app.edge.http import int_of, limit_body
from surge_app.edge.routes import BodyLimit, Route
from surge_app.errors import BodyTooSlow, InvalidRequest, PayloadTooLarge, RateLimited
from surge_app.kv.rate_limits import networks

_MAX_SECONDS = 10.0
_MAX_UPLOAD_SECONDS = 60.0
_MAX_CONCURRENT = 200
_RETRY_SECONDS = 5
# Each chunk costs as much as a small request; an ordinary one has the size of a packet.
_MAX_SMALL_CHUNKS, _MIN_CHUNK = 64, 64
_SAFE = {"GET", "HEAD", "OPTIONS"}


class BodyReader:
    """Reads whole bodies, a bounded number at a time from each network."""

    def __init__(self) -> None:
        self._reading: Counter[str] = Counter()

    async def read(
        self, request: Request, receive: Receive, route: Route
    ) -> tuple[bytes | None, Receive]:
        """Return the whole body, and a `receive` that gives it once more.

        The body is None where the client went away, or where it is streamed: an upload is not
        read before its sender is known.

        Raises:
            InvalidRequest: If it has two lengths, or comes in thousands of tiny chunks.
            PayloadTooLarge: If it is longer than the route takes.
            BodyTooSlow: If it has not arrived after ten seconds.
            RateLimited: If too many bodies of the same network are being read.
            Unauthorized: For a long body of a client that is no admin user.
        """
        if request.method in _SAFE and not has_body(request):
            return b"", receive
        length = int_of(request.headers.get("content-length", ""))
        if "content-length" in request.headers and "transfer-encoding" in request.headers:
            # A proxy in front may have believed the other one.
            raise InvalidRequest
        largest = await _largest(request, route, length)
        if length > largest:
            raise PayloadTooLarge
        if route.body_limit is BodyLimit.UPLOAD:
            return None, limit_body(receive, largest=largest, seconds=_MAX_UPLOAD_SECONDS)
        network = networks(request.state.client_address).narrow
        if self._reading[network] >= _MAX_CONCURRENT:
            raise RateLimited(_RETRY_SECONDS)
        self._reading[network] += 1
        try:
            async with asyncio.timeout(_MAX_SECONDS):
                message = await _whole(receive, largest)
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            self._reading[network] -= 1
            if not self._reading[network]:
                del self._reading[network]
        body = message["body"] if message["type"] == "http.request" else None
        return body, _repeat(message, receive)


async def _largest(request: Request, route: Route, length: int) -> int:
    headers = request.headers
    is_small = length <= BodyLimit.VISITOR and "transfer-encoding" not in headers
    if route.body_limit is not BodyLimit.ORGANIZER or is_small:
        return route.body_limit
    services = container.current()
    if services.identity.admin(headers.get("cookie", "")):
        return BodyLimit.ORGANIZER
    if "authorization" not in headers:
        return BodyLimit.VISITOR
    # FastAPI checks a password only after it has parsed the body.
    await services.admin_access.verify(
        headers["authorization"], client_address=request.state.client_address
    )
    return BodyLimit.ORGANIZER


def has_body(request: Request) -> bool:
    """Return whether the headers announce a body."""
    has_length = request.headers.get("content-length", "0") != "0"
    return has_length or "transfer-encoding" in request.headers


async def _whole(receive: Receive, largest: int) -> Message:
    body, chunks = bytearray(), 0
    while True:
        message = await receive()
        chunks += 1
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > largest:
            raise PayloadTooLarge
        if chunks > _MAX_SMALL_CHUNKS + len(body) / _MIN_CHUNK:
            raise InvalidRequest
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


def _repeat(message: Message, receive: Receive) -> Receive:
    messages = [message]

    async def repeated() -> Message:
        return messages.pop() if messages else await receive()

    return repeated
