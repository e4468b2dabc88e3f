"""Background HTTP calls from the stand-ins to the application."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp

from surge_app.observability.log import get_logger

if TYPE_CHECKING:
    from collections.abc import Coroutine

_log = get_logger(__name__)

_ANSWER_WITHIN_SECONDS = 5.0
# Shorter than any server's keep-alive, so that no call uses a closing connection.
_KEEPALIVE_SECONDS = 1.0
_SUCCESS = range(200, 300)


class Calls:
    """The HTTP client of one stand-in, with bounded concurrency and kept-alive connections.

    Args:
        at_once: Maximum concurrent calls.
    """

    def __init__(self, *, at_once: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._at_once = at_once
        self._client: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Run a coroutine in the background."""
        # The event loop keeps only weak references to tasks.
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> bool:
        """Send a body once; return whether the application accepted it."""
        async with self._slots:
            try:
                async with self._http.post(
                    url, data=body, headers=headers, allow_redirects=False
                ) as answer:
                    return answer.status in _SUCCESS
            except (aiohttp.ClientError, TimeoutError) as error:
                _log.info("sandbox_call_failed", url=url, error=repr(error))
                return False

    async def aclose(self) -> None:
        """Cancel pending calls."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.close()

    @property
    def _http(self) -> aiohttp.ClientSession:
        if self._client is None:
            # httpx takes several times the processor time for each request.
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._at_once, keepalive_timeout=_KEEPALIVE_SECONDS
                ),
                timeout=aiohttp.ClientTimeout(total=_ANSWER_WITHIN_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._client
