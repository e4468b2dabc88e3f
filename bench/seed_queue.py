"""Lines of any length, made at once: as if everybody had joined and polled a moment ago."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import cast

from redis.asyncio import Redis

from surge_app.clock import new_id
from surge_app.kv import keys
from surge_app.kv.queue import QueueLimits, QueueStock, QueueStore

_ROOM = 10_000_000


async def crowd(
    redis: Redis,
    waiting: int,
    *,
    concurrent_buyers: int = 1,
    silent_seconds: int = 0,
    personal_below: int | None = None,
) -> str:
    """Open a line in Redis alone, with so many waiting behind one who is inside.

    Args:
        redis: Where.
        waiting: How many wait.
        concurrent_buyers: How many may be inside.
        silent_seconds: How long ago everybody polled last.
        personal_below: With as many ahead, the public snapshot suffices; None if it never does.

    Returns:
        The slug; those who wait have the numbers 1 to `waiting`.
    """
    slug = f"crowd-{new_id().lower()}"
    rules = QueueLimits(
        "published", None, None, False, concurrent_buyers, None, "", personal_below=personal_below
    )
    store = QueueStore(redis)
    await store.open(slug, start=0, ceiling=_ROOM, early=None)
    until = (time.time() + 3600) * 1000
    await redis.zadd(keys.part(slug, "passes"), {"inside": until})
    bits = bytearray(b"\xff" * (waiting // 8 + 1))
    bits[0] &= 0x7F
    bits[-1] &= 0xFF00 >> (waiting % 8 + 1) & 0xFF
    for start in range(0, len(bits), 1 << 20):
        await redis.setrange(
            keys.part(slug, "waiting"),
            start,
            bytes(bits[start : start + (1 << 20)]),  # pyright: ignore[reportArgumentType]
        )
    # A queue without any of its keys counts as lost.
    first = redis.hset(keys.part(slug, "numbers"), mapping={"first": 1})  # pyright: ignore[reportArgumentType]
    await cast("Awaitable[int]", first)
    await _set_seen(redis, slug, waiting, int(time.time()) - silent_seconds)
    counts = {"waiting": waiting, "issued": waiting}
    counted = redis.hset(keys.part(slug, "counters"), mapping=counts)  # pyright: ignore[reportArgumentType]
    await cast("Awaitable[int]", counted)
    await store.sync(slug, rules, QueueStock(_ROOM, 0, 0, 0), ceiling=_ROOM)
    return slug


async def _set_seen(redis: Redis, slug: str, waiting: int, at: int) -> None:
    stamps = at.to_bytes(4, "big") * (waiting + 1)
    await redis.setrange(keys.part(slug, "seen"), 0, stamps)  # pyright: ignore[reportArgumentType]
