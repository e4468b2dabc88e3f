"""Keep snapshots of queues in each worker, so that a poll needs no Redis.

A task for each queue asks Redis a few times a second: it hands over who was seen, lets Redis
admit, and takes the queue home as bits. A position is then a count of bits.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from array import array
from collections.abc import Coroutine, Sequence
from typing import TypeVar

from redis.exceptions import RedisError

from surge_app.errors import NotFound, QueueUnavailable, SurgeError
from surge_app.kv.packed_numbers import unpack_numbers
from surge_app.kv.queue import QueueSnapshotRow, QueueState, QueueStore
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import (
    AdmissionRate,
    check_known,
    opens_in_ms,
    polling_pace,
    retry_after_ms,
    template,
)
from surge_app.services.waiting_room.estimates import eta_seconds, odds_of
from surge_app.services.waiting_room.lottery import RANDOM

_Result = TypeVar("_Result")

_TICK_SECONDS = 0.25
_QUIET_TICK_SECONDS = 1.0
# Younger than the shortest pause between two polls, so that no answer is older than the last.
_MAX_AGE_SECONDS = 0.8
_QUIET_AFTER_SECONDS = 5.0
_IDLE_SECONDS = 600.0
_REDIS_SECONDS, _REDIS_TURNS = 1.0, 10


class Snapshot:
    """A queue at one moment."""

    def __init__(
        self, row: QueueSnapshotRow, rate: AdmissionRate, order: Sequence[int] = ()
    ) -> None:
        self.queue = row.queue
        self.taken = time.monotonic()
        self.waiting_bits = row.bits
        self._order = order
        self.pace = rate.pace(row.queue)
        self.odds = odds_of(row.queue)
        queue = row.queue
        words = {"open": "paused" if queue.is_paused else "waiting"}
        self.state = words.get(queue.sale, queue.sale)
        if queue.sale == "open" and not queue.is_drawn:
            self.state = "scheduled"
        elif queue.sale == "open" and queue.is_sold_out:
            self.state = "sold_out"
        self.note = rate.note(queue) if self.state == "waiting" else None
        self._opens_in = opens_in_ms(queue)
        self._for_waiting = template(queue, self.note)
        self._for_others = template(queue, None)

    def visitors_ahead(self, number: int) -> int | None:
        """Return how many wait before a number; None if it does not wait."""
        position = number
        if 0 < number <= len(self._order):
            position = self._order[number - 1]
        return self.waiting_bits.count_ahead(position)

    @property
    def head(self) -> int:
        """The first position that waits, or the next one if none does."""
        bits = self.waiting_bits
        found = bits.first_set()
        return self.queue.issued + 1 if found is None else bits.first * 8 + found

    def waiting_before(self, position: int) -> int:
        """Return how many wait before a position that is a multiple of eight."""
        return self.waiting_bits.count_before(position // 8 - self.waiting_bits.first)

    def bits(self, position: int, size: int) -> bytes:
        """Return who waits from a position on, a bit for each; both are multiples of eight."""
        return self.waiting_bits.read(position // 8 - self.waiting_bits.first, size // 8)

    def positions(self, number: int, size: int) -> Sequence[int]:
        """Return the drawn positions of numbers from `number` on; none if they were not drawn."""
        return self._order[number - 1 : number - 1 + size]

    def is_newer(self, number: int) -> bool:
        """Return whether a number was issued after this moment."""
        return number > self.queue.issued

    def render(self, number: int) -> str | None:
        """Return the JSON for a number that waits; None if it does not."""
        ahead = self.visitors_ahead(number)
        if ahead is None:
            return None
        state = self.state
        if state not in {"waiting", "paused"}:
            wait = retry_after_ms(state, self._asks_after(ahead), self._opens_in)
            return self._for_waiting % (f'"{state}"', "null", "null", number, "null", "null", wait)
        eta = eta_seconds(self.queue, ahead, self.pace) if state == "waiting" else None
        return self._for_waiting % (
            f'"{state}"',
            ahead + 1,
            ahead,
            number,
            f'{{"low":{eta[0]},"high":{eta[1]}}}' if eta else "null",
            "null" if (chance := self.odds(ahead)) is None else chance,
            retry_after_ms(state, ahead, None, polling_pace(self.queue, self.pace)),
        )

    def _asks_after(self, ahead: int) -> int:
        """Return how many who wait for the opening poll before a visitor at this position."""
        if self.state != "scheduled":
            return 0
        if self.queue.queue_order == RANDOM:
            # The order is not drawn yet.
            return int(random.uniform(0, self.queue.waiting))  # noqa: S311  spreads polls, keeps no secret
        return ahead

    def render_stranger(self) -> str:
        """Return the JSON for a visitor without a number."""
        state = "not_joined" if self.state in {"waiting", "paused"} else self.state
        wait = retry_after_ms(state, 0, self._opens_in)
        return self._for_others % (f'"{state}"', *("null",) * 5, wait)


class QueueSnapshots:
    """The snapshots of one process."""

    def __init__(self, store: QueueStore) -> None:
        self._store = store
        self._followers: dict[str, _SnapshotFollower] = {}
        self._is_closed = False

    def current(self, slug: str) -> Snapshot | None:
        """Return the queue of an event as it was a moment ago; None if that is too long ago."""
        follower = self._followers.get(slug)
        if follower is None or follower.snapshot is None:
            return None
        now = time.monotonic()
        follower.asked = now
        return follower.snapshot if now - follower.snapshot.taken < _MAX_AGE_SECONDS else None

    async def wait_for_next(self, slug: str) -> Snapshot:
        """Return the queue as it is now.

        Raises:
            NotFound: If there is no such event.
            QueueUnavailable: If Redis does not answer.
        """
        follower = self._followers.get(slug)
        if follower is None:
            follower = self._followers[slug] = _SnapshotFollower()
            follower.task = asyncio.create_task(self._follow(slug, follower))
        follower.asked = time.monotonic()
        return await follower.next()

    def admission_rate(self, slug: str) -> AdmissionRate:
        """Return how fast a queue moves, as far as this process has followed it."""
        follower = self._followers.get(slug)
        return AdmissionRate() if follower is None else follower.rate

    def render(self, slug: str, snapshot: Snapshot, visitor: Visitor | None) -> str | None:
        """Return the JSON for a poll; None if only Redis has the answer.

        The poll of a waiting visitor is recorded, and sent to Redis with the next snapshot.
        """
        if visitor is None:
            return snapshot.render_stranger()
        number = visitor.queue_numbers.get(slug)
        if number is None or snapshot.is_newer(number):
            return None
        follower = self._followers.get(slug)
        if follower is not None and number in follower.moved:
            # A cookie does not show whether it is of the device that has the place now.
            return None
        body = snapshot.render(number)
        if body is not None and follower is not None:
            follower.seen.add(number)
        return body

    async def close(self) -> None:
        """Stop looking."""
        self._is_closed = True
        tasks = {follower.task for follower in self._followers.values() if follower.task}
        while tasks:
            for task in tasks:
                task.cancel()
            # A cancellation that meets the end of a time limit can be lost, so it is repeated.
            _, tasks = await asyncio.wait(tasks, timeout=_TICK_SECONDS)

    async def _follow(self, slug: str, follower: _SnapshotFollower) -> None:
        try:
            while not self._is_closed:
                started = time.monotonic()
                try:
                    follower.publish(await self._take(slug, follower))
                except SurgeError as error:
                    follower.fail(error)
                    if isinstance(error, NotFound):
                        return
                if follower.is_idle():
                    return
                await follower.pause(started)
        finally:
            del self._followers[slug]
            follower.fail(QueueUnavailable())

    async def _take(self, slug: str, follower: _SnapshotFollower) -> Snapshot:
        start = follower.start
        seen, follower.seen = follower.seen, set()
        try:
            known = follower.snapshot and follower.snapshot.waiting_bits
            row = await _in_time(
                self._store.snapshot(
                    slug, start=start, seen=seen, known=known, moves=follower.moves
                )
            )
            if row.queue.sale == "unknown" and follower.snapshot is not None:
                raise QueueUnavailable
            check_known(row.queue)
            if _needs_order(row.queue) and (start != row.queue.start or not follower.order):
                follower.order = unpack_numbers(await _in_time(self._store.drawn_order(slug)))
        except (RedisError, OSError, TimeoutError) as error:
            follower.seen |= seen
            raise QueueUnavailable from error
        follower.note_moves(row)
        order = follower.order if _needs_order(row.queue) else ()
        return Snapshot(row, follower.rate, order)


class _SnapshotFollower:
    """One queue that this process follows while visitors poll it."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.snapshot: Snapshot | None = None
        self.seen: set[int] = set()
        self.moved: set[int] = set()
        self.moves = 0
        self.asked = time.monotonic()
        self.order: array[int] = array("I")
        self.rate = AdmissionRate()
        self._wanted = asyncio.Event()
        self._waiters: list[asyncio.Future[Snapshot]] = []

    @property
    def start(self) -> int | None:
        return None if self.snapshot is None else self.snapshot.queue.start

    def note_moves(self, row: QueueSnapshotRow) -> None:
        if row.queue.start != self.start:
            self.moved, self.moves = set(), 0
        self.moved.update(row.moved)
        self.moves += len(row.moved)

    async def next(self) -> Snapshot:
        waiter: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wanted.set()
        return await waiter

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for waiter in self._take_waiters():
            waiter.set_result(snapshot)

    def fail(self, error: SurgeError) -> None:
        for waiter in self._take_waiters():
            waiter.set_exception(error)

    def is_idle(self) -> bool:
        quiet = time.monotonic() - self.asked
        queue = None if self.snapshot is None else self.snapshot.queue
        is_empty = queue is None or queue.sale != "open" or queue.waiting + queue.called == 0
        return quiet > (_QUIET_AFTER_SECONDS if is_empty else _IDLE_SECONDS)

    async def pause(self, started: float) -> None:
        is_quiet = started - self.asked > _QUIET_AFTER_SECONDS
        await asyncio.sleep(_TICK_SECONDS - min(_TICK_SECONDS, time.monotonic() - started))
        if is_quiet and not self._waiters:
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_TICK_SECONDS - _TICK_SECONDS):
                    await self._wanted.wait()

    def _take_waiters(self) -> list[asyncio.Future[Snapshot]]:
        waiters, self._waiters = self._waiters, []
        return [waiter for waiter in waiters if not waiter.done()]


async def _in_time(call: Coroutine[None, None, _Result]) -> _Result:
    """Wait for Redis, and not for ourselves: where this process is late, its answers are late too.

    The time is counted in turns of the event loop, each of which takes in what has come meanwhile.
    One limit for all of it would end first whenever a crowd keeps the loop busy for as long, and
    every waiter for this row would be refused.

    Raises:
        TimeoutError: If there is no answer for so many turns.
    """
    task = asyncio.ensure_future(call)
    try:
        for _ in range(_REDIS_TURNS):
            done, _ = await asyncio.wait({task}, timeout=_REDIS_SECONDS / _REDIS_TURNS)
            if done:
                return task.result()
    finally:
        if task.cancel():
            # Until then it has a connection, which could not be closed.
            await asyncio.wait({task})
    raise TimeoutError


def _needs_order(queue: QueueState) -> bool:
    return queue.queue_order == RANDOM and queue.is_drawn and bool(queue.early)
