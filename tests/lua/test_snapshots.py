"""Snapshots: positions as counts of bits, and polls answered without Redis."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from hypothesis import given, strategies as st
from redis.asyncio import Redis

from surge_app.errors import NotFound, QueueUnavailable
from surge_app.kv.client import connect
from surge_app.kv.packed_numbers import pack_numbers, unpack_numbers
from surge_app.kv.queue import (
    QueueSnapshotRow,
    QueueStore,
)
from surge_app.kv.waiting_bits import WaitingBits
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room import snapshots as snapshots_module
from surge_app.services.waiting_room.answers import AdmissionRate, to_status
from surge_app.services.waiting_room.snapshots import QueueSnapshots, Snapshot
from tests.lua.queue_clock import Queue
from tests.queue_factory import queue_state


@pytest_asyncio.fixture
async def snapshots(redis: Redis) -> AsyncGenerator[QueueSnapshots]:
    made = QueueSnapshots(QueueStore(redis))
    yield made
    await made.close()


_QUEUE = queue_state()


@given(
    numbers=st.sets(st.integers(1, 5_000), min_size=1, max_size=300),
    first=st.integers(0, 40),
)
def test_a_position_is_the_count_of_those_before(numbers: set[int], first: int) -> None:
    numbers = {number + first * 8 for number in numbers}
    bits = bytearray(5_100 // 8)
    for number in numbers:
        bits[number // 8 - first] |= 0x80 >> number % 8
    snapshot = Snapshot(QueueSnapshotRow(WaitingBits.of(first, bits), _QUEUE), AdmissionRate())
    ordered = sorted(numbers)
    assert [snapshot.visitors_ahead(number) for number in ordered] == list(range(len(ordered)))
    for number in (0, first * 8 - 1, 6_000_000, *range(first * 8, first * 8 + 50)):
        if number not in numbers:
            assert snapshot.visitors_ahead(number) is None


async def test_a_snapshot_says_the_same_as_the_line(queue: Queue) -> None:
    await queue.join_all("inside", *(f"v{n}" for n in range(40)))
    for visitor in random.sample([f"v{n}" for n in range(1, 40)], 12):
        await queue.leave(visitor)
    snapshot = Snapshot(await queue.snapshot(), AdmissionRate())
    for visitor, number in (await queue.numbers()).items():
        answer = to_status(await queue.poll(visitor), AdmissionRate()).to_json()
        body = json.loads(snapshot.render(number) or "{}")
        assert body.pop("retry_after_ms") > 0
        del answer["retry_after_ms"]
        assert body == json.loads(json.dumps(answer))


async def test_drawn_numbers_stand_at_their_places(queue: Queue) -> None:
    order = [3, 1, 2]
    look = QueueSnapshotRow(WaitingBits.of(0, bytes([0b0111_1000])), (await queue.snapshot()).queue)
    snapshot = Snapshot(look, AdmissionRate(), order)
    assert [snapshot.visitors_ahead(number) for number in (1, 2, 3, 4)] == [2, 0, 1, 3]


@pytest.mark.parametrize(
    ("rules", "state"),
    [({"paused": True}, "paused"), ({"phase": "cancelled"}, "ended"), ({}, "waiting")],
)
async def test_the_state_of_the_sale_is_told_to_who_waits_and_to_strangers(
    queue: Queue, rules: dict[str, object], state: str
) -> None:
    await queue.join_all("inside", "a")
    await queue.open(message='"100 %" sure', **rules)
    snapshot = Snapshot(await queue.snapshot(), AdmissionRate())
    body = json.loads(snapshot.render(2) or "{}")
    assert (body["state"], body["message"], body["number"]) == (state, '"100 %" sure', 2)
    stranger = json.loads(snapshot.render_stranger())
    assert stranger["state"] == ("ended" if state == "ended" else "not_joined")
    assert stranger["number"] is None


async def test_who_polls_a_worker_is_alive_for_redis(
    queue: Queue, snapshots: QueueSnapshots
) -> None:
    await queue.join_all("inside", "a", "b")
    await queue.silence("a")
    snapshot = await snapshots.wait_for_next(queue.slug)
    assert snapshots.render(queue.slug, snapshot, Visitor("a", {queue.slug: 2})) is not None
    await snapshots.wait_for_next(queue.slug)
    await snapshots.wait_for_next(queue.slug)
    await queue.leave("inside")
    assert await queue.called() == [2]


async def test_two_workers_admit_beside_each_other_no_more_than_there_is_room(
    queue: Queue, redis: Redis
) -> None:
    await queue.join_all("inside", *(f"v{n}" for n in range(10)))
    await queue.leave("inside")
    both = [QueueSnapshots(QueueStore(redis)) for _ in range(2)]
    await asyncio.gather(*(one.wait_for_next(queue.slug) for one in both for _ in range(5)))
    assert await queue.called() == [2]
    for one in both:
        await one.close()


async def test_a_view_is_fresh_for_less_than_the_shortest_pause_between_polls(
    queue: Queue, snapshots: QueueSnapshots
) -> None:
    assert snapshots.current(queue.slug) is None
    snapshot = await snapshots.wait_for_next(queue.slug)
    assert snapshots.current(queue.slug) is snapshot
    snapshot.taken -= 0.9
    assert snapshots.current(queue.slug) is not snapshot


async def test_an_unknown_event_is_not_followed(snapshots: QueueSnapshots) -> None:
    with pytest.raises(NotFound):
        await snapshots.wait_for_next("nothing")
    assert snapshots.current("nothing") is None


async def test_without_redis_there_is_no_view_and_no_invented_one() -> None:
    snapshots = QueueSnapshots(QueueStore(connect("unix:///nowhere/redis.sock")))
    with pytest.raises(QueueUnavailable):
        await snapshots.wait_for_next("gala")
    await snapshots.close()


async def test_who_asks_a_process_that_is_late_itself_is_not_refused(
    queue: Queue, snapshots: QueueSnapshots, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots_module, "_REDIS_SECONDS", 1)
    await snapshots.wait_for_next(queue.slug)
    asked = [asyncio.create_task(snapshots.wait_for_next(queue.slug)) for _ in range(5)]
    while not all(task.done() for task in asked):
        # Each turn of the event loop takes more than half as long as Redis is waited for.
        time.sleep(0.6)  # noqa: ASYNC251  the point of it
        await asyncio.sleep(0)
    assert [task.result().queue.sale for task in asked] == ["open"] * 5


def test_packed_numbers_are_big_endian() -> None:
    assert pack_numbers([1, 258]) == b"\0\0\0\1\0\0\1\2"
    assert list(unpack_numbers(pack_numbers([7, 4_000_000_000]))) == [7, 4_000_000_000]
