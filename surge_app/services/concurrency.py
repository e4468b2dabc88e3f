"""Bounded concurrency: many tasks at once but not all, and one thread for slow calculations."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar

import anyio
import anyio.to_thread

from surge_app.errors import RateLimited

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")
_RETRY_AFTER_SECONDS = 2
_NICENESS = 5


class BoundedWorker:
    """Runs slow calculations in one thread, and refuses more when too many wait for it."""

    def __init__(self, max_waiting: int) -> None:
        self._max_pending = max_waiting + 1
        self._pending = 0
        self._slot = anyio.CapacityLimiter(1)

    async def run(self, function: Callable[..., _Result], *arguments: object) -> _Result:
        """Return the function's result; raises RateLimited if the queue is full."""
        if self._pending >= self._max_pending:
            raise RateLimited(_RETRY_AFTER_SECONDS)
        self._pending += 1
        try:
            return await anyio.to_thread.run_sync(function, *arguments, limiter=self._slot)
        finally:
            self._pending -= 1


def at_low_priority(function: Callable[..., _Result], *arguments: object) -> _Result:
    """Run a calculation that needs no Python, such as a password hash, after all other work.

    It gets a thread of its own, because no thread may raise its priority again. The calculation
    must release the interpreter, or others would wait for a thread that hardly runs.
    """
    with ThreadPoolExecutor(1, initializer=_lower_priority) as own:
        return own.submit(function, *arguments).result()


def _lower_priority() -> None:
    # Elsewhere a priority belongs to the whole process.
    if sys.platform == "linux":
        os.nice(_NICENESS)


@asynccontextmanager
async def in_background(work: Coroutine[object, object, None]) -> AsyncGenerator[None]:
    """Run work during the block, and cancel it at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def for_each(
    items: Iterable[_Item], work: Callable[[_Item], Awaitable[None]], *, at_once: int
) -> None:
    """Run `work` for each item; a failure does not stop the others.

    Raises:
        ExceptionGroup: After the last call, with every exception.
    """
    slots = asyncio.Semaphore(at_once)

    async def one(item: _Item) -> None:
        async with slots:
            await work(item)

    results = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    failures = [result for result in results if isinstance(result, Exception)]
    if failures:
        raise ExceptionGroup("Some of the work failed.", failures)
