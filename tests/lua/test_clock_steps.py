"""The clock of Redis is set: queue, passes and turns go on as if no time had passed."""

from __future__ import annotations

import pytest

from surge_app.kv import keys
from surge_app.kv.admission import JoinStore
from tests.lua.queue_clock import MINUTE_MS, SECOND_MS, Queue

_STEPS = [600, -600]


@pytest.mark.parametrize("seconds", _STEPS)
async def test_passes_keep_what_they_had_left(queue: Queue, seconds: int) -> None:
    await queue.open(concurrent_buyers=3)
    assert await queue.states(*"abc") == ["not_joined"] * 3
    await queue.join_all(*"abcd")
    before = await queue.hold("a")
    await queue.step_clock(seconds)
    assert await queue.states(*"abcd") == [*["admitted"] * 3, "waiting"]
    ends = [(await queue.poll(visitor)).pass_ends_ms for visitor in "ab"]
    now = await queue.now_ms()
    left = [round((end or 0) / SECOND_MS - now / SECOND_MS) for end in ends]
    assert before > now - abs(seconds) * SECOND_MS
    assert 300 < left[0] <= 361
    assert 60 < left[1] <= 121
    assert await queue.passes() == set("abc")


@pytest.mark.parametrize("seconds", _STEPS)
async def test_passes_last_when_nobody_waits(queue: Queue, seconds: int) -> None:
    await queue.join("a")
    await queue.step_clock(seconds)
    answer = await queue.poll("a")
    assert (answer.state, answer.queue.is_recovering) == ("admitted", False)
    assert await queue.renew("a", 240) > await queue.now_ms() + 200 * SECOND_MS


@pytest.mark.parametrize("seconds", _STEPS)
async def test_a_pass_in_its_grace_keeps_it(queue: Queue, seconds: int) -> None:
    await queue.join_all("a", "b")
    await queue.end_hold("a")
    await queue.step_clock(seconds)
    assert (await queue.poll("a")).state == "admitted"


@pytest.mark.parametrize("seconds", _STEPS)
async def test_who_was_called_may_still_come(queue: Queue, seconds: int) -> None:
    await queue.join_all("a", "b")
    await queue.leave("a")
    assert await queue.called() == [2]
    await queue.step_clock(seconds)
    assert (await queue.poll("b")).state == "admitted"


async def test_after_a_step_back_a_silent_pass_ends_as_soon_as_before(queue: Queue) -> None:
    await queue.join_all("silent", "next")
    await queue.step_clock(-600)
    await queue.poll("next")
    await queue.end_recovery()
    lease = await queue.redis.zscore(queue.keys["passes"], "silent")
    assert 0 < (lease or 0) - await queue.now_ms() <= 121 * SECOND_MS
    await queue.expire("silent")
    assert (await queue.poll("next")).state == "admitted"


async def test_after_a_step_back_absent_visitors_are_skipped_again(queue: Queue) -> None:
    await queue.join_all("inside", "gone", "next")
    await queue.step_clock(-600)
    await queue.poll("next")
    await queue.end_recovery()
    # Everyone had as long to poll since as after any interruption.
    returned = await queue.now_ms() - 76 * SECOND_MS
    await queue.redis.hset(queue.keys["counters"], "returned", str(returned))
    await queue.poll("next")
    await queue.leave("inside")
    assert (await queue.poll("next")).state == "admitted"


async def test_after_a_step_back_the_pace_of_a_minute_stays(queue: Queue) -> None:
    await queue.open(concurrent_buyers=9, admissions_per_minute=2)
    await queue.join_all("a", "b", "c")
    await queue.step_clock(-600)
    await queue.poll("c")
    await queue.end_recovery()
    assert (await queue.poll("c")).state == "waiting"
    await queue.let_a_minute_pass_since_admissions()
    assert (await queue.poll("c")).state == "admitted"


async def test_a_step_back_while_the_queue_recovers_does_not_lengthen_it(queue: Queue) -> None:
    await queue.join_all("inside", "a")
    await queue.stand_still(60)
    assert (await queue.poll("a")).queue.is_recovering
    await queue.step_clock(-600)
    until = (await queue.poll("a")).queue.now_ms + 20 * SECOND_MS
    noted = await queue.redis.hget(queue.keys["counters"], "recovering_until")
    assert int(noted or 0) <= until


async def test_after_a_step_back_a_rush_ends_in_a_minute(queue: Queue) -> None:
    await queue.open(challenge="auto")
    in_an_hour = await queue.now_ms() + 60 * MINUTE_MS
    pressure = keys.pressure(queue.slug)
    await queue.redis.hset(pressure, "until_ms", str(in_an_hour))
    decision = await JoinStore(queue.redis).check_join(queue.slug, "a", None, (), ())
    assert decision.outcome == "challenge"
    until = int(await queue.redis.hget(pressure, "until_ms") or 0)
    assert until <= await queue.now_ms() + MINUTE_MS
