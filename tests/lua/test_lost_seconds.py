"""Redis lost its last seconds: no number is issued twice, and nobody loses their place."""

from __future__ import annotations

import json
import tempfile
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from surge_app.kv.client import connect, information
from surge_app.kv.queue import QueueStock
from surge_app.kv.queue_log import QueueLogStore, QueueNotes
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.log_verification import verify_log
from surge_app.services.waiting_room.lottery import commitment, positions, shuffle
from surge_app.services.waiting_room.public_log import entry_of
from tests.conftest import eventually
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer

_RESERVE = 1_000
KEYS = SigningKeys(("a key of the test",))
SEED = {"queue_order": "random", "seed": "a seed", "commitment": commitment("a seed")}


class _Crashing:
    """A queue whose Redis may end and forget what it was told since `remember`."""

    def __init__(self, server: RedisServer, redis: Redis) -> None:
        self._server = server
        self._redis = redis
        self._written: dict[Path, int] = {}
        self.queue = Queue(redis, reserve=_RESERVE)

    async def open(self, **rules: object) -> None:
        await self.queue.open(**rules)
        await self.queue.stock(QueueStock(1_000_000, 0, 0, 0))

    async def remember(self) -> None:
        async def is_written() -> bool:
            return (await information(self._redis, "persistence"))["aof_buffer_length"] == 0

        await eventually(is_written, about="the file with every change")
        self._written = self._server.written()

    async def crash(self) -> None:
        self._server.kill(keeping=self._written)
        self._server.start()


@pytest.fixture
def own_server() -> Generator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="surge-cut-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest_asyncio.fixture
async def crashing(own_server: RedisServer) -> AsyncGenerator[_Crashing]:
    client = connect(own_server.url, client_name="test")
    made = _Crashing(own_server, client)
    await made.open()
    yield made
    await client.aclose()


async def test_a_number_of_the_lost_seconds_is_never_issued_again(crashing: _Crashing) -> None:
    queue = crashing.queue
    await queue.join_all("inside", "a")
    await crashing.remember()
    lost = await queue.join_all("b", "c")
    assert [one.number for one in lost] == [3, 4]
    await crashing.crash()
    # Whoever is the first to come, no number is issued before the queue is opened again.
    stranger = await queue.join("stranger")
    assert (stranger.state, stranger.number) == ("unready", None)
    await queue.open(start=1_000)
    stranger = await queue.join("stranger")
    # The gap counts as nobody.
    assert (stranger.number, stranger.ahead, stranger.queue.waiting) == (1_001, 1, 2)
    assert stranger.queue.joined == 3
    back = await queue.poll("c", 4)
    assert (back.number, back.ahead) == (4, 1)
    back = await queue.join("b", 3)
    assert (back.number, back.ahead, back.queue.joined) == (3, 1, 5)
    assert (await queue.poll("a")).ahead == 0
    assert (await queue.poll("stranger")).ahead == 3
    # Once, and for its visitor alone.
    await queue.leave("b")
    assert (await queue.poll("b", 3)).state == "not_joined"
    assert (await queue.poll("a", 4)).number == 2


async def test_a_second_end_of_the_server_makes_a_second_gap(crashing: _Crashing) -> None:
    queue = crashing.queue
    await queue.join_all("inside", "a")
    await crashing.remember()
    for start in (1_000, 2_000):
        await crashing.crash()
        await queue.open(start=start)
        assert (await queue.join(f"lost-{start}")).number == start + 1
    await crashing.crash()
    assert (await queue.join("b")).state == "unready"
    await queue.open(start=3_000)
    assert (await queue.join("b")).number == 3_001
    # Of the gaps no one counts as having joined.
    assert (await queue.poll("b")).queue.joined == 3
    # One that lost nothing needs no other rule.
    assert [(await queue.poll(f"lost-{n}", n + 1)).ahead for n in (1_000, 2_000)] == [1, 2]


