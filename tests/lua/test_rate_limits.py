"""Rate limits on a real Redis, whose clock is moved by moving what was noted."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress

import pytest
from redis.asyncio import Redis

from surge_app.errors import RateLimited
from surge_app.kv import keys, rate_limits
from surge_app.kv.rate_limits import Limit, RateLimiter


@pytest.fixture
def limiter(redis: Redis) -> RateLimiter:
    return RateLimiter(redis, enabled=True)


def _limit(*, per_minute: int = 1, burst: int = 3) -> Limit:
    """Return a limit that gives no call back while a test runs, however slow the machine is."""
    return Limit(f"test-{secrets.token_hex(6)}", per_minute=per_minute, burst=burst)


async def _let_pass(redis: Redis, limit: Limit, subject: str, seconds: float) -> None:
    key = keys.limit(subject, limit.scope, subject)
    arrival = int(await redis.get(key) or 0) - int(seconds * 1_000_000)
    await redis.set(key, arrival, keepttl=True)


async def test_a_burst_passes_and_the_next_call_waits(limiter: RateLimiter) -> None:
    limit = _limit()
    for _ in range(3):
        await limiter.check(limit, "a")
    with pytest.raises(RateLimited) as caught:
        await limiter.check(limit, "a")
    assert 1 < caught.value.retry_after_seconds <= 60
    told = caught.value.document()["retry_after_seconds"]
    assert told == caught.value.retry_after_seconds


async def test_a_clock_that_was_set_back_locks_nobody_out(
    limiter: RateLimiter, redis: Redis
) -> None:
    limit = _limit()
    for _ in range(3):
        await limiter.check(limit, "a")
    # As if two hours had been taken back.
    await _let_pass(redis, limit, "a", -7200)
    with pytest.raises(RateLimited) as caught:
        await limiter.check(limit, "a")
    assert 1 < caught.value.retry_after_seconds <= 60


async def test_a_refusal_is_remembered_without_redis_until_a_call_is_taken_back(
    limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "_REMEMBER_SECONDS", 3_600)
    slow, other = _limit(burst=1), _limit(burst=100)
    await limiter.check_all("a", (other, "b"), (slow, "a"))
    limiter.check_refused("a", (other, "b"), (slow, "a"))
    with pytest.raises(RateLimited):
        await limiter.check_all("a", (other, "b"), (slow, "a"))
    # Only the limit that demanded the wait refuses, and only its subject.
    limiter.check_refused("a", (other, "b"), (slow, "b"))
    with pytest.raises(RateLimited):
        limiter.check_refused("a", (other, "b"), (slow, "a"))
    await limiter.forgive("a", (slow, "a"))
    limiter.check_refused("a", (slow, "a"))


async def test_refusals_of_many_subjects_are_remembered_for_a_bounded_number(
    limiter: RateLimiter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limits, "_MAX_REMEMBERED", 2)
    limit = _limit(burst=1)
    for subject in ("a", "a", "b", "b", "c", "c"):
        with suppress(RateLimited):
            await limiter.check(limit, subject)
    assert len(limiter._refused) == 2


async def test_everyone_is_counted_alone(limiter: RateLimiter) -> None:
    limit = _limit(burst=1)
    await limiter.check(limit, "a")
    await limiter.check(limit, "b")
    await limiter.check(_limit(burst=1), "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")


async def test_refused_calls_cost_nothing(limiter: RateLimiter, redis: Redis) -> None:
    limit = _limit(burst=2)
    for _ in range(2):
        await limiter.check(limit, "a")
    for _ in range(20):
        with pytest.raises(RateLimited) as caught:
            await limiter.check(limit, "a")
        assert caught.value.retry_after_seconds <= 60
    await _let_pass(redis, limit, "a", 60)
    await limiter.check(limit, "a")


async def test_the_pace_is_kept_and_the_burst_comes_back_in_time(
    limiter: RateLimiter, redis: Redis
) -> None:
    limit = _limit(burst=3)
    for _ in range(3):
        await limiter.check(limit, "a")
    await _let_pass(redis, limit, "a", 60)
    await limiter.check(limit, "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")
    await _let_pass(redis, limit, "a", 6_000)
    for _ in range(3):
        await limiter.check(limit, "a")
    with pytest.raises(RateLimited):
        await limiter.check(limit, "a")


async def test_a_hundred_calls_at_once_pass_exactly_the_burst(limiter: RateLimiter) -> None:
    limit = _limit(burst=7)
    results = await asyncio.gather(
        *(limiter.check(limit, "a") for _ in range(100)), return_exceptions=True
    )
    assert sum(result is None for result in results) == 7
    assert {type(result) for result in results if result is not None} == {RateLimited}


async def test_what_a_limiter_notes_is_forgotten_by_itself(
    limiter: RateLimiter, redis: Redis
) -> None:
    limit = _limit(per_minute=60, burst=3)
    await limiter.check(limit, "a")
    assert 0 < await redis.pttl(keys.limit("a", limit.scope, "a")) <= 1_100


async def test_switched_off_it_lets_everything_pass(redis: Redis) -> None:
    limit = _limit(burst=1)
    free = RateLimiter(redis, enabled=False)
    for _ in range(5):
        await free.check(limit, "a")
