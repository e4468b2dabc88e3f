"""The line itself: the scripts on a real Redis, whose clock is moved by moving what was noted."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from datetime import timedelta

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from surge_app.container import Container
from surge_app.errors import RateLimited
from surge_app.kv import keys
from surge_app.kv.client import connect
from surge_app.kv.limits import Limit, RateLimiter
from surge_app.kv.line import LineRules, LineStore, RawAnswer

SECOND_MS = 1_000
MINUTE_MS = 60_000
PLENTY = 1_000_000


class Line:
    """The line of an event that exists in Redis alone, so no job touches it."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.store = LineStore(redis)
        self.slug = f"line-{secrets.token_hex(6)}"
        self.keys = dict(zip(keys.LINE_PARTS, keys.line(self.slug), strict=True))

    async def open(self, **rules: object) -> None:
        """Publish rules: open, unlimited pace, room for one buyer, unless told otherwise."""
        values = {
            "phase": "published",
            "opens_at_ms": None,
            "closes_at_ms": None,
            "paused": False,
            "concurrent_buyers": 1,
            "admissions_per_minute": None,
            "message": "",
            **rules,
        }
        await self.store.publish_rules(self.slug, LineRules(**values))  # pyright: ignore[reportArgumentType]

    async def stock(self, available: int, *, held: int = 0, holders: int = 0) -> None:
        await self.store.publish_stock(
            self.slug, available=available, held=held, sold=0, holders=holders
        )

    async def join(self, visitor: str) -> RawAnswer:
        return await self.store.join(self.slug, visitor)

    async def poll(self, visitor: str) -> RawAnswer:
        return await self.store.poll(self.slug, visitor)

    async def leave(self, visitor: str) -> bool:
        return await self.store.leave(self.slug, visitor)

    async def renew(self, visitor: str, seconds: int) -> int:
        return (await self.store.renew(self.slug, [visitor], timedelta(seconds=seconds)))[0]

    async def join_all(self, *visitors: str) -> list[RawAnswer]:
        """Join one after the other."""
        return [await self.join(visitor) for visitor in visitors]

    async def states(self, *visitors: str) -> list[str]:
        """Poll one after the other."""
        return [(await self.poll(visitor)).state for visitor in visitors]

    async def now_ms(self) -> int:
        seconds, microseconds = await self.redis.time()
        return seconds * 1000 + microseconds // 1000

    async def silence(self, visitor: str, seconds: int = 60) -> None:
        """Let a visitor's last poll lie so many seconds back."""
        past = await self.now_ms() - seconds * SECOND_MS
        await self.redis.hset(self.keys["seen"], visitor, str(past))

    async def expire(self, visitor: str) -> None:
        """Let a visitor's pass have ended."""
        past = await self.now_ms() - 1
        await self.redis.zadd(self.keys["passes"], {visitor: past}, xx=True)

    async def let_a_minute_pass_since_admissions(self) -> None:
        for number, at in await self.redis.zrange(self.keys["recent"], 0, -1, withscores=True):
            await self.redis.zadd(self.keys["recent"], {number: at - MINUTE_MS})

    async def passes(self) -> set[str]:
        return set(await self.redis.zrange(self.keys["passes"], 0, -1))

    async def numbers(self) -> dict[str, int]:
        found = await self.redis.hgetall(self.keys["numbers"])
        return {visitor: int(number) for visitor, number in found.items()}


@asynccontextmanager
async def fresh_line(redis: Redis) -> AsyncGenerator[Line]:
    line = Line(redis)
    try:
        yield line
    finally:
        await redis.delete(*line.keys.values())


@pytest_asyncio.fixture
async def line(services: Container) -> AsyncGenerator[Line]:
    async with fresh_line(services.redis) as made:
        await made.open()
        await made.stock(PLENTY)
        yield made


async def test_below_the_cap_nobody_waits(line: Line) -> None:
    await line.open(concurrent_buyers=3)
    answers = await line.join_all("a", "b", "c", "d")
    assert [answer.state for answer in answers] == ["admitted"] * 3 + ["waiting"]
    assert [answer.number for answer in answers] == [None, None, None, 4]


