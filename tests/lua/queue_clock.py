"""A queue to play with, whose clock is moved by moving what was noted."""

from __future__ import annotations

import secrets
from datetime import timedelta

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.queue import (
    QueueSnapshotRow,
    QueueState,
    QueueStock,
    QueueStore,
    RawQueueStats,
    RawQueueStatus,
)
from tests.queue_factory import PLENTY, rules_of

SECOND_MS = 1_000
MINUTE_MS = 60_000


class Queue:
    """The queue of an event that exists in Redis alone, so no job touches it."""

    def __init__(self, redis: Redis, slug: str = "", *, reserve: int = PLENTY) -> None:
        self.redis = redis
        self.store = QueueStore(redis)
        self.slug = slug or f"queue-{secrets.token_hex(6)}"
        self.keys = dict(zip(keys.QUEUE_PARTS, keys.queue(self.slug), strict=True))
        self._stock: QueueStock | None = None
        self._rules: dict[str, object] = {}
        self.start = 0
        self._reserve = reserve

    async def open(
        self, *, start: int = 0, early: int | None = None, **rules: object
    ) -> QueueState:
        """Publish rules, and open the queue if there is none, or if it is cut."""
        self._rules = rules
        ceiling = start + self._reserve
        above = await self.store.open(self.slug, start=start, ceiling=ceiling, early=early)
        if above is not None:
            self.start = above
        return await self._publish()

    async def stock(self, counts: QueueStock) -> None:
        self._stock = counts
        await self._publish()

    async def units(self, available: int, *, held: int = 0, holders: int = 0) -> None:
        await self.stock(QueueStock(available, held, 0, holders))

    async def _publish(self) -> QueueState:
        return await self.store.sync(
            self.slug, rules_of(**self._rules), self._stock, ceiling=self.start + self._reserve
        )

    async def join(self, visitor: str, number: int = 0, network: str = "") -> RawQueueStatus:
        return await self.store.join(self.slug, visitor, signed_number=number, network=network)

    async def poll(
        self, visitor: str, number: int = 0, *, had_pass: bool = False
    ) -> RawQueueStatus:
        return await self.store.poll(self.slug, visitor, signed_number=number, had_pass=had_pass)

    async def snapshot(self, *seen: int) -> QueueSnapshotRow:
        return await self.store.snapshot(self.slug, start=self.start, seen=seen)

    async def leave(self, visitor: str) -> bool:
        return await self.store.leave(self.slug, visitor)

    async def renew(self, visitor: str, seconds: int, *, life: int = 1800) -> int:
        lease, most = timedelta(seconds=seconds), timedelta(seconds=life)
        return (await self.store.renew(self.slug, [visitor], lease, life=most))[0]

    async def hold(self, visitor: str, seconds: int = 360) -> int:
        lease, life = timedelta(seconds=seconds), timedelta(seconds=1800 + seconds)
        store = self.store
        return (await store.renew(self.slug, [visitor], lease, life=life, has_hold=True))[0]

    async def end_hold(self, *visitors: str) -> None:
        await self.store.end_hold(self.slug, visitors)

    async def step_aside(self, visitor: str) -> bool:
        return await self.store.step_aside(self.slug, visitor)

    async def stats(self) -> RawQueueStats:
        return await self.store.stats(self.slug)

    async def join_all(self, *visitors: str) -> list[RawQueueStatus]:
        """Join one after the other."""
        return [await self.join(visitor) for visitor in visitors]

    async def states(self, *visitors: str) -> list[str]:
        """Poll one after the other."""
        return [(await self.poll(visitor)).state for visitor in visitors]

    async def now_ms(self) -> int:
        seconds, microseconds = await self.redis.time()
        return seconds * 1000 + microseconds // 1000

    async def age_reach(self, seconds: int) -> None:
        """Note who has to poll now, and let all that is noted of it be so many seconds older."""
        counters = self.keys["counters"]
        await self.redis.hset(counters, "reach_at", "0")
        await self.snapshot()
        noted = str(await self.redis.hget(counters, "reach") or "")
        pairs = [entry.split(":") for entry in noted.split(",")]
        older = ",".join(f"{int(at) - seconds}:{last}" for at, last in pairs)
        await self.redis.hset(counters, mapping={"reach": older, "reach_at": "0"})

    async def silence(self, visitor: str, seconds: int = 90) -> None:
        """Let a visitor's last poll lie so many seconds back."""
        number = (await self.numbers())[visitor]
        await self.silence_number(number, seconds)

    async def silence_number(self, number: int, seconds: int) -> None:
        past = await self.now_ms() // SECOND_MS - seconds
        field = self.redis.bitfield(self.keys["seen"])
        await field.set("u32", f"#{number}", past).execute()

    async def expire(self, visitor: str) -> None:
        """Let a visitor's pass have ended."""
        past = await self.now_ms() - 1
        for name in ("passes", "grace"):
            await self.redis.zadd(self.keys[name], {visitor: past}, xx=True)

    async def lapse(self, visitor: str) -> None:
        """Let the time to come for a turn be over."""
        number = (await self.numbers())[visitor]
        past = await self.now_ms() - 1
        await self.redis.zadd(self.keys["called"], {str(number): past}, xx=True)

    async def age_pass(self, visitor: str, seconds: int) -> None:
        """Let a pass have begun so many seconds earlier."""
        inside = await self.redis.hget(self.keys["inside"], visitor)
        number, _, began = str(inside).partition(":")
        moved = f"{number}:{int(began) - seconds * SECOND_MS}"
        await self.redis.hset(self.keys["inside"], visitor, moved)

    async def let_a_minute_pass_since_admissions(self) -> None:
        for number, at in await self.redis.zrange(self.keys["recent"], 0, -1, withscores=True):
            await self.redis.zadd(self.keys["recent"], {number: at - MINUTE_MS})

    async def stand_still(self, seconds: int) -> None:
        """Let the last sign of life of the queue lie so many seconds back."""
        past = await self.now_ms() - seconds * SECOND_MS
        await self.redis.hset(self.keys["counters"], "last_tick", str(past))

    async def step_clock(self, seconds: int) -> None:
        """Set the server's clock, seen from the queue: all that is noted lies the other way."""
        past = -seconds * SECOND_MS
        for name in ("called", "passes", "grace", "recent"):
            for member, at in await self.redis.zrange(self.keys[name], 0, -1, withscores=True):
                await self.redis.zadd(self.keys[name], {member: at + past})
        for name in ("last_tick", "returned", "recovering_until"):
            noted = await self.redis.hget(self.keys["counters"], name)
            if noted:
                await self.redis.hset(self.keys["counters"], name, str(int(noted) + past))
        for visitor, inside in (await self.redis.hgetall(self.keys["inside"])).items():
            number, began, *ended = inside.split(":")
            moved = ":".join((number, str(int(began) + past), *ended))
            await self.redis.hset(self.keys["inside"], visitor, moved)
        for number in (await self.numbers()).values():
            seen = self.redis.bitfield(self.keys["seen"]).get("u32", f"#{number}")
            await self.silence_number(number, seconds - await self._ago((await seen.execute())[0]))

    async def _ago(self, at: int) -> int:
        return at - await self.now_ms() // SECOND_MS

    async def end_recovery(self) -> None:
        await self.redis.hset(self.keys["counters"], "recovering_until", "0")

    async def passes(self) -> set[str]:
        return set(await self.redis.zrange(self.keys["passes"], 0, -1))

    async def called(self) -> list[int]:
        return [int(number) for number in await self.redis.zrange(self.keys["called"], 0, -1)]

    async def numbers(self) -> dict[str, int]:
        buckets = int(await self.redis.hget(self.keys["counters"], "buckets") or 1)
        found: dict[str, str] = {}
        for at in range(buckets):
            key = self.keys["numbers"] + (f":{at}" if at else "")
            found |= await self.redis.hgetall(key)
        return {visitor: int(number) for visitor, number in found.items() if visitor}
