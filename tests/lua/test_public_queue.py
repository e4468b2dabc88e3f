"""The public documents of a queue: exact positions, a few kilobytes, made once a second."""

from __future__ import annotations

import base64
import contextlib
import itertools
import json
import random
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from bench.seed_queue import crowd
from surge_app.errors import NotFound
from surge_app.kv import keys
from surge_app.kv.queue import QueueSnapshotRow, QueueStore
from surge_app.kv.waiting_bits import WaitingBits
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.answers import AdmissionRate
from surge_app.services.waiting_room.estimates import odds
from surge_app.services.waiting_room.public_queue import PublicQueue, public_view
from surge_app.services.waiting_room.snapshots import QueueSnapshots, Snapshot
from surge_app.services.waiting_room.views import PublicQueueView
from tests.conftest import eventually
from tests.lua.queue_clock import Queue
from tests.queue_factory import queue_state


@pytest_asyncio.fixture
async def public(redis: Redis) -> AsyncGenerator[PublicQueue]:
    snapshots = QueueSnapshots(QueueStore(redis))
    yield PublicQueue(snapshots, SigningKeys(("a key of the test",)))
    await snapshots.close()


async def _read(public: PublicQueue, path: str) -> dict[str, object]:
    return json.loads((await public.document(path)).body)


async def _forget(redis: Redis, slug: str) -> None:
    await redis.delete(*keys.queue(slug))