async def test_numbers_are_issued_once_each_and_first_come_is_first_served(line: Line) -> None:
    answers = await line.join_all("first", "b", "c", "d")
    assert [(answer.number, answer.ahead) for answer in answers[1:]] == [(2, 0), (3, 1), (4, 2)]
    order: list[str] = []
    inside = "first"
    for _ in range(3):
        await line.leave(inside)
        (inside,) = await line.passes()
        order.append(inside)
    assert order == ["b", "c", "d"]


async def test_joining_again_keeps_the_place(line: Line) -> None:
    await line.join_all("inside", "a", "b")
    again = await line.join_all("b", "a", "b", "a")
    assert [(answer.number, answer.ahead) for answer in again] == [(3, 1), (2, 0)] * 2
    assert (await line.store.stats(line.slug)).issued == 3


async def test_joining_again_with_a_pass_takes_no_number(line: Line) -> None:
    await line.join("inside")
    assert (await line.join("inside")).state == "admitted"
    assert (await line.store.stats(line.slug)).issued == 1
    assert await line.numbers() == {}


async def test_who_never_joined_has_no_place_and_gets_none_by_polling(line: Line) -> None:
    for visitor in ("stranger", ""):
        answer = await line.poll(visitor)
        assert (answer.state, answer.number, answer.ahead) == ("not_joined", None, None)
    assert await line.numbers() == {}
    assert await line.redis.exists(line.keys["seen"]) == 0


async def test_who_leaves_the_line_lets_the_others_move_up(line: Line) -> None:
    await line.join_all("inside", "a", "b", "c")
    assert await line.leave("b")
    assert [(await line.poll(visitor)).ahead for visitor in ("a", "c")] == [0, 1]
    assert (await line.poll("b")).state == "not_joined"
    assert (await line.join("b")).number == 5


async def test_who_leaves_with_a_pass_admits_the_next_at_once(line: Line) -> None:
    await line.join_all("inside", "next", "last")
    assert await line.leave("inside")
    assert await line.passes() == {"next"}
    assert await line.states("next", "last", "inside") == ["admitted", "waiting", "not_joined"]


async def test_leaving_twice_counts_once(line: Line) -> None:
    await line.join("inside")
    assert await line.leave("inside")
    assert not await line.leave("inside")
    assert not await line.leave("stranger")
    assert (await line.store.stats(line.slug)).left == 1


async def test_who_goes_with_tickets_makes_room_and_is_not_counted_as_having_left(
    line: Line,
) -> None:
    await line.join_all("buyer", "next")
    assert await line.store.leave(line.slug, "buyer", is_served=True)
    assert await line.passes() == {"next"}
    stats = await line.store.stats(line.slug)
    assert (stats.admitted, stats.left) == (2, 0)


async def test_a_pass_that_ends_goes_to_the_next(line: Line) -> None:
    await line.join_all("inside", "next")
    await line.expire("inside")
    assert await line.states("next", "inside") == ["admitted", "not_joined"]
    back = await line.join("inside")
    assert (back.state, back.number) == ("waiting", 3)


async def test_a_new_pass_lasts_a_minute_and_a_half_and_activity_makes_it_longer_never_shorter(
    line: Line,
) -> None:
    answer = await line.join("inside")
    assert answer.pass_ends_ms is not None
    assert answer.pass_ends_ms - answer.now_ms == 90 * SECOND_MS
    longer = await line.renew("inside", 600)
    assert longer > answer.pass_ends_ms
    assert await line.renew("inside", 5) == longer
    assert (await line.poll("inside")).pass_ends_ms == longer


async def test_who_is_let_in_past_the_line_makes_nobody_behind_come_in_early(line: Line) -> None:
    await line.join_all("inside", "b", "c", "revived")
    ends = await line.store.grant(line.slug, "revived", timedelta(seconds=300))
    assert 295 * SECOND_MS < ends - await line.now_ms() <= 300 * SECOND_MS
    assert await line.states("inside", "b", "c", "revived") == [
        *("admitted", "waiting", "waiting", "admitted"),
    ]
    assert "revived" not in await line.numbers()
    assert await line.store.grant(line.slug, "revived", timedelta(seconds=10)) == ends
    await line.leave("inside")
    assert await line.states("b", "c") == ["waiting", "waiting"]
    await line.leave("revived")
    assert await line.states("b", "c") == ["admitted", "waiting"]


