"""Joining the line, answered by the gate: a sale opens with everybody doing this at once.

Through the API a call to join costs three times as much. And all requests of a process share one
event loop: with a thousand newcomers under way at once each of its rounds would last seconds, and
a purchase takes dozens of them. So newcomers take turns, in the order they came; whoever is
inside never waits behind more than a few.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from pydantic import ValidationError
from starlette.types import Message, Receive

from surge_app.container import Container
from surge_app.edge.http import Answer, Request, int_of, problem
from surge_app.edge.queue_response import told_answer
from surge_app.errors import QueueUnavailable, SurgeError
from surge_app.services.waiting_room.requests import JoinBody, sender

# Enough to keep Redis and the process busy at the same time.
_AT_ONCE = 4
# Browsers give up after thirty to sixty; while Redis is silent nobody gets a turn.
_PATIENCE_SECONDS = 20.0
_LARGEST_BODY = 16 * 1024
_JSON = "application/json"


class JoinEndpoint:
    """Answers `POST /api/queue/{slug}` as pages send it; what is malformed is left to the API."""

    def __init__(self) -> None:
        """Let the first ones in at once."""
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def answer(
        self, services: Container, slug: str, request: Request, body: bytes | None
    ) -> Answer | None:
        """Take a place in line for whoever asks; None for a body that is none of a page's."""
        sent = None if body is None else _sent(body)
        if sent is None:
            return None
        try:
            async with self._turn():
                told = await services.queue_requests.join(
                    slug, request.cookies, sent, sender(request.headers, request.address)
                )
        except SurgeError as error:
            return problem(error)
        return told_answer(told)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise QueueUnavailable from None
        try:
            yield
        finally:
            self._turns.release()


async def small_body(request: Request, receive: Receive) -> tuple[bytes | None, Receive]:
    """Read the body of a call to join, before its turn: slow senders keep nobody waiting.

    Returns:
        The body, None if it is no JSON or too long; and a `receive` from which whoever comes next
        reads the same request.
    """
    kind, length = request.headers.get("content-type", ""), request.headers.get("content-length")
    is_json = kind.partition(";")[0].strip().lower() == _JSON
    if length is None or int_of(length) > _LARGEST_BODY or (length != "0" and not is_json):
        return None, receive
    messages: list[Message] = []
    while True:
        message = await receive()
        messages.append(message)
        if not message.get("more_body", False):
            break
    body = b"".join(message.get("body", b"") for message in messages)
    is_whole = messages[-1]["type"] == "http.request"

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body if is_whole else None, again


def _sent(body: bytes) -> JoinBody | None:
    try:
        return JoinBody.model_validate_json(body) if body else JoinBody()
    except ValidationError:
        return None
