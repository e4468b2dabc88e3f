"""What a worker keeps of the lines its visitors ask about, so that a poll needs no Redis.

A task for each line asks Redis a few times a second: it hands over who was seen, lets Redis
admit, and takes the whole line home as bits. A position is then a count of bits.
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
from surge_app.kv.queue import QueueSnapshotRow, QueueState, QueueStore, unpacked
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import (
    AdmissionRate,
    check_known,
    eta_seconds,
    opens_in_ms,
    retry_after_ms,
    template,
)
from surge_app.services.waiting_room.lottery import RANDOM

_Found = TypeVar("_Found")

_TICK_SECONDS = 0.25
_QUIET_TICK_SECONDS = 1.0
# Younger than the shortest pause between two polls, so that no answer is older than the last.
_OLDEST_SECONDS = 0.8
_QUIET_AFTER_SECONDS = 5.0
_FORGOTTEN_AFTER_SECONDS = 600.0
_REDIS_SECONDS, _REDIS_TURNS = 1.0, 10
_BLOCK = 128


class Snapshot:
    """A line at one moment."""

    def __init__(
        self, look: QueueSnapshotRow, pace: AdmissionRate, order: Sequence[int] = ()
    ) -> None:
        """Count the bits once, block by block.

        Args:
            look: What Redis showed.
            pace: Remembers how fast it went before.
            order: The places of the drawn numbers.
        """
        self.line = look.line
        self.taken = time.monotonic()
        self._first = look.first_byte
        self._bits = look.bits
        self._order = order
        self._before = _counted(look.bits)
        self._rate = pace.per_second(look.line)
        line = look.line
        words = {"open": "paused" if line.is_paused else "waiting"}
        self._state = words.get(line.sale, line.sale)
        if line.sale == "open" and line.is_sold_out:
            self._state = "sold_out"
        self._opens_in = opens_in_ms(line)
        self._for_waiting = template(line, pace.note(line) if self._state == "waiting" else None)
        self._for_others = template(line, None)

    def ahead(self, number: int) -> int | None:
        """Return how many wait before a number; None if it does not wait."""
        place = number
        if 0 < number <= len(self._order):
            place = self._order[number - 1]
        byte, bit = (place >> 3) - self._first, 7 - (place & 7)
        if byte < 0 or byte >= len(self._bits) or not self._bits[byte] >> bit & 1:
            return None
        block = byte // _BLOCK
        # With this place's own bit and all behind it shifted out.
        part = int.from_bytes(self._bits[block * _BLOCK : byte + 1], "big") >> (bit + 1)
        return self._before[block] + part.bit_count()

    def is_newer(self, number: int) -> bool:
        """Whether a number was issued after this moment."""
        return number > self.line.issued

    def answer(self, number: int) -> str | None:
        """Return the JSON for a number that waits; None if it does not."""
        ahead = self.ahead(number)
        if ahead is None:
            return None
        state = self._state
        if state not in {"waiting", "paused"} or not self.line.is_drawn:
            wait = retry_after_ms(state, self._asks_after(ahead), self._opens_in)
            return self._for_waiting % (f'"{state}"', "null", "null", number, "null", wait)
        eta = eta_seconds(ahead, self._rate) if state == "waiting" else None
        return self._for_waiting % (
            f'"{state}"',
            ahead + 1,
            ahead,
            number,
            f'{{"low":{eta[0]},"high":{eta[1]}}}' if eta else "null",
            retry_after_ms(state, ahead, None),
        )

    def _asks_after(self, ahead: int) -> int:
        """Return how many of those who wait for the opening ask before somebody does."""
        if self._state != "scheduled":
            return 0
        if self.line.queue_order == RANDOM:
            # Who goes first is not drawn yet.
            return int(random.uniform(0, self.line.waiting))  # noqa: S311  spreads polls, keeps no secret
        return ahead

    def answer_stranger(self) -> str:
        """Return the JSON for someone who is nobody to this line."""
        state = "not_joined" if self._state in {"waiting", "paused"} else self._state
        wait = retry_after_ms(state, 0, self._opens_in)
        return self._for_others % (f'"{state}"', "null", "null", "null", "null", wait)


class QueueSnapshots:
    """The snapshots of one process."""

    def __init__(self, store: QueueStore) -> None:
        """Keep the store; nothing runs before the first look."""
        self._store = store
        self._watches: dict[str, _Watch] = {}
        self._is_closed = False

    def fresh(self, slug: str) -> Snapshot | None:
        """Return the line of an event as it was a moment ago; None if that is too long ago."""
        watch = self._watches.get(slug)
        if watch is None or watch.snapshot is None:
            return None
        now = time.monotonic()
        watch.asked = now
        return watch.snapshot if now - watch.snapshot.taken < _OLDEST_SECONDS else None

    async def next(self, slug: str) -> Snapshot:
        """Return the line as it is now.

        Raises:
            NotFound: If there is no such event.
            LineUnavailable: If Redis does not answer.
        """
        watch = self._watches.get(slug)
        if watch is None:
            watch = self._watches[slug] = _Watch()
            watch.task = asyncio.create_task(self._follow(slug, watch))
        watch.asked = time.monotonic()
        return await watch.next()

    def pace(self, slug: str) -> AdmissionRate:
        """Return how fast a line moves, as far as this process has followed it."""
        watch = self._watches.get(slug)
        return AdmissionRate() if watch is None else watch.pace

    def told(self, slug: str, view: Snapshot, visitor: Visitor | None) -> str | None:
        """Return the JSON for whoever polls; None if only Redis knows what to say.

        That somebody who waits has polled is remembered; Redis is told with the next look.
        """
        if visitor is None:
            return view.answer_stranger()
        number = visitor.places.get(slug)
        if number is None or view.is_newer(number):
            return None
        body = view.answer(number)
        watch = self._watches.get(slug)
        if body is not None and watch is not None:
            watch.seen.add(number)
        return body

    async def close(self) -> None:
        """Stop looking."""
        self._is_closed = True
        tasks = {watch.task for watch in self._watches.values() if watch.task}
        while tasks:
            for task in tasks:
                task.cancel()
            # A cancellation that meets the end of a time limit can be lost, so it is repeated.
            _, tasks = await asyncio.wait(tasks, timeout=_TICK_SECONDS)

    async def _follow(self, slug: str, watch: _Watch) -> None:
        try:
            while not self._is_closed:
                started = time.monotonic()
                try:
                    watch.show(await self._look(slug, watch))
                except SurgeError as error:
                    watch.fail(error)
                    if isinstance(error, NotFound):
                        return
                if watch.is_forgotten():
                    return
                await watch.pause(started)
        finally:
            del self._watches[slug]
            watch.fail(QueueUnavailable())

    async def _look(self, slug: str, watch: _Watch) -> Snapshot:
        start = watch.start
        seen, watch.seen = watch.seen, set()
        try:
            look = await _in_time(self._store.look(slug, start=start, seen=seen))
            if look.line.sale == "unknown" and watch.snapshot is not None:
                raise QueueUnavailable
            check_known(look.line)
            if _needs_order(look.line) and (start != look.line.start or not watch.order):
                watch.order = unpacked(await _in_time(self._store.order(slug)))
        except (RedisError, OSError, TimeoutError) as error:
            watch.seen |= seen
            raise QueueUnavailable from error
        order = watch.order if _needs_order(look.line) else ()
        return Snapshot(look, watch.pace, order)


class _Watch:
    """One line this process follows, as long as somebody asks about it."""

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.snapshot: Snapshot | None = None
        self.seen: set[int] = set()
        self.asked = time.monotonic()
        self.order: array[int] = array("I")
        self.pace = AdmissionRate()
        self._wanted = asyncio.Event()
        self._waiters: list[asyncio.Future[Snapshot]] = []

    @property
    def start(self) -> int | None:
        return None if self.snapshot is None else self.snapshot.line.start

    async def next(self) -> Snapshot:
        waiter: asyncio.Future[Snapshot] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._wanted.set()
        return await waiter

    def show(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        for waiter in self._taken_waiters():
            waiter.set_result(snapshot)

    def fail(self, error: SurgeError) -> None:
        for waiter in self._taken_waiters():
            waiter.set_exception(error)

    def is_forgotten(self) -> bool:
        quiet = time.monotonic() - self.asked
        line = None if self.snapshot is None else self.snapshot.line
        is_empty = line is None or line.sale != "open" or line.waiting + line.called == 0
        return quiet > (_QUIET_AFTER_SECONDS if is_empty else _FORGOTTEN_AFTER_SECONDS)

    async def pause(self, started: float) -> None:
        is_quiet = started - self.asked > _QUIET_AFTER_SECONDS
        await asyncio.sleep(_TICK_SECONDS - min(_TICK_SECONDS, time.monotonic() - started))
        if is_quiet and not self._waiters:
            self._wanted.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_QUIET_TICK_SECONDS - _TICK_SECONDS):
                    await self._wanted.wait()

    def _taken_waiters(self) -> list[asyncio.Future[Snapshot]]:
        waiters, self._waiters = self._waiters, []
        return [waiter for waiter in waiters if not waiter.done()]


async def _in_time(call: Coroutine[None, None, _Found]) -> _Found:
    """Wait for Redis, and not for ourselves: where this process is late, its answers are late too.

    The time is counted in turns of the event loop, each of which takes in what has come meanwhile.
    One limit for all of it would end first whenever a crowd keeps the loop busy for as long, and
    everybody who waits for this look would be refused.

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
        task.cancel()
    raise TimeoutError


def _needs_order(line: QueueState) -> bool:
    return line.queue_order == RANDOM and line.is_drawn and bool(line.early)


def _counted(bits: bytes) -> list[int]:
    """Return how many bits are set before each block."""
    found, total = [0], 0
    for start in range(0, len(bits), _BLOCK):
        total += int.from_bytes(bits[start : start + _BLOCK], "big").bit_count()
        found.append(total)
    return found
