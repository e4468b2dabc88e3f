"""What the stand-ins send to the application by themselves: over real HTTP, in the background."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from surge_app.observability.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = get_logger(__name__)

_ANSWER_WITHIN_SECONDS = 5.0
# Shorter than any server keeps one, so that no call meets a connection that is just being closed.
_KEPT_SECONDS = 1.0


class Calls:
    """The way out of one stand-in: so many calls at a time, over connections that are kept."""

    def __init__(self, *, at_once: int) -> None:
        """Connect to nothing yet.

        Args:
            at_once: Most calls under way at a time; the next one waits.
        """
        self._slots = asyncio.Semaphore(at_once)
        self._limits = httpx.Limits(max_connections=at_once, keepalive_expiry=_KEPT_SECONDS)
        self._client: httpx.AsyncClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Do something in the background."""
        # The loop keeps only weak references to tasks.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        """Send a body once, and return whether it was taken."""
        async with self._slots:
            try:
                answer = await self._http.post(url, content=body, headers=headers)
            except httpx.HTTPError as error:
                _log.info("sandbox_call_failed", url=url, error=repr(error))
                return False
        return answer.is_success

    async def aclose(self) -> None:
        """Stop everything that is under way."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    @property
    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            # Our own address over plain HTTP: no certificates to load, no proxy to ask.
            self._client = httpx.AsyncClient(
                verify=False,  # noqa: S501 - as above
                trust_env=False,
                timeout=_ANSWER_WITHIN_SECONDS,
                limits=self._limits,
            )
        return self._client
