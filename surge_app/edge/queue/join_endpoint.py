"""Join the queue: `POST /api/queue/{slug}` as pages send it, answered by the edge.

A sale opens with everyone joining at once. Through FastAPI a join costs three times as much. All
requests of a process also share one event loop: a thousand joins under way would stretch each of
its rounds to seconds, and a purchase takes dozens of rounds. So joins run a few at a time, in
order of arrival.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from surge_app.container import Container
from surge_app.edge.http import problem, queue_response
from surge_app.errors import QueueUnavailable, SurgeError
from surge_app.services.waiting_room.requests import JoinBody, sender

# Enough to keep Redis and the process busy at the same time.
_MAX_CONCURRENT = 4
# Browsers give up after 30 to 60; while Redis is silent, no join ends.
_MAX_WAIT_SECONDS = 20.0
_JSON = "application/json"


class JoinEndpoint:
    """Adds visitors to the queue, a few at a time."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_MAX_CONCURRENT)

    async def respond(
        self, services: Container, slug: str, request: Request, body: bytes | None
    ) -> Response | None:
        """Join a visitor; return None for a malformed body, which FastAPI explains."""
        wanted = _parsed(request, body)
        if wanted is None:
            return None
        cookies, headers = request.headers.get("cookie", ""), request.headers
        try:
            async with self._turn():
                reply = await services.queue_requests.join(
                    slug, cookies, wanted, sender(headers, request.state.client_address)
                )
        except SurgeError as error:
            return problem(error)
        return queue_response(reply)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(_MAX_WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError:
            raise QueueUnavailable from None
        try:
            yield
        finally:
            self._turns.release()


def _parsed(request: Request, body: bytes | None) -> JoinBody | None:
    if not body:
        return None if body is None else JoinBody()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        return None
    try:
        return JoinBody.model_validate_json(body)
    except ValidationError:
        return None
