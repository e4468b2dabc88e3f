"""Group commit: concurrent callers share one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from surge_app.errors import Busy

Item = TypeVar("Item")
Result = TypeVar("Result")

_Waiting: TypeAlias = tuple[Item, asyncio.Future[Result]]


@dataclass(slots=True)
class _Lane(Generic[Item, Result]):
    """Pending items and running flushes of one event loop."""

    waiting: deque[_Waiting[Item, Result]] = field(default_factory=deque[_Waiting[Item, Result]])
    under_way: int = 0
    # The event loop keeps only weak references to tasks.
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


class Batcher(Generic[Item, Result]):
    """Collects items while a flush runs, and flushes them together next.

    A lone item is flushed at once, and the batch size follows from how many arrived during the
    previous flush. A submitted item is flushed even if its caller is
    cancelled, and once more alone if its batch failed, so `flush` must be repeatable.

    Args:
        flush: Handles a batch and returns, in order, a result or the error to raise for each
            item. It may raise only if nothing was committed; each item is then retried
            alone, so that one bad item harms no other.
        max_batch: Maximum items per flush.
        max_concurrent: Maximum concurrent flushes per event loop.
        gather_seconds: How long a flush waits for more items where no person waits for it.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result | BaseException]]],
        *,
        max_batch: int = 100,
        max_concurrent: int = 2,
        gather_seconds: float = 0.0,
    ) -> None:
        self._flush = flush
        self._max_batch = max_batch
        self._max_concurrent = max_concurrent
        self._gather_seconds = gather_seconds
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane[Item, Result]] = (
            WeakKeyDictionary()
        )

    async def submit(self, item: Item) -> Result:
        """Flush an item together with other pending ones, and return its result.

        Raises:
            BaseException: What `flush` returned or raised for this item.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(loop, _Lane())
        future: asyncio.Future[Result] = loop.create_future()
        lane.waiting.append((item, future))
        if lane.under_way < self._max_concurrent:
            lane.under_way += 1
            # It starts in the loop's next turn, so that all who come in this one share it. What
            # is logged there belongs to no single request.
            task = loop.create_task(self._fly(lane), context=Context())
            lane.tasks.add(task)
            task.add_done_callback(lane.tasks.discard)
        return await future

    async def _fly(self, lane: _Lane[Item, Result]) -> None:
        batch: list[_Waiting[Item, Result]] = []
        try:
            while lane.waiting:
                if self._gather_seconds:
                    await asyncio.sleep(self._gather_seconds)
                count = min(self._max_batch, len(lane.waiting))
                batch = [lane.waiting.popleft() for _ in range(count)]
                # Another flush may have taken all of them meanwhile.
                if batch:
                    await self._carry(batch)
        finally:
            # Not in a done callback: an item submitted in between would never be flushed.
            lane.under_way -= 1
            # Only a closing loop leaves an item without a result here.
            for _, future in batch:
                future.cancel()

    async def _carry(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
            answered = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001  every caller is told of it below
            # Without a connection nothing was committed, and retrying alone would not help.
            if len(batch) > 1 and not isinstance(error, Busy):
                for one in batch:
                    await self._carry([one])
                return
            answered = [(one, error) for one in batch]
        for (_, future), result in answered:
            if future.done():
                continue
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)
