"""Joins per second, memory for each who waits, and the tick of a long line, living or all gone.

`REDIS_URL` names another server than the embedded one.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from redis.asyncio import Redis

from bench.harness import Pace, pace, servers
from bench.seed_queue import crowd
from surge_app.container import Container, running
from surge_app.kv import keys
from surge_app.kv.client import information, read_script
from surge_app.kv.queue import QueueStore
from surge_app.settings import Settings

_JOINS = 30_000
_CALLERS = 64
_WARM_UP = 500
_CROWD = 100_000
_TICKS = 40
_POLLED = 4_000
_COUNTS = "return redis.call('INCR', KEYS[1])"
_SIZES = (10_000, 100_000, 1_000_000)
_FILLED_AT_ONCE = 1_000
# What `join.lua` writes for a visitor, one after the other.
_FILL = """
for i = 1, #ARGV do
  add("issued", 1)
  note_number(ARGV[i], count.issued)
  redis.call("BITFIELD", NETWORKS, "SET", "u32", "#" .. count.issued, 1)
  enter(count.issued)
end
return count.buckets
end
return save(run())
"""


def main() -> None:
    """Measure on a Redis of its own."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        await _joins(services)
        await _memory(services)
        slug = await crowd(services.redis, _CROWD)
        for polled in (0, 1_000, _POLLED):
            await _ticks(services, slug, polled, about=f"{polled:,} polls handed over")
        gone = await crowd(services.redis, _CROWD, concurrent_buyers=100, silent_seconds=100)
        await _ticks(services, gone, 0, about="1,000 passed over in each")


async def _joins(services: Container) -> None:
    """Let people join, beside the same callers who ask Redis for a script that only counts."""
    redis = services.redis
    limit = await _paced(lambda: redis.execute_command("EVAL", _COUNTS, 1, "bench:counted"))
    slug = await crowd(redis, 0)
    busy = await _processor(services)
    store = QueueStore(redis)
    found = await _paced(lambda: store.join(slug, secrets.token_urlsafe(16)))
    took = (await _processor(services) - busy) / (_JOINS + _WARM_UP) * 1_000_000
    print(
        f"joins: {found.per_second:,.0f}/s from one process (p50 {found.p50_ms:.1f} ms, "
        f"p99 {found.p99_ms:.1f} ms), a script that counts {limit.per_second:,.0f}/s, ratio "
        f"{found.per_second / limit.per_second:.2f}; {took:.0f} us of Redis for each",
        flush=True,
    )


async def _paced(work: Callable[[], Awaitable[object]]) -> Pace:
    return await pace(work, callers=_CALLERS, calls=_JOINS, warm_up=_WARM_UP)


async def _memory(services: Container) -> None:
    """Let a queue grow, and weigh all its keys now and then."""
    slug, redis, filled, buckets = await crowd(services.redis, 0), services.redis, 0, 1
    names, script = keys.queue(slug), read_script("queue") + _FILL
    numbers: list[str] = []
    before = await information(redis, "memory")
    for size in _SIZES:
        while filled < size:
            ids = [services.identity.new_visitor().id for _ in range(_FILLED_AT_ONCE)]
            found = await redis.execute_command("EVAL", script, len(names), *names, *ids)
            buckets = int(cast("int", found))
            filled += _FILLED_AT_ONCE
        numbers = [f"{keys.part(slug, 'numbers')}:{at}" for at in range(1, buckets)]
        weights = [await _weight(redis, part) for part in (numbers, names)]
        grown = (await information(redis, "memory"))["used_memory"] - before["used_memory"]
        print(
            f"memory: {sum(weights) / filled:.0f} bytes for each of {filled:9,} who wait, "
            f"{weights[0] / filled:.0f} of them for id and number; all of Redis grew by "
            f"{grown / filled:.0f}; allocator {before['mem_allocator']}; the aim is 100",
            flush=True,
        )
    await redis.delete(*names, *numbers)


async def _weight(redis: Redis, names: Sequence[str]) -> int:
    async with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.memory_usage(name, samples=0)
        return sum(int(weight or 0) for weight in await pipe.execute())


async def _ticks(services: Container, slug: str, polled: int, *, about: str) -> None:
    store = QueueStore(services.redis)
    await services.redis.config_resetstat()
    started = await _processor(services)
    for _ in range(_TICKS):
        numbers = random.sample(range(1, _CROWD + 1), polled)
        await store.snapshot(slug, start=0, seen=numbers)
    busy = (await _processor(services) - started) / _TICKS * 1000
    stats = (await information(services.redis, "commandstats"))["cmdstat_evalsha"]
    took = float(stats["usec_per_call"]) / 1000
    print(
        f"tick at {_CROWD:,} in line, {about}: {took:.2f} ms, {busy:.2f} ms of processor time; "
        "the aim is 20 ms",
        flush=True,
    )


async def _processor(services: Container) -> float:
    found = await information(services.redis, "cpu")
    return float(found["used_cpu_user"]) + float(found["used_cpu_sys"])
