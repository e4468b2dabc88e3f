"""Typed callers of the scripts of the waiting room. All state of the queue is in Redis."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from datetime import timedelta
from typing import Any
from zlib import crc32

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script, has_old_nodes, read_raw, server_runs
from surge_app.kv.packed_numbers import pack_numbers, unpack_numbers
from surge_app.kv.waiting_bits import WaitingBits

_RETENTION_MS = 30 * 24 * 3600 * 1000
_SCRIPTS = (
    "join poll leave renew grant end_hold step_aside revoke locate snapshot stats open sync draw"
)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The rules of an event's queue; times are milliseconds since the epoch."""

    phase: str
    opens_at_ms: int | None
    closes_at_ms: int | None
    paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None
    message: str
    queue_order: str = "fifo"
    seed: str = ""
    commitment: str = ""
    challenge: str = "off"
    personal_below: int | None = None

    def as_hash(self) -> dict[str, str]:
        """Return the fields as `queue.lua` reads them; an empty string means "not set"."""
        values = {name: "" if value is None else value for name, value in asdict(self).items()}
        return {name: str(int(v) if isinstance(v, bool) else v) for name, v in values.items()}


@dataclass(frozen=True, slots=True)
class QueueStock:
    """Counts of units, and of visitors who hold some; `by_tier` has commas between."""

    available: int
    held: int
    sold: int
    holders: int
    by_tier: str = ""


@dataclass(frozen=True, slots=True)
class QueueState:
    """The state of a queue at one moment, the same for all visitors.

    Attributes:
        now_ms: The clock of Redis, milliseconds since the epoch.
        sale: open, scheduled, ended, unknown (no such event) or unready (a moment later it is).
        start: Numbers of this queue are above it; None if there is no queue yet.
        issued: The highest number.
        waiting: How many wait.
        called: Numbers whose turn it is and who have not come yet.
        inside: Passes in use.
        limit: How many passes and calls there may be.
        available: Free units, None if the stock is not known yet.
        admitted_last_minute: The measured pace.
        first_admission_ms: The earliest admission in that minute.
        max_per_minute: The organizer's limit, None without one.
        is_recovering: Whether admission waits until each visitor had time to poll again.
        seed: Of a drawn order, once it is drawn.
        early: How many numbers came before the opening; None until it.
        is_drawn: False while the early numbers wait for their places.
        ceiling: No number above it may be issued.
        personal_below: How many of the first have to poll; None if all of them.
        admitted: Were ever called or let in.
        served: Went with tickets.
        holders: Visitors who hold some.
        by_tier: Free units of each tier, with commas between.
        gap: Numbers up to `issued` that were skipped when the queue was opened again.
        in_grace: Visitors who may still hold what is free; only a sync counts them.
    """

    now_ms: int
    sale: str
    is_paused: bool
    start: int | None
    issued: int
    waiting: int
    called: int
    inside: int
    limit: int
    available: int | None
    held: int | None
    message: str
    admitted_last_minute: int
    first_admission_ms: int | None
    max_per_minute: int | None
    is_recovering: bool
    opens_at_ms: int | None
    queue_order: str
    commitment: str
    seed: str
    early: int | None
    is_drawn: bool
    ceiling: int | None
    personal_below: int | None = None
    admitted: int = 0
    served: int = 0
    holders: int = 0
    by_tier: str = ""
    gap: int = 0
    in_grace: int = 0

    @property
    def joined(self) -> int:
        """Return how many visitors took a number; `issued` alone jumps at each gap."""
        return self.issued - self.gap

    @property
    def is_quiet(self) -> bool:
        """Return whether no visitor is in it."""
        return self.waiting + self.called + self.inside + self.in_grace == 0

    @property
    def is_sold_out(self) -> bool:
        """Return whether no visitor could still get a unit."""
        return self.available is not None and self.available + (self.held or 0) == 0


@dataclass(frozen=True, slots=True)
class RawQueueStatus:
    """The answer of the scripts for one visitor.

    Attributes:
        state: As in the JSON contract, or `unknown` or `unready`.
        note: recalled, place_lost or empty.
        queue: The state of the whole queue.
    """

    state: str
    number: int | None
    ahead: int | None
    pass_ends_ms: int | None
    note: str
    queue: QueueState