async def test_without_a_pass_there_is_nothing_to_renew(line: Line) -> None:
    await line.join_all("inside", "waiting")
    assert await line.renew("waiting", 600) == 0
    assert await line.renew("stranger", 600) == 0
    await line.expire("inside")
    assert await line.renew("inside", 600) == 0
    assert await line.passes() <= {"inside"}


async def test_who_fell_silent_is_passed_over_and_returns_to_the_same_place(line: Line) -> None:
    await line.join_all("inside", "silent", "b", "c")
    await line.silence("silent")
    await line.leave("inside")
    assert await line.passes() == {"b"}
    assert (await line.poll("c")).ahead == 0
    back = await line.poll("silent")
    assert (back.state, back.number, back.ahead) == ("waiting", 2, 0)
    assert (await line.poll("c")).ahead == 1
    await line.leave("b")
    assert await line.passes() == {"silent"}


async def test_who_fell_silent_returns_by_joining_too(line: Line) -> None:
    await line.join_all("inside", "silent", "b")
    await line.silence("silent")
    await line.leave("inside")
    back = await line.join("silent")
    assert (back.number, back.ahead) == (2, 0)


async def test_who_returns_to_a_free_place_takes_it_by_joining_as_by_polling(line: Line) -> None:
    await line.join_all("inside", "silent", "b")
    await line.silence("silent")
    await line.expire("inside")
    assert (await line.join("silent")).state == "admitted"
    assert (await line.poll("b")).state == "waiting"


async def test_a_short_silence_costs_nothing(line: Line) -> None:
    await line.join_all("inside", "slow", "b")
    await line.silence("slow", seconds=30)
    await line.leave("inside")
    assert await line.passes() == {"slow"}


async def test_when_all_are_silent_the_pass_waits_for_whoever_returns_first(line: Line) -> None:
    await line.join_all("inside", "a", "b")
    for visitor in ("a", "b"):
        await line.silence(visitor)
    await line.leave("inside")
    assert await line.passes() == set()
    assert (await line.poll("b")).state == "admitted"
    assert (await line.poll("a")).state == "waiting"


async def test_nobody_is_let_in_to_find_nothing(line: Line) -> None:
    await line.open(concurrent_buyers=100)
    await line.stock(2)
    await line.join_all("a", "b", "c", "d")
    assert await line.states("a", "b", "c", "d") == ["admitted", "admitted", "waiting", "waiting"]


async def test_holders_keep_their_place_inside_beside_the_free_units(line: Line) -> None:
    await line.open(concurrent_buyers=100)
    await line.stock(2)
    await line.join_all("a", "b", "c", "d")
    # `a` holds one unit: one is free, and `b` is inside for it.
    await line.stock(1, held=1, holders=1)
    assert await line.states("c", "d") == ["waiting", "waiting"]
    # A unit comes back: the next in line may come for it.
    await line.stock(2, held=1, holders=1)
    assert await line.states("c", "d") == ["admitted", "waiting"]


async def test_all_held_is_waiting_and_sold_out_is_the_end_until_units_return(line: Line) -> None:
    await line.stock(1)
    await line.join_all("inside", "a")
    await line.stock(0, held=1, holders=1)
    answer = await line.poll("a")
    assert (answer.state, answer.available, answer.held) == ("waiting", 0, 1)
    await line.stock(0)
    assert (await line.poll("a")).state == "sold_out"
    assert (await line.join("late")).state == "sold_out"
    assert await line.numbers() == {"a": 2}
    await line.stock(1)
    await line.leave("inside")
    assert (await line.poll("a")).state == "admitted"


async def test_with_a_pass_the_last_units_can_be_looked_at_to_the_end(line: Line) -> None:
    await line.stock(1)
    await line.join("inside")
    await line.stock(0)
    assert (await line.poll("inside")).state == "admitted"


async def test_a_lowered_cap_takes_no_pass_away_and_gives_none(line: Line) -> None:
    await line.open(concurrent_buyers=3)
    await line.join_all("a", "b", "c", "d")
    await line.open(concurrent_buyers=1)
    await line.leave("a")
    await line.leave("b")
    assert await line.passes() == {"c"}
    await line.leave("c")
    assert await line.passes() == {"d"}


