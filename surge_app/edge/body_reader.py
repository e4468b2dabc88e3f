"""Reads the bodies of requests before anything parses them: small, whole and in time."""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.types import Message, Receive

from surge_app.edge.http import Request, int_of
from surge_app.errors import BodyTooSlow, PayloadTooLarge, RateLimited
from surge_app.kv.rate_limits import networks

LARGEST_BODY = 16 * 1024
# Organizers write descriptions of 10,000 letters; check-in sends up to 500 scans at once.
LARGEST_OF_ORGANIZERS = 256 * 1024
LARGEST_OF_CLIENTS = 64 * 1024
LARGEST_OF_VENDORS = 1024 * 1024

_SECONDS = 10.0
_MAX_CONCURRENT = 200
_RETRY_SECONDS = 5
_SAFE = {"GET", "HEAD", "OPTIONS"}


class Bodies:
    """Reads whole bodies, from each network only so many at a time."""

    def __init__(self) -> None:
        """Start with no body on its way."""
        self._reading: Counter[str] = Counter()

    async def read(self, request: Request, receive: Receive, *, largest: int) -> Receive:
        """Read a body and return a `receive` that gives it once more.

        Raises:
            PayloadTooLarge: If it is longer than `largest` bytes.
            BodyTooSlow: If it is not there after ten seconds.
            RateLimited: If too many bodies from the same network are on their way.
        """
        if not _has_body(request):
            return receive
        if int_of(request.headers.get("content-length", "")) > largest:
            raise PayloadTooLarge
        network = networks(request.address).narrow
        if self._reading[network] >= _MAX_CONCURRENT:
            raise RateLimited(_RETRY_SECONDS)
        self._reading[network] += 1
        try:
            async with asyncio.timeout(_SECONDS):
                message = await _whole(receive, largest)
        except TimeoutError:
            raise BodyTooSlow from None
        finally:
            self._reading[network] -= 1
            if not self._reading[network]:
                del self._reading[network]
        return _again(message, receive)


def _has_body(request: Request) -> bool:
    has_length = request.headers.get("content-length", "0") != "0"
    return request.method not in _SAFE or has_length or "transfer-encoding" in request.headers


async def _whole(receive: Receive, largest: int) -> Message:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > largest:
            raise PayloadTooLarge
        if not message.get("more_body", False):
            return {"type": "http.request", "body": bytes(body), "more_body": False}


def _again(message: Message, receive: Receive) -> Receive:
    messages = [message]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again
