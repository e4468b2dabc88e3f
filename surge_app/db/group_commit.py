"""Group commit: callers that wait together share one transaction."""

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
    """What waits and what is under way in one event loop."""

    waiting: deque[_Waiting[Item, Result]] = field(default_factory=deque[_Waiting[Item, Result]])
    under_way: int = 0
    # The loop itself would forget a task that nobody else holds.
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])


class Batcher(Generic[Item, Result]):
    """Collects items while a flight is under way, and sends them together on the next one.

    There is no timer: a lone caller goes at once, and how many share a flight follows from how
    many came while the last one was away. An item that was submitted is carried out, once more
    if its flight failed, even when its caller has been cancelled: `flush` must bear repeating.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result | BaseException]]],
        *,
        most: int,
        flights: int,
    ) -> None:
        """Keep what carries a batch out; nothing runs before the first `submit`.

        Args:
            flush: Carries out some items and returns a result, or the error to raise, for each
                in their order. If it raises, nothing may have been done for good, and each item
                is tried again alone, so that one bad item harms no other.
            most: Items on one flight.
            flights: Flights at a time in one event loop.
        """
        self._flush = flush
        self._most = most
        self._flights = flights
        self._lanes: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lane[Item, Result]] = (
            WeakKeyDictionary()
        )

    async def submit(self, item: Item) -> Result:
        """Carry an item out, together with whatever waits beside it, and return its result.

        Raises:
            BaseException: What `flush` returned or raised for this item.
        """
        loop = asyncio.get_running_loop()
        lane = self._lanes.setdefault(loop, _Lane())
        future: asyncio.Future[Result] = loop.create_future()
        lane.waiting.append((item, future))
        if lane.under_way < self._flights:
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
                count = min(self._most, len(lane.waiting))
                batch = [lane.waiting.popleft() for _ in range(count)]
                await self._carry(batch)
        finally:
            # Not when the task is seen to be done: who came in between would wait for nobody.
            lane.under_way -= 1
            # Only where the loop is being closed has anyone no answer by now.
            for _, future in batch:
                future.cancel()

    async def _carry(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._flush([item for item, _ in batch])
            answered = list(zip(batch, results, strict=True))
        except Exception as error:  # noqa: BLE001  every caller is told of it below
            # Without a connection nothing was done, and nobody alone would fare better.
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
