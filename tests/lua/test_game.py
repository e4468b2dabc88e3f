"""Random lives of a queue, through several workers: what is promised holds after every step."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given, settings, strategies as st
from redis.asyncio import Redis

from surge_app.kv.client import connect
from surge_app.kv.queue import QueueStock, QueueStore
from surge_app.services.waiting_room.answers import AdmissionRate
from surge_app.services.waiting_room.snapshots import Snapshot
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer

VISITORS = [f"v{i}" for i in range(6)]
ACTIONS = st.one_of(
    st.tuples(
        st.sampled_from(
            [
                *("join", "join", "poll", "poll", "glance", "glance", "leave"),
                *("silence", "lapse", "expire", "renew"),
                *("hold", "hold", "end_hold", "end_hold"),
            ]
        ),
        st.sampled_from(VISITORS),
    ),
    st.tuples(st.just("units"), st.tuples(st.integers(0, 4), st.integers(0, 3))),
    st.tuples(st.just("cap"), st.integers(1, 3)),
    st.tuples(st.sampled_from(["pause", "resume", "minute", "stand_still", "go_on"]), st.none()),
)


@settings(max_examples=60, deadline=None)
@given(
    cap=st.integers(1, 2),
    pace=st.sampled_from([None, None, None, 4]),
    actions=st.lists(ACTIONS, min_size=20, max_size=60),
)
async def test_whatever_happens_the_living_keep_their_order_and_the_cap_holds(
    redis_server: RedisServer, cap: int, pace: int | None, actions: list[tuple[str, object]]
) -> None:
    client = connect(redis_server.url, client_name="test")
    try:
        game = Game(Queue(client), cap=cap, pace=pace)
        await game.resume()
        await game.units((1_000_000, 0))
        for visitor in VISITORS:
            await game.play("join", visitor)
        for name, value in actions:
            await game.play(name, value)
    finally:
        await client.aclose()


@dataclass
class Facts:
    """What Redis holds at one moment."""

    passes: set[str] = field(default_factory=set[str])
    called: set[int] = field(default_factory=set[int])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    waiting: set[int] = field(default_factory=set[int])
    issued: int = 0
    recent: int = 0


class Game:
    """Plays actions through two workers, and after each looks whether the queue kept its word."""

    def __init__(self, queue: Queue, *, cap: int, pace: int | None) -> None:
        self.queue = queue
        self.limits: dict[str, int | None] = {"cap": cap, "pace": pace}
        self.free_units = 0
        self.is_paused = False
        self.is_standing = False
        self.silent: set[str] = set()
        self.before = Facts()
        self.positions: dict[str, int] = {}
        self.has_moved = False
        self.returned: set[str] = set()

    async def play(self, name: str, value: object) -> None:
        self.returned.clear()
        await getattr(self, name)(*(() if value is None else (value,)))
        # The others only move what was noted; the queue learns of it with the next call.
        self.has_moved = name in {"join", "poll", "leave", "units", "cap", "resume", "end_hold"}
        self._check(await self._facts())

    async def join(self, visitor: str) -> None:
        self.silent.discard(visitor)
        answer = await self.queue.join(visitor)
        self._told(visitor, answer.number, answer.ahead, answer.note)

    async def poll(self, visitor: str) -> None:
        self.silent.discard(visitor)
        answer = await self.queue.poll(visitor)
        self._told(visitor, answer.number, answer.ahead, answer.note)

    async def glance(self, visitor: str) -> None:
        """Poll as most polls go: answered from a snapshot, liveness handed over afterwards."""
        number = self.before.numbers.get(visitor)
        if number is None:
            return
        worker = QueueStore(self.queue.redis)
        look = await worker.snapshot(self.queue.slug, start=0, seen=[])
        ahead = Snapshot(look, AdmissionRate()).visitors_ahead(number)
        if ahead is None:
            await self.poll(visitor)
            return
        self.silent.discard(visitor)
        self._told(visitor, number, ahead, "")
        await worker.snapshot(self.queue.slug, start=0, seen=[number])

    async def leave(self, visitor: str) -> None:
        self.silent.discard(visitor)
        self.positions.pop(visitor, None)
        await self.queue.leave(visitor)

    async def silence(self, visitor: str) -> None:
        if self.before.numbers.get(visitor) in self.before.waiting:
            await self.queue.silence(visitor)
            self.silent.add(visitor)

    async def lapse(self, visitor: str) -> None:
        if self.before.numbers.get(visitor) in self.before.called:
            await self.queue.lapse(visitor)
            self.silent.add(visitor)

    async def expire(self, visitor: str) -> None:
        await self.queue.expire(visitor)

    async def renew(self, visitor: str) -> None:
        was_inside = visitor in await self._alive()
        assert bool(await self.queue.renew(visitor, 600)) == was_inside

    async def hold(self, visitor: str) -> None:
        if await self.queue.hold(visitor):
            # Back from the grace after a hold: no turn was given for it.
            self.returned.add(visitor)

    async def end_hold(self, visitor: str) -> None:
        await self.queue.end_hold(visitor)

    async def units(self, counts: tuple[int, int]) -> None:
        available, holders = counts
        self.free_units = available + holders
        await self.queue.stock(QueueStock(available, holders, 0, holders))

    async def cap(self, buyers: int) -> None:
        self.limits["cap"] = buyers
        await self._publish()

    async def pause(self) -> None:
        self.is_paused = True
        await self._publish()

    async def resume(self) -> None:
        self.is_paused = False
        await self._publish()

    async def minute(self) -> None:
        await self.queue.let_a_minute_pass_since_admissions()

    async def stand_still(self) -> None:
        await self.queue.stand_still(60)
        self.is_standing = (await self.queue.snapshot()).queue.is_recovering

    async def go_on(self) -> None:
        await self.queue.end_recovery()
        self.is_standing = False

    async def _publish(self) -> None:
        await self.queue.open(
            concurrent_buyers=self.limits["cap"],
            admissions_per_minute=self.limits["pace"],
            paused=self.is_paused,
        )

    async def _alive(self) -> set[str]:
        now = await self.queue.now_ms()
        keys = [self.queue.keys[name] for name in ("passes", "grace")]
        return {
            visitor
            for key in keys
            for visitor in await self.queue.redis.zrangebyscore(key, now, "+inf")
        }

    async def _facts(self) -> Facts:
        queue, redis = self.queue, self.queue.redis
        numbers = await queue.numbers()
        bits = {n: await redis.getbit(queue.keys["waiting"], n) for n in numbers.values()}
        return Facts(
            passes=await queue.passes(),
            called=set(await queue.called()),
            numbers=numbers,
            waiting={number for number, bit in bits.items() if bit},
            issued=int(await redis.hget(queue.keys["counters"], "issued") or 0),
            recent=await redis.zcard(queue.keys["recent"]),
        )

    def _told(self, visitor: str, number: int | None, ahead: int | None, note: str) -> None:
        if ahead is None or number is None:
            self.positions.pop(visitor, None)
            return
        last = self.positions.get(visitor)
        assert last is None or ahead <= last, "a position grew without a recall"
        self.positions[visitor] = ahead
        if note == "recalled":
            # Those behind are told a higher position now, which is the one way it may grow.
            for other in VISITORS:
                if self.before.numbers.get(other, 0) > number:
                    self.positions.pop(other, None)

    def _check(self, now: Facts) -> None:
        before, self.before = self.before, now
        fresh = {n for who, n in now.numbers.items() if before.numbers.get(who) != n}
        assert now.issued - before.issued in {0, 1}
        assert fresh <= ({now.issued} if now.issued > before.issued else set())
        assert len(set(now.numbers.values())) == len(now.numbers)
        assert not now.waiting & now.called
        self._check_admissions(before, now)

    def _check_admissions(self, before: Facts, now: Facts) -> None:
        limit = min(self.limits["cap"] or 0, self.free_units)
        let_in = now.passes - before.passes - self.returned
        called = now.called - before.called
        fresh_join = {now.issued} if now.issued > before.issued else set[int]()
        came_for_a_turn = {before.numbers.get(who, now.issued) for who in let_in}
        turns = called | (came_for_a_turn - before.called)
        if turns:
            assert not self.is_paused
            assert not self.is_standing
            assert len(now.passes) + len(now.called) <= limit
            living = {n for who, n in now.numbers.items() if who not in self.silent}
            overtaken = {n for n in living & now.waiting if n < max(turns | fresh_join)}
            assert not overtaken, "someone who polls was overtaken"
        pace = self.limits["pace"]
        assert pace is None or now.recent <= pace
        is_slow = pace is not None and now.recent == pace
        may_come = not (is_slow or self.is_paused or self.is_standing)
        if self.has_moved and may_come and len(now.passes) + len(now.called) < limit:
            living = {n for who, n in now.numbers.items() if who not in self.silent}
            assert not living & now.waiting, "someone waits beside a free place"


async def test_hundreds_over_many_connections_are_served_in_the_order_of_their_numbers(
    queue: Queue, redis_server: RedisServer
) -> None:
    cap, crowd = 3, 120
    await queue.open(concurrent_buyers=cap)
    most_inside = 0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal most_inside
        while not done.is_set():
            inside = await queue.redis.zcard(queue.keys["passes"])
            most_inside = max(most_inside, inside)

    async def attend(store: QueueStore, visitor: str) -> int | None:
        answer = await store.join(queue.slug, visitor)
        number = answer.number
        while answer.state != "admitted":
            assert answer.state == "waiting"
            assert answer.number == number, "a number was changed or lost"
            answer = await store.poll(queue.slug, visitor)
        await store.leave(queue.slug, visitor)
        return number

    clients: list[Redis] = [connect(redis_server.url, client_name="test") for _ in range(4)]
    watcher = asyncio.create_task(watch())
    numbers = await asyncio.gather(
        *(attend(QueueStore(clients[i % 4]), f"visitor-{i}") for i in range(crowd))
    )
    done.set()
    await watcher
    for client in clients:
        await client.aclose()
    waited = [number for number in numbers if number is not None]
    assert len(set(waited)) == len(waited) > crowd // 2
    assert 0 < most_inside <= cap
    admitted = await queue.redis.zrange(queue.keys["recent"], 0, -1, withscores=True)
    by_number = sorted((int(number), at) for number, at in admitted)
    assert [number for number, _ in by_number] == list(range(1, crowd + 1))
    moments = [at for _, at in by_number]
    assert moments == sorted(moments)
