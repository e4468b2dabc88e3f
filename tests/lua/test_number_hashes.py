"""The numbers of many visitors are in small hashes, and each finds their own."""

from __future__ import annotations

import asyncio

import pytest_asyncio
from redis.asyncio import Redis

from surge_app.kv.admission import JoinStore
from surge_app.kv.client import connect, queue_client_name
from surge_app.kv.queue import QueueStock
from surge_app.services.access.identity import Identity
from tests.conftest import eventually
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer

_CROWD = 3_000
_PACKED = {"ziplist", "listpack"}


async def _join_crowd(queue: Queue, size: int = _CROWD) -> list[str]:
    """Let visitors join behind one who is inside; number 2 is of the first."""
    identity = Identity(("a key of the test",), secure=False)
    await queue.join("inside")
    visitors = [identity.new_visitor().id for _ in range(size)]
    for at in range(0, size, 100):
        await asyncio.gather(*(queue.join(visitor) for visitor in visitors[at : at + 100]))
    return visitors


async def _hashes(queue: Queue) -> list[str]:
    return [key async for key in queue.redis.scan_iter(f"{queue.keys['numbers']}*")]


@pytest_asyncio.fixture
async def crowded(queue: Queue) -> Queue:
    await _join_crowd(queue, 1_000)
    return queue


async def test_a_visitor_who_waits_takes_less_than_a_hundred_bytes(queue: Queue) -> None:
    visitors = await _join_crowd(queue)
    assert (await queue.stats()).queue.waiting == _CROWD
    assert sorted((await queue.numbers()).values()) == list(range(2, _CROWD + 2))
    hashes = await _hashes(queue)
    encodings = {str(await queue.redis.object("ENCODING", key)) for key in hashes}
    assert encodings <= _PACKED
    names = {*queue.keys.values(), *hashes}
    weights = [await queue.redis.memory_usage(key, samples=0) or 0 for key in names]
    assert sum(weights) / _CROWD < 65
    numbers = await queue.numbers()
    for visitor in visitors[::50]:
        answer = await queue.poll(visitor)
        assert (answer.state, answer.number) == ("waiting", numbers[visitor])
        assert (await queue.join(visitor)).number == numbers[visitor]


async def test_a_visitor_of_a_crowd_counts_as_known_until_they_leave(crowded: Queue) -> None:
    store = JoinStore(crowded.redis)
    for visitor in list(await crowded.numbers())[::100]:
        assert (await store.check_join(crowded.slug, visitor, None, [], [])).outcome == "known"
        await crowded.leave(visitor)
        assert (await crowded.poll(visitor)).state == "not_joined"
        assert (await store.check_join(crowded.slug, visitor, None, [], [])).outcome == "free"


async def test_a_queue_that_loses_one_of_its_hashes_is_opened_again(crowded: Queue) -> None:
    hashes = await _hashes(crowded)
    assert len(hashes) > 10
    await crowded.redis.delete(hashes[3])

    async def is_noticed() -> bool:
        return (await crowded.poll("a stranger")).state == "unready"

    await eventually(is_noticed, about="the loss")
    assert await _hashes(crowded) == []
    await crowded.open(start=10_000)
    assert (await crowded.join("a stranger")).number == 10_001


async def test_every_hash_of_a_finished_queue_ends(crowded: Queue) -> None:
    await crowded.open(phase="ended")
    ends = {await crowded.redis.ttl(key) > 0 for key in await _hashes(crowded)}
    assert ends == {True}
    assert await crowded.redis.ttl(crowded.keys["counters"]) > 0


async def test_a_queue_opened_beside_a_node_of_the_release_before_keeps_one_hash(
    redis: Redis, redis_server: RedisServer
) -> None:
    # The two releases name the clients of their processes differently.
    before, ours = (
        connect(redis_server.url, client_name=name)
        for name in ("surge-web-1", queue_client_name("web-1"))
    )
    queue, later = Queue(redis), Queue(redis)
    try:
        await before.ping()
        await queue.open()
        await queue.stock(QueueStock(1_000, 0, 0, 0))
        await _join_crowd(queue, 300)
        assert await _hashes(queue) == [queue.keys["numbers"]]
        assert sorted((await queue.numbers()).values()) == list(range(2, 302))
        await before.aclose()
        await ours.ping()

        async def is_opened_with_many() -> bool:
            await redis.delete(*later.keys.values())
            await later.open()
            return await redis.hexists(later.keys["counters"], "buckets")

        # The server learns a moment later that a client has gone.
        await eventually(is_opened_with_many, about="a queue with many hashes")
    finally:
        await before.aclose()
        await ours.aclose()
        await redis.delete(*queue.keys.values(), *later.keys.values())