async def test_a_pause_lets_nobody_in_and_keeps_every_place(line: Line) -> None:
    await line.open(concurrent_buyers=2)
    await line.join_all("inside", "too")
    await line.open(concurrent_buyers=2, paused=True, message="Ten minutes, please.")
    await line.leave("too")
    joined = await line.join_all("a", "b")
    assert [(one.state, one.number, one.ahead) for one in joined] == [
        ("paused", 3, 0),
        ("paused", 4, 1),
    ]
    assert joined[0].message == "Ten minutes, please."
    assert (await line.poll("inside")).state == "admitted"
    await line.open(concurrent_buyers=2)
    assert await line.states("b", "a") == ["waiting", "admitted"]


async def test_so_many_are_admitted_in_a_minute_and_not_one_more(line: Line) -> None:
    await line.open(concurrent_buyers=100, admissions_per_minute=2)
    answers = await line.join_all("a", "b", "c", "d", "e")
    assert [one.state for one in answers] == ["admitted"] * 2 + ["waiting"] * 3
    assert answers[-1].admitted_last_minute == 2
    # A place that is given back gives no second admission in the same minute.
    await line.leave("a")
    assert (await line.poll("c")).state == "waiting"
    await line.let_a_minute_pass_since_admissions()
    assert await line.states("e", "c", "d") == ["waiting", "admitted", "admitted"]


async def test_before_the_opening_nobody_gets_a_number(line: Line) -> None:
    await line.open(opens_at_ms=await line.now_ms() + MINUTE_MS)
    assert (await line.join("early")).state == "scheduled"
    assert await line.numbers() == {}
    await line.open(opens_at_ms=await line.now_ms() - 1)
    assert (await line.poll("early")).state == "not_joined"
    assert (await line.join("early")).state == "admitted"


@pytest.mark.parametrize("how", ["closed", "cancelled", "draft"])
async def test_after_the_end_nobody_gets_a_number_or_shops(line: Line, how: str) -> None:
    await line.join_all("inside", "a")
    closed = {"closes_at_ms": await line.now_ms() - 1}
    await line.open(**(closed if how == "closed" else {"phase": how}))
    assert await line.states("inside", "a", "stranger") == ["ended"] * 3
    assert (await line.join("late")).state == "ended"
    await line.leave("inside")
    assert await line.passes() == set()
    assert (await line.store.stats(line.slug)).issued == 2


async def test_an_event_without_rules_is_unknown(services: Container) -> None:
    async with fresh_line(services.redis) as nowhere:
        assert (await nowhere.join("a")).state == "unknown"
        assert (await nowhere.poll("a")).state == "unknown"
        assert not await nowhere.leave("a")
        assert await services.redis.exists(*nowhere.keys.values()) == 0


async def test_two_events_know_nothing_of_each_other(line: Line, services: Container) -> None:
    async with fresh_line(services.redis) as other:
        await other.open()
        await other.stock(PLENTY)
        await line.join("a")
        assert (await other.poll("a")).state == "not_joined"
        assert await other.renew("a", 60) == 0
        assert (await other.join("b")).state == "admitted"
        assert await line.passes() == {"a"}


async def test_the_organizer_sees_those_who_wait_silently_too(line: Line) -> None:
    await line.join_all("inside", "a", "b", "c")
    await line.silence("a")
    await line.leave("inside")
    stats = await line.store.stats(line.slug)
    assert (stats.waiting, stats.inside, stats.admitted, stats.left) == (2, 1, 2, 1)
    assert stats.issued == 4


