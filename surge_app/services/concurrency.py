"""Work on many things at once, but not on all, and lose no failure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")


async def for_each(
    items: Iterable[_Item], work: Callable[[_Item], Awaitable[None]], *, at_once: int
) -> None:
    """Run `work` for each item; one that fails stops no other.

    Args:
        items: What is worked on.
        work: Called once with each item.
        at_once: Most calls that run at the same time.

    Raises:
        ExceptionGroup: In the end, with every exception there was.
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
