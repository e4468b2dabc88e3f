"""Run tasks with bounded concurrency and collect every exception."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


async def for_each(
    items: Iterable[_Item], work: Callable[[_Item], Awaitable[None]], *, at_once: int
) -> None:
    """Run `work` for each item; a failure does not stop the others.

    Args:
        items: Arguments, one per call.
        work: Called once per item.
        at_once: Maximum concurrent calls.

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
        msg = "Some of the work failed."
        raise ExceptionGroup(msg, failures)