@given(
    numbers=st.sets(st.integers(1, 40_000), min_size=1, max_size=300),
    first=st.integers(0, 5_000),
)
def test_blocks_add_up_to_every_position(numbers: set[int], first: int) -> None:
    numbers = {number + first * 8 for number in numbers}
    bits = bytearray(40_100 // 8)
    for number in numbers:
        bits[number // 8 - first] |= 0x80 >> number % 8
    state = queue_state(waiting=len(numbers), issued=max(numbers))
    snapshot = Snapshot(QueueSnapshotRow(WaitingBits.of(first, bits), state), AdmissionRate())
    view = public_view("gala", snapshot)
    assert view.head == min(numbers)
    assert view.blocks.ahead[-1] == len(numbers)
    for ahead, number in enumerate(sorted(numbers)):
        block = number // view.blocks.size
        found = snapshot.bits(block * view.blocks.size, view.blocks.size)
        assert len(found) * 8 == view.blocks.size
        before = int.from_bytes(found) >> (view.blocks.size - number % view.blocks.size)
        assert view.blocks.ahead[block - view.blocks.first] + before.bit_count() == ahead


async def test_a_million_who_wait_are_a_few_kilobytes_and_each_finds_the_exact_position(
    redis: Redis, public: PublicQueue
) -> None:
    slug = await crowd(redis, 1_000_000)
    gone = random.sample(range(1, 1_000_001), 20_000)
    async with redis.pipeline(transaction=False) as pipe:
        for number in gone:
            pipe.setbit(keys.part(slug, "waiting"), number, 0)
        pipe.hset(keys.part(slug, "counters"), "waiting", 980_000)
        await pipe.execute()
    try:
        document = await public.document(f"{slug}/public")
        assert len(document.compressed) < 3_000
        assert len(document.body) < 5_000
        found = json.loads(document.body)
        size, first = found["blocks"]["size"], found["blocks"]["first"]
        waiting = sorted(set(range(1, 1_000_001)) - set(gone))
        for ahead in random.sample(range(len(waiting)), 20):
            number = waiting[ahead]
            path = f"{slug}/public/{size}-{number // size}"
            bits = base64.b64decode(str((await _read(public, path))["bits"]))
            before = int.from_bytes(bits) >> (size - number % size)
            assert found["blocks"]["ahead"][number // size - first] + before.bit_count() == ahead
    finally:
        await _forget(redis, slug)


async def test_documents_of_two_nodes_fit_together_behind_one_cache(redis: Redis) -> None:
    slug = await crowd(redis, 600_000)
    nodes = [QueueSnapshots(QueueStore(redis)) for _ in range(2)]
    served = [PublicQueue(node, SigningKeys(("a key of the test",))) for node in nodes]
    store = QueueStore(redis)
    try:
        gone = set(random.sample(range(1, 600_001), 300))
        for node in nodes:
            await node.wait_for_next(slug)
        for number in gone:
            await store.revoke(slug, number)
        waiting = sorted(set(range(1, 600_001)) - gone)

        async def is_settled() -> bool:
            # Each node reads the middle of the queue by parts, at its own pace.
            views = [public_view(slug, await node.wait_for_next(slug)) for node in nodes]
            return all(view.blocks == views[0].blocks for view in views) and (
                views[0].blocks.ahead[-2] + _set(await nodes[0].wait_for_next(slug), views[0])
                == len(waiting)
            )

        await eventually(is_settled, about="both nodes")
        found = json.loads((await served[0].document(f"{slug}/public")).body)
        size, first = found["blocks"]["size"], found["blocks"]["first"]
        for ahead in random.sample(range(len(waiting)), 30):
            number = waiting[ahead]
            path = f"{slug}/public/{size}-{number // size}"
            bits = base64.b64decode(str((await _read(served[1], path))["bits"]))
            before = int.from_bytes(bits) >> (size - number % size)
            assert found["blocks"]["ahead"][number // size - first] + before.bit_count() == ahead
    finally:
        for node in nodes:
            await node.close()
        await _forget(redis, slug)


def _set(snapshot: Snapshot, view: PublicQueueView) -> int:
    """Return how many wait in the last block."""
    last = view.blocks.first + len(view.blocks.ahead) - 2
    return int.from_bytes(snapshot.bits(last * view.blocks.size, view.blocks.size)).bit_count()


async def test_the_same_second_has_one_snapshot_however_many_ask(
    queue: Queue, public: PublicQueue
) -> None:
    await queue.join_all("inside", "a")
    made = [await public.document(f"{queue.slug}/public") for _ in range(200)]
    made = list({id(document): document for document in made}.values())
    assert all(
        later.fresh_until >= before.fresh_until + 1 for before, later in itertools.pairwise(made)
    )


async def test_a_drawn_order_is_told_page_by_page(queue: Queue, public: PublicQueue) -> None:
    await queue.open(queue_order="random", opens_at_ms=await queue.now_ms() + 60_000)
    await queue.join_all("a", "b", "c")
    before = await _read(public, f"{queue.slug}/public")
    assert (before["state"], before["eta_seconds"]) == ("scheduled", [])
    with pytest.raises(NotFound):
        await public.document(f"{queue.slug}/positions/0")
    await queue.open(queue_order="random", seed="seed")
    await queue.store.draw_order(queue.slug, positions=[3, 1, 2], numbers=[2, 3, 1])

    async def is_told() -> bool:
        # A snapshot from before the draw may be the current one for a moment.
        with contextlib.suppress(NotFound):
            page = await _read(public, f"{queue.slug}/positions/0")
            return page["positions"] == [3, 1, 2]
        return False

    await eventually(is_told)


@pytest.mark.parametrize("path", ["{}/public/8192-99", "{}/public/1-0", "{}/positions/0", "{}/x"])
async def test_what_is_not_there_is_not_found(queue: Queue, public: PublicQueue, path: str) -> None:
    await queue.join_all("inside", "a")
    with pytest.raises(NotFound):
        await public.document(path.format(queue.slug))


async def test_no_event_no_document(public: PublicQueue) -> None:
    with pytest.raises(NotFound):
        await public.document("nothing/public")


def test_between_the_published_chances_lies_that_of_each_position() -> None:
    state = queue_state(
        waiting=500_000,
        issued=520_000,
        inside=400,
        limit=400,
        holders=300,
        available=9_000,
        held=600,
        admitted=20_000,
        served=13_000,
    )
    row = QueueSnapshotRow(WaitingBits.of(0, b"\xff" * 1_000), state)
    points = public_view("gala", Snapshot(row, AdmissionRate())).odds
    assert 8 <= len(points) <= 12
    assert (odds(state, points[0][0] - 2) or 1) >= 0.9
    assert points[-1][1] <= 0.01
    for (left, high), (right, low) in itertools.pairwise(points):
        middle = (left + right) // 2
        assert abs((high + low) / 2 - (odds(state, middle) or 1)) < 0.05