async def test_hundreds_at_once_over_many_connections_are_served_in_the_order_of_their_numbers(
    line: Line, services: Container
) -> None:
    cap, crowd = 3, 120
    await line.open(concurrent_buyers=cap)
    most_inside = 0
    done = asyncio.Event()

    async def watch() -> None:
        nonlocal most_inside
        while not done.is_set():
            most_inside = max(most_inside, await line.redis.zcard(line.keys["passes"]))

    async def attend(store: LineStore, visitor: str) -> int | None:
        answer = await store.join(line.slug, visitor)
        number = answer.number
        while answer.state != "admitted":
            assert answer.state == "waiting"
            assert answer.number == number, "a number was changed or lost"
            answer = await store.poll(line.slug, visitor)
        await store.leave(line.slug, visitor)
        return number

    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(aclosing(_Client(services.settings.redis_url or "")))
            for _ in range(4)
        ]
        watcher = asyncio.create_task(watch())
        numbers = await asyncio.gather(
            *(attend(LineStore(clients[i % 4].redis), f"visitor-{i}") for i in range(crowd))
        )
        done.set()
        await watcher
    waited = [number for number in numbers if number is not None]
    assert len(set(waited)) == len(waited) >= crowd - cap
    assert 0 < most_inside <= cap
    admitted = await line.redis.zrange(line.keys["recent"], 0, -1, withscores=True)
    by_number = sorted((int(number), at) for number, at in admitted)
    assert [number for number, _ in by_number] == list(range(1, crowd + 1))
    moments = [at for _, at in by_number]
    assert moments == sorted(moments)


class _Client:
    """A client with connections of its own, as another worker has."""

    def __init__(self, url: str) -> None:
        self.redis = connect(url, client_name="test-worker")

    async def aclose(self) -> None:
        await self.redis.aclose()


VISITORS = [f"v{i}" for i in range(5)]
ACTIONS = st.one_of(
    st.tuples(
        st.sampled_from(["join", "join", "poll", "poll", "leave", "silence", "expire", "renew"]),
        st.sampled_from(VISITORS),
    ),
    st.tuples(st.just("stock"), st.tuples(st.integers(0, 4), st.integers(0, 3))),
    st.tuples(st.sampled_from(["pause", "resume", "minute"]), st.none()),
)


@settings(max_examples=80, deadline=None)
@given(
    cap=st.integers(1, 2),
    pace=st.sampled_from([None, None, None, 4]),
    actions=st.lists(ACTIONS, min_size=20, max_size=60),
)
async def test_whatever_happens_nobody_who_polls_is_overtaken_and_the_cap_holds(
    services: Container, cap: int, pace: int | None, actions: list[tuple[str, object]]
) -> None:
    async with fresh_line(services.redis) as line:
        game = Game(line, cap=cap, pace=pace)
        await game.resume()
        await game.stock((PLENTY, 0))
        for visitor in VISITORS:
            await game.join(visitor)
        for name, value in actions:
            await getattr(game, name)(*(() if value is None else (value,)))


class Game:
    """Plays actions at random, and after each looks whether the line kept its promises."""

    def __init__(self, line: Line, *, cap: int, pace: int | None) -> None:
        self.line = line
        self.cap = cap
        self.pace = pace
        self.units = 0
        self.is_paused = False
        self.silent: set[str] = set()
        self.inside: set[str] = set()
        self.numbers: dict[str, int] = {}
        self.issued = 0

    async def join(self, visitor: str) -> None:
        self.silent.discard(visitor)
        await self.line.join(visitor)
        await self._check()

    async def poll(self, visitor: str) -> None:
        self.silent.discard(visitor)
        await self.line.poll(visitor)
        await self._check()

    async def leave(self, visitor: str) -> None:
        self.silent.discard(visitor)
        await self.line.leave(visitor)
        await self._check()

    async def silence(self, visitor: str) -> None:
        if visitor in self.numbers:
            await self.line.silence(visitor)
            self.silent.add(visitor)

    async def expire(self, visitor: str) -> None:
        await self.line.expire(visitor)
        self.inside.discard(visitor)

    async def renew(self, visitor: str) -> None:
        before = await self.line.passes()
        assert bool(await self.line.renew(visitor, 600)) == (visitor in self.inside)
        assert await self.line.passes() == before

    async def stock(self, counts: tuple[int, int]) -> None:
        available, holders = counts
        self.units = available + holders
        await self.line.stock(available, held=holders, holders=holders)

    async def pause(self) -> None:
        await self._publish(is_paused=True)

    async def resume(self) -> None:
        await self._publish(is_paused=False)

    async def minute(self) -> None:
        await self.line.let_a_minute_pass_since_admissions()

    async def _publish(self, *, is_paused: bool) -> None:
        self.is_paused = is_paused
        await self.line.open(
            concurrent_buyers=self.cap, admissions_per_minute=self.pace, paused=is_paused
        )

    async def _check(self) -> None:
        passes, numbers = await self.line.passes(), await self.line.numbers()
        issued = (await self.line.store.stats(self.line.slug)).issued
        recent = await self.line.redis.zcard(self.line.keys["recent"])
        limit = min(self.cap, self.units)
        self._check_numbers(passes, numbers, issued)
        admitted = passes - self.inside
        if admitted:
            assert not self.is_paused
            assert len(passes) <= limit
            called = max(self.numbers.get(who, issued) for who in admitted)
            lower = {who for who, number in numbers.items() if number < called}
            assert lower <= self.silent, "someone who polls was overtaken"
        assert self.pace is None or recent <= self.pace
        is_slow = self.pace is not None and recent == self.pace
        if len(passes) < limit and not is_slow and not self.is_paused:
            assert set(numbers) <= self.silent, "someone waits beside a free place"
        self.inside, self.numbers, self.issued = passes, numbers, issued

    def _check_numbers(self, passes: set[str], numbers: dict[str, int], issued: int) -> None:
        assert not passes & set(numbers), "someone inside still has a number"
        assert issued - self.issued in {0, 1}
        fresh = {who: number for who, number in numbers.items() if self.numbers.get(who) != number}
        assert set(fresh.values()) <= ({issued} if issued > self.issued else set())
        assert len(set(numbers.values())) == len(numbers)