async def test_no_number_is_issued_twice_where_postgres_is_older_than_redis(
    crashing: _Crashing,
) -> None:
    queue = crashing.queue
    await queue.join_all(*(f"v{number}" for number in range(1, 32)))
    await crashing.remember()
    await crashing.crash()
    # A copy of the database was restored beside the same Redis.
    above = await queue.store.open(queue.slug, start=20, ceiling=40, early=None)
    assert above == _RESERVE
    # None is issued before Postgres knows of it.
    assert (await queue.join("newcomer")).number is None
    queue.start = above
    await queue.stock(QueueStock(1_000_000, 0, 0, 0))
    newcomer = await queue.join("newcomer")
    assert (newcomer.number, newcomer.queue.waiting) == (_RESERVE + 1, 31)


async def test_nobody_is_admitted_before_those_of_the_lost_seconds_could_return(
    crashing: _Crashing,
) -> None:
    queue = crashing.queue
    await queue.join_all("inside", "a")
    await crashing.remember()
    await queue.join("b")
    await crashing.crash()
    await queue.leave("inside")
    await queue.open(start=1_000)
    await queue.join("c")
    await queue.leave("a")
    assert await queue.states("c") == ["waiting"]
    await queue.poll("b", 3)
    await queue.end_recovery()
    assert await queue.states("c", "b", "c") == ["waiting", "admitted", "waiting"]


async def test_an_empty_queue_lets_visitors_in_at_once(crashing: _Crashing) -> None:
    queue = crashing.queue
    await crashing.remember()
    await queue.join("lost")
    await crashing.crash()
    await queue.open(start=1_000, concurrent_buyers=2)
    assert (await queue.join("new")).state == "admitted"
    assert (await queue.poll("lost", 1, had_pass=True)).state == "admitted"


async def test_a_pass_of_the_lost_seconds_is_valid_again_and_one_that_ended_is_not_kept(
    crashing: _Crashing,
) -> None:
    queue = crashing.queue
    await crashing.open(concurrent_buyers=2)
    await queue.join_all("buyer", "gone")
    await queue.hold("buyer", 900)
    await queue.leave("gone")
    await crashing.remember()
    # One buys, one joins and is let in: Redis forgets both.
    await queue.leave("buyer")
    assert (await queue.join("late")).state == "admitted"
    await crashing.crash()
    await queue.open(start=1_000, concurrent_buyers=2)
    assert (await queue.poll("gone", 2, had_pass=True)).state == "not_joined"
    assert (await queue.poll("late", 3, had_pass=True)).state == "admitted"
    assert (await queue.poll("late", 3, had_pass=True)).state == "admitted"
    # What reserved a unit for a quarter of an hour reserves it no longer than a choice takes.
    ends = await queue.redis.zscore(queue.keys["passes"], "buyer")
    assert ends is not None
    assert ends - await queue.now_ms() <= 120_000


async def test_a_turn_that_could_not_be_taken_meanwhile_begins_anew(crashing: _Crashing) -> None:
    queue = crashing.queue
    await queue.join_all("inside", "a")
    await queue.leave("inside")
    assert await queue.called() == [2]
    await crashing.remember()
    await crashing.crash()
    assert (await queue.poll("a")).state == "unready"
    await queue.lapse("a")
    await queue.poll("a")
    await queue.open(start=1_000)
    assert (await queue.poll("a")).state == "admitted"


async def test_what_begins_after_the_end_of_a_sale_ends_with_it(crashing: _Crashing) -> None:
    queue = crashing.queue
    await queue.join_all("inside", "a")
    await queue.open(phase="ended")
    await crashing.remember()
    await crashing.crash()
    await queue.open(start=1_000, phase="ended")
    # Their numbers take more than one hash.
    for number in range(100, 250):
        assert (await queue.poll(f"lost-{number}", number)).number == number
    await queue.store.grant(queue.slug, "holder", timedelta(minutes=1))
    await queue.store.leave(queue.slug, "holder", is_served=True)
    ends = {key: await queue.redis.ttl(key) async for key in queue.redis.scan_iter("surge:*")}
    assert {queue.keys[name] for name in ("log", "served", "counters")} < set(ends)
    assert queue.keys["numbers"] + ":1" in ends
    assert [key for key, seconds in ends.items() if seconds < 0] == []


