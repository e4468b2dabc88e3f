"""A long queue is read by parts; the parts together say what the whole says."""

from __future__ import annotations

import random

from redis.asyncio import Redis

from bench.seed_queue import crowd
from surge_app.kv import keys
from surge_app.kv.queue import QueueSnapshotRow, QueueStore
from surge_app.kv.waiting_bits import WaitingBits
from tests.queue_factory import rules_of

_WAITING = 600_000
_NEAR_BYTES, _PART_BYTES, _END = 16_384, 16_384, 100_000


async def _look(store: QueueStore, slug: str, known: WaitingBits | None) -> QueueSnapshotRow:
    return await store.snapshot(slug, start=0, seen=(), known=known)


def _all(bits: WaitingBits) -> bytes:
    return bits.read(0, _END)


def _positions(bits: WaitingBits, first: int, size: int) -> bytes:
    return bits.read(first - bits.first, size)


async def _change(store: QueueStore, slug: str, turn: int) -> None:
    """Let visitors leave anywhere, join, and be called."""
    for number in random.sample(range(1, _WAITING), 40):
        await store.revoke(slug, number)
    for visitor in range(20):
        await store.join(slug, f"newcomer-{turn}-{visitor}")


async def test_parts_of_a_long_queue_add_up_to_the_whole(redis: Redis) -> None:
    slug, store = await crowd(redis, _WAITING), QueueStore(redis)
    known: WaitingBits | None = None
    for turn in range(6):
        await _change(store, slug, turn)
        row = await _look(store, slug, known)
        known, whole = row.bits, (await _look(store, slug, None)).bits
        assert known.first == whole.first
        # Near the head and at the end it is so at once.
        end = row.queue.issued // 8
        for at, size in ((whole.first, _NEAR_BYTES), (end - 100, 200)):
            assert _positions(known, at, size) == _positions(whole, at, size)
    for _ in range(_WAITING // 8 // _PART_BYTES + 2):
        known = (await _look(store, slug, known)).bits
    assert known is not None
    whole = (await _look(store, slug, None)).bits
    assert _all(known) == _all(whole)
    for offset in (0, 1, 127, 20_001, 50_000, _END):
        assert known.count_before(offset) == whole.count_before(offset)
    assert known.count_before(_END) == row.queue.waiting
    assert known.first_set() == whole.first_set()


async def test_a_visitor_who_returns_before_the_head_is_there_at_once(redis: Redis) -> None:
    slug, store = await crowd(redis, _WAITING, concurrent_buyers=6_000), QueueStore(redis)
    known = (await _look(store, slug, None)).bits
    assert (await _look(store, slug, known)).bits.first > 0
    # From here on no one is called.
    await store.sync(slug, rules_of(paused=True), None, ceiling=0)
    known = (await _look(store, slug, known)).bits
    await redis.setbit(keys.part(slug, "waiting"), 9, 1)
    await redis.hset(keys.part(slug, "counters"), "head", "9")  # pyright: ignore[reportGeneralTypeIssues]
    known = (await _look(store, slug, known)).bits
    assert (known.first, known.first_set()) == (0, 9)
    whole = (await _look(store, slug, None)).bits
    assert known.count_before(_END) == whole.count_before(_END)


async def test_after_the_draw_the_parts_from_before_it_count_for_nothing(redis: Redis) -> None:
    slug, store = await crowd(redis, _WAITING), QueueStore(redis)
    for number in random.sample(range(200_000, _WAITING), 100):
        await store.revoke(slug, number)
    known = (await _look(store, slug, None)).bits
    await redis.hset(keys.part(slug, "counters"), "early", str(_WAITING))  # pyright: ignore[reportGeneralTypeIssues]
    order = range(_WAITING, 0, -1)
    assert await store.draw_order(slug, positions=order, numbers=order)
    drawn = (await _look(store, slug, known)).bits
    whole = (await _look(store, slug, None)).bits
    assert _all(drawn) == _all(whole)
    assert _all(drawn) != _all(known)