@dataclass(frozen=True, slots=True)
class QueueSnapshotRow:
    """The queue at one moment, the positions that wait, and numbers that moved since the last."""

    bits: WaitingBits
    queue: QueueState
    moved: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class VisitorLocation:
    """The state of one queue number.

    Attributes:
        status: inside, called, waiting, absent (may come back), served, left or unknown (new).
        ahead: How many go first; waiting in an order that is known only.
        visitor_id: The visitor it admitted; inside only.
    """

    status: str
    ahead: int | None
    visitor_id: str


@dataclass(frozen=True, slots=True)
class RawQueueStats:
    """Counts of a queue since its beginning; `absent` were passed over and may be recalled."""

    absent: int
    admitted: int
    left: int
    served: int
    no_shows: int
    queue: QueueState


class QueueStore:
    """The queues of all events."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._scripts = {name: Script(redis, "queue", name) for name in _SCRIPTS.split()}

    async def join(
        self,
        slug: str,
        visitor_id: str,
        *,
        signed_number: int = 0,
        had_pass: bool = False,
        network: str = "",
    ) -> RawQueueStatus:
        """Take a number, or keep the one the visitor has; see `poll`.

        A `network` has a share of the room inside while others wait; an empty one is not counted.
        """
        origin = crc32(network.encode())  # Each number has room for four bytes.
        return await self._visitor_call(
            "join", slug, visitor_id, signed_number, origin, had_pass=had_pass
        )

    async def poll(
        self, slug: str, visitor_id: str, *, signed_number: int = 0, had_pass: bool = False
    ) -> RawQueueStatus:
        """Record the visitor as present, admit a called one, and return the state.

        An empty id finds no visitor. For a lost queue come the number of the visitor's cookie, 0
        if none, and whether it had a genuine, recent pass.
        """
        return await self._visitor_call("poll", slug, visitor_id, signed_number, had_pass=had_pass)

    async def snapshot(
        self,
        slug: str,
        *,
        start: int | None,
        seen: Iterable[int],
        known: WaitingBits | None = None,
        moves: int = 0,
    ) -> QueueSnapshotRow:
        """Admit who may come in, and return the whole queue.

        Since the last look numbers of the queue with this `start` were seen; its bits and so many
        moved numbers are known.
        """
        first, known = -1 if start is None else start, known or WaitingBits.of(0, b"")
        parts = (*known.arguments(), moves)
        raw = await self._run_raw("snapshot", slug, first, pack_numbers(seen), *parts)
        return QueueSnapshotRow(known.merge(raw[:5]), _queue_state(raw[6:]), unpack_numbers(raw[5]))

    async def drawn_order(self, slug: str) -> bytes:
        """Return the places of the drawn numbers as big-endian u32, empty if none are drawn."""
        raw = await read_raw(self._redis, keys.part(slug, "order"))
        return raw[: len(raw) // 2]

    async def leave(self, slug: str, visitor_id: str, *, is_served: bool = False) -> bool:
        """Leave the queue or give up the pass, without tickets unless `is_served`."""
        return bool(await self._run("leave", slug, visitor_id, "served" if is_served else "left"))

    async def renew(
        self,
        slug: str,
        visitor_ids: Sequence[str],
        lease: timedelta,
        *,
        life: timedelta,
        has_hold: bool = False,
    ) -> list[int]:
        """Make passes last at least `lease` from now, but not beyond `life` from their beginning.

        A lease of zero only looks. Without a hold, a pass in its grace is not extended.

        Returns:
            For each visitor the end of the lease in milliseconds since the epoch, 0 without a
            pass.
        """
        arguments = (_ms(lease), _ms(life), int(has_hold), *visitor_ids)
        ends = await self._run("renew", slug, *arguments)
        return [int(end) for end in ends]

    async def grant(self, slug: str, visitor_id: str, lease: timedelta) -> int:
        """Let a visitor in past the queue; returns the end of the lease, as `renew`."""
        return int(await self._run("grant", slug, _ms(lease), visitor_id))

    async def end_hold(self, slug: str, visitor_ids: Sequence[str]) -> None:
        """Let the passes of visitors whose hold ended without tickets reserve nothing any more."""
        await self._run("end_hold", slug, *visitor_ids)

    async def step_aside(self, slug: str, visitor_id: str) -> bool:
        """Let a pass reserve nothing, as long as it lasts; see `step_aside.lua`."""
        return bool(await self._run("step_aside", slug, visitor_id))

    async def revoke(self, slug: str, number: int | None) -> list[str]:
        """Remove a number from queue and pass, or all inside and called if None.

        Returns:
            The visitors whose pass ended by it.
        """
        return list(await self._run("revoke", slug, "all" if number is None else number))

    async def locate(self, slug: str, number: int) -> VisitorLocation:
        """Return the state of one number, without a change."""
        status, ahead, visitor_id = await self._run("locate", slug, number)
        return VisitorLocation(status, _optional_int(ahead), visitor_id)

    async def stats(self, slug: str) -> RawQueueStats:
        """Count a queue."""
        raw = await self._run_raw("stats", slug)
        return RawQueueStats(*(int(value) for value in raw[:5]), queue=_queue_state(raw[5:]))

    async def open(self, slug: str, *, start: int, ceiling: int, early: int | None) -> int | None:
        """Open a new queue, unless there is one, or go on with a cut one; see `open.lua`."""
        numbers = start, ceiling, -1 if early is None else early
        is_known_to_all = not await has_old_nodes(self._redis)
        return _optional_int(await self._run("open", slug, *numbers, int(is_known_to_all)))

    async def sync(
        self, slug: str, rules: QueueLimits, stock: QueueStock | None, *, ceiling: int
    ) -> QueueState:
        """Tell the queue what is so, and do what is due once a second.

        Args:
            slug: The event.
            rules: As the organizer set them.
            stock: None if it is not known.
            ceiling: No number above it is issued; it is never lowered.
        """
        counts = ("",) * 5 if stock is None else astuple(stock)
        pairs = [word for pair in rules.as_hash().items() for word in pair]
        *raw, in_grace = await self._run_raw("sync", slug, ceiling, _RETENTION_MS, *counts, *pairs)
        return replace(_queue_state(raw), in_grace=int(in_grace))

    async def server_runs(self) -> set[str]:
        """Return which runs of Redis have the queues; see `client.server_runs`."""
        return await server_runs(self._redis)

    async def last_calls(self, slugs: Sequence[str]) -> dict[str, int]:
        """Return when a script last ran for each queue, in milliseconds; one may be lost."""
        if not slugs:
            return {}
        async with self._redis.pipeline(transaction=False) as pipe:
            for slug in slugs:
                pipe.hget(keys.part(slug, "counters"), "last_tick")
            found = await pipe.execute()
        return {slug: int(at) for slug, at in zip(slugs, found, strict=True) if at is not None}

    async def draw_order(
        self, slug: str, *, positions: Iterable[int], numbers: Iterable[int]
    ) -> bool:
        """Store, once, the position of each early number and the number at each position."""
        return bool(await self._run("draw", slug, pack_numbers(positions), pack_numbers(numbers)))

    async def _visitor_call(
        self, name: str, slug: str, visitor_id: str, signed_number: int, *more: int, had_pass: bool
    ) -> RawQueueStatus:
        has_pass = "1" if had_pass else "0"
        raw = await self._run_raw(name, slug, visitor_id, signed_number, has_pass, *more)
        state, number, ahead, ends, note = raw[:5]
        return RawQueueStatus(
            state=_text(state),
            number=_optional_int(number),
            ahead=_optional_int(ahead),
            pass_ends_ms=_optional_int(ends),
            note=_text(note),
            queue=_queue_state(raw[5:]),
        )

    async def _run(self, name: str, slug: str, *arguments: str | int | bytes) -> Any:
        return await self._scripts[name].run(keys.queue(slug), *arguments)

    async def _run_raw(self, name: str, slug: str, *arguments: str | int | bytes) -> list[bytes]:
        return await self._scripts[name].run_raw(keys.queue(slug), *arguments)


def _queue_state(raw: Sequence[bytes | int]) -> QueueState:
    # `queue.lua` returns the fields in the order of the class.
    return QueueState(*(read(value) for read, value in zip(_STATE_READERS, raw, strict=True)))


def _text(value: bytes | int) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _optional_int(value: bytes | int) -> int | None:
    found = int(float(value))
    return None if found < 0 else found


def _ms(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def _flag(value: bytes | int) -> bool:
    return int(value) == 1


_READERS: dict[str, Callable[[bytes | int], Any]] = {
    "int": int,
    "str": _text,
    "bool": _flag,
    "int | None": _optional_int,
}
# Visitors in grace come in the answer of a sync alone.
_STATE_READERS = [_READERS[str(one.type)] for one in fields(QueueState) if one.name != "in_grace"]
