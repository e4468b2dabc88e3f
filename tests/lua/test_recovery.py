"""Redis restarted, or flushed: everybody returns to their place, and nobody is overtaken."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from surge_app.kv.client import connect, information
from surge_app.kv.queue import QueueStock
from tests.conftest import eventually
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer

PLENTY = QueueStock(1_000_000, 0, 0, 0)


@pytest.fixture
def own_server() -> Generator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="surge-kill-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest_asyncio.fixture
async def own(own_server: RedisServer) -> AsyncGenerator[Redis]:
    client = connect(own_server.url, client_name="test")
    yield client
    await client.aclose()


async def _filled(redis: Redis) -> Queue:
    queue = Queue(redis, reserve=1_000)
    await queue.open()
    await queue.stock(PLENTY)
    await queue.join_all("inside", "a", "b", "c")
    return queue


async def _is_written(redis: Redis) -> bool:
    """Whether Redis has handed all to the system: it may put that off for two seconds."""
    return (await information(redis, "persistence"))["aof_buffer_length"] == 0


async def test_a_killed_redis_comes_back_with_every_place(
    own_server: RedisServer, own: Redis
) -> None:
    queue = await _filled(own)
    await eventually(lambda: _is_written(own), about="the file with every change")
    own_server.kill()
    own_server.start()
    assert [(await queue.poll(who)).state for who in ("inside", "a")] == ["unready"] * 2
    await queue.open(start=1_000)
    assert [(await queue.poll(who)).ahead for who in ("c", "b", "a")] == [2, 1, 0]
    assert (await queue.poll("inside")).state == "admitted"
    newcomer = await queue.join("d")
    assert (newcomer.number, newcomer.ahead) == (1_001, 3)


async def test_after_a_standstill_nobody_is_let_in_before_all_could_poll_once(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "a", "b", "c")
    for visitor in ("a", "b"):
        await queue.silence(visitor, 300)
    long_ago = await queue.now_ms() - 400_000
    await queue.redis.zadd(queue.keys["passes"], {"inside": long_ago})
    await queue.stand_still(300)
    # The first to return is not the first in the queue, and gets nothing by it.
    first = await queue.poll("c")
    assert (first.state, first.ahead, first.queue.is_recovering) == ("waiting", 2, True)
    await queue.end_recovery()
    # Silence counts from the return on, so those who are only slower keep their turn.
    assert (await queue.poll("c")).state == "waiting"
    assert await queue.states("a", "b") == ["admitted", "waiting"]


async def test_who_was_inside_when_the_line_stood_still_is_inside_when_it_goes_on(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "called", "b")
    await queue.leave("inside")
    await queue.join("again")
    now = await queue.now_ms()
    await queue.redis.zadd(queue.keys["called"], {"2": now - 50_000})
    await queue.stand_still(60)
    assert (await queue.poll("called")).state == "admitted"


async def test_a_line_where_nobody_waits_has_nothing_to_recover(queue: Queue) -> None:
    await queue.join("inside")
    await queue.leave("inside")
    await queue.stand_still(3_600)
    answer = await queue.join("a")
    assert (answer.state, answer.queue.is_recovering) == ("admitted", False)


async def test_a_flushed_line_comes_back_from_the_signed_numbers_in_order(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "a", "b", "c")
    await queue.redis.delete(*queue.keys.values())
    assert (await queue.poll("c", 4)).state == "unknown"
    await queue.open(start=1_000)
    assert (await queue.poll("b", 3)).ahead == 0
    stranger = await queue.join("stranger")
    assert (stranger.number, stranger.ahead) == (1_001, 1)
    assert [(await queue.poll(who, n)).ahead for who, n in (("c", 4), ("a", 2))] == [1, 0]
    assert (await queue.poll("stranger")).ahead == 3
    await queue.end_recovery()
    assert await queue.states("c", "b", "a", "stranger") == [
        *("waiting", "waiting", "admitted", "waiting"),
    ]


async def test_an_old_number_counts_once_and_only_if_it_is_old(queue: Queue) -> None:
    await queue.redis.delete(*queue.keys.values())
    await queue.open(start=1_000)
    assert (await queue.poll("a", 7)).number == 7
    await queue.leave("a")
    assert (await queue.poll("a", 7)).state == "not_joined"
    assert (await queue.poll("b", 1_005)).state == "not_joined"
    counters = queue.keys["counters"]
    await queue.redis.hset(counters, "returned", str(await queue.now_ms() - 601_000))
    assert (await queue.poll("c", 8)).state == "not_joined"


async def test_passes_come_back_while_the_line_recovers_and_never_above_the_cap(
    queue: Queue,
) -> None:
    await queue.redis.delete(*queue.keys.values())
    await queue.open(start=1_000, concurrent_buyers=2)
    assert (await queue.poll("a", had_pass=True)).state == "admitted"
    assert (await queue.poll("b", had_pass=False)).state == "not_joined"
    assert (await queue.poll("c", had_pass=True)).state == "admitted"
    assert (await queue.poll("d", had_pass=True)).state == "not_joined"
    await queue.leave("a")
    await queue.end_recovery()
    assert (await queue.poll("d", had_pass=True)).state == "not_joined"


async def test_a_pass_cookie_alone_opens_nothing_in_a_line_that_was_never_lost(
    queue: Queue,
) -> None:
    assert (await queue.poll("a", had_pass=True)).state == "not_joined"


@pytest.mark.parametrize("part", ["waiting", "numbers", "seen", "passes"])
async def test_a_queue_of_which_a_part_is_gone_comes_back_whole_and_in_order(
    queue: Queue, part: str
) -> None:
    await queue.join_all("inside", "a", "b", "c")
    # As an eviction would: one key, while the counters still say that three wait.
    await queue.redis.delete(queue.keys[part])
    answers = [await queue.poll(who, number) for who, number in (("c", 4), ("a", 2))]
    assert [answer.state for answer in answers] == ["unready", "unready"]
    await queue.open(start=1_000)
    assert (await queue.poll("inside", had_pass=True)).state == "admitted"
    assert (await queue.join("new")).number == 1_001
    for who, number in (("c", 4), ("b", 3), ("a", 2)):
        await queue.poll(who, number)
    assert [(await queue.poll(who)).ahead for who in ("a", "b", "c", "new")] == [0, 1, 2, 3]


async def test_an_empty_queue_and_one_that_is_drained_lack_nothing(queue: Queue) -> None:
    await queue.join_all("inside", "a")
    await queue.leave("inside")
    await queue.poll("a")
    await queue.end_hold("a")
    await queue.leave("a")
    answer = await queue.join("b")
    assert (answer.state, answer.queue.start) == ("admitted", 0)


@pytest.mark.parametrize(("seconds", "is_interrupted"), [(1, False), (10, True)])
async def test_a_redis_whose_memory_is_full_still_knows_its_passes(
    queue: Queue, seconds: int, *, is_interrupted: bool
) -> None:
    await queue.join("a")
    ends = await queue.renew("a", 0)
    await queue.stand_still(seconds)
    await queue.redis.config_set("maxmemory", "1")
    try:
        assert await queue.renew("a", 0) == ends
        assert await queue.renew("b", 0) == 0
    finally:
        await queue.redis.config_set("maxmemory", "0")
    # What could not be noted is made up for.
    assert (await queue.renew("a", 0) > ends) is is_interrupted