async def _write(queue: Queue, lines: list[str], last: QueueNotes | None) -> QueueNotes:
    """Append a line as the job does."""
    start, offset = (last.start, last.offset) if last else (-1, 0)
    notes = await QueueLogStore(queue.redis).read(queue.slug, start=start, offset=offset)
    assert notes is not None
    is_same = last is not None and last.start == notes.start
    content = entry_of(
        notes,
        event=queue.slug,
        seq=len(lines) + 1,
        issued_before=last.issued if is_same and last else notes.start,
        previous=lines[-1] if lines else None,
        has_gap=last is not None and not is_same,
    )
    document = json.dumps(content)
    lines.append(f"{document} {KEYS.sign_document(document.encode())}")
    return notes


async def test_the_log_states_the_gap_and_holds_although_it_was_ahead(crashing: _Crashing) -> None:
    queue, lines = crashing.queue, list[str]()
    await queue.join_all("inside", "a", "b", "c", "d")
    await queue.leave("b")
    await crashing.remember()
    # The log says so already when Redis forgets that one was called, one left and one joined.
    await queue.leave("inside")
    await queue.poll("a")
    await queue.leave("c")
    await queue.join("e")
    notes = await _write(queue, lines, None)
    await crashing.crash()
    assert await QueueLogStore(queue.redis).read(queue.slug, start=0, offset=notes.offset) is None
    await queue.open(start=1_000)
    notes = await _write(queue, lines, notes)
    assert notes.waiting_ranges == [(2, 2), (4, 5)]
    assert [rules["phase"] for _, rules in notes.rules] == ["published"]
    await queue.join("f")
    await queue.poll("e", 6)
    await queue.leave("inside")
    await queue.end_recovery()
    await queue.join_all("a", "c")
    for who in ("a", "c", "d", "e", "f"):
        await queue.leave(who)
    await _write(queue, lines, notes)
    report = verify_log(lines, KEYS.public)
    assert (report.problems, report.gaps, report.issued) == ([], 1, 1_001)


async def test_a_draw_of_the_lost_seconds_is_drawn_again_among_the_same_numbers(
    crashing: _Crashing,
) -> None:
    queue, lines = Queue(crashing.queue.redis, reserve=_RESERVE), list[str]()
    await queue.open(opens_at_ms=await queue.now_ms() + 600_000, **SEED)
    await queue.join_all(*(f"v{n}" for n in range(1, 11)))
    await crashing.remember()
    await queue.join_all("v11", "v12")
    await queue.open(**SEED)
    numbers = shuffle("a seed", 12)
    drawn = {"positions": positions(numbers), "numbers": numbers}
    assert await queue.store.draw_order(queue.slug, **drawn)
    before = [(await queue.poll(f"v{n}", n)).ahead for n in range(1, 13)]
    notes = await _write(queue, lines, None)
    await crashing.crash()
    # Postgres knows how many came before the opening: Redis forgot two of them.
    await queue.open(start=1_000, early=12, **SEED)
    assert await queue.store.draw_order(queue.slug, **drawn)
    back = [await queue.poll(f"v{n}", n) for n in range(1, 13)]
    assert [one.number for one in back] == list(range(1, 13))
    await queue.end_recovery()
    assert [(await queue.poll(f"v{n}", n)).ahead for n in range(1, 13)] == before
    assert (await queue.join("later")).ahead == 11
    await _write(queue, lines, notes)
    assert verify_log(lines, KEYS.public).problems == []


async def test_a_drawn_order_outlives_the_end_of_the_server(crashing: _Crashing) -> None:
    queue, lines = Queue(crashing.queue.redis, reserve=_RESERVE), list[str]()
    await queue.open(opens_at_ms=await queue.now_ms() + 600_000, **SEED)
    await queue.join_all(*(f"v{n}" for n in range(1, 13)))
    await queue.open(**SEED)
    numbers = shuffle("a seed", 12)
    await queue.store.draw_order(queue.slug, positions=positions(numbers), numbers=numbers)
    before = [(await queue.poll(f"v{n}", n)).ahead for n in range(1, 13)]
    notes = await _write(queue, lines, None)
    await crashing.remember()
    await queue.join("lost")
    await crashing.crash()
    await queue.open(start=1_000, early=12, **SEED)
    assert [(await queue.poll(f"v{n}", n)).ahead for n in range(1, 13)] == before
    assert (await queue.poll("lost", 13)).ahead == 11
    await _write(queue, lines, notes)
    assert verify_log(lines, KEYS.public).problems == []