@pytest.fixture
def limiter(services: Container) -> RateLimiter:
    return RateLimiter(services.redis, enabled=True)


def _limit(*, per_minute: int = 60, burst: int = 3) -> Limit:
    return Limit(f"test-{secrets.token_hex(6)}", per_minute=per_minute, burst=burst)


async def _let_pass(services: Container, limit: Limit, subject: str, seconds: float) -> None:
    key = keys.limit(subject, limit.scope, subject)
    arrival = int(await services.redis.get(key) or 0) - int(seconds * 1_000_000)
    await services.redis.set(key, arrival, keepttl=True)


async def test_a_burst_passes_and_the_next_call_waits(limiter: RateLimiter) -> None:
    limit = _limit()
    for _ in range(3):
        await limiter.check(limit, "a")
    with pytest.raises(RateLimited) as caught:
        await limiter.check(limit, "a")
    assert caught.value.retry_after_seconds == 1
    assert caught.value.document()["retry_after_seconds"] == 1


async def test_everyone_is_counted_alone(limiter: RateLimiter) -> None:
    limit = _limit(burst=1)
    await limiter.check(limit, "a")
    await limiter.check(limit, "b")
    await limiter.check(_limit(burst=1), "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")


async def test_refused_calls_cost_nothing(limiter: RateLimiter, services: Container) -> None:
    limit = _limit(per_minute=6, burst=2)
    for _ in range(2):
        await limiter.check(limit, "a")
    for _ in range(20):
        with pytest.raises(RateLimited) as caught:
            await limiter.check(limit, "a")
        assert caught.value.retry_after_seconds <= 10
    await _let_pass(services, limit, "a", 10)
    await limiter.check(limit, "a")


async def test_the_pace_is_kept_and_the_burst_comes_back_in_time(
    limiter: RateLimiter, services: Container
) -> None:
    limit = _limit(per_minute=60, burst=3)
    for _ in range(3):
        await limiter.check(limit, "a")
    await _let_pass(services, limit, "a", 1)
    await limiter.check(limit, "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")
    await _let_pass(services, limit, "a", 100)
    for _ in range(3):
        await limiter.check(limit, "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")


async def test_a_hundred_calls_at_once_pass_exactly_the_burst(limiter: RateLimiter) -> None:
    limit = _limit(per_minute=1, burst=7)
    results = await asyncio.gather(
        *(limiter.check(limit, "a") for _ in range(100)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 7
    assert {type(result) for result in results if result is not None} == {RateLimited}


async def test_what_a_limiter_notes_is_forgotten_by_itself(
    limiter: RateLimiter, services: Container
) -> None:
    limit = _limit(per_minute=60, burst=3)
    await limiter.check(limit, "a")
    assert 0 < await services.redis.pttl(keys.limit("a", limit.scope, "a")) <= 1_100


async def test_switched_off_it_lets_everything_pass(services: Container) -> None:
    limit = _limit(burst=1)
    free = RateLimiter(services.redis, enabled=False)
    for _ in range(5):
        await free.check(limit, "a")
