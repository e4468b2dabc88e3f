"""What one waiting visitor costs in memory: in Redis until admitted, and in a worker."""

from __future__ import annotations

import asyncio
import secrets
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest

from surge_app.container import Container
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.admission import JoinAttempt
from surge_app.services.waiting_room.proof_of_work import solve
from tests.conftest import eventually

NewLine = Callable[..., Awaitable[str]]

_MANY = 1_000
_MAX_IN_REDIS, _MAX_IN_WORKER = 200, 1_000


async def _used(services: Container, slug: str) -> int:
    """Return the bytes of all keys of an event, and of what it counts by network and visitor."""
    found = 0
    async for key in services.redis.scan_iter(f"*{slug}*", count=1_000):
        found += await services.redis.memory_usage(key, samples=0) or 0
    return found


async def _is_calm(services: Container, slug: str) -> bool:
    """Whether the limits of the visitors' last calls, which live for seconds, are gone."""
    return not [key async for key in services.redis.scan_iter(f"*{slug}*limit*", count=1_000)]


async def _join(services: Container, slug: str, *, proves: bool) -> Visitor:
    visitor = services.identity.new_visitor()
    part = [secrets.randbelow(256) for _ in range(3)]
    attempt = JoinAttempt(slug, visitor.id, "198.{}.{}.{}".format(*part), opened_ms=60_000)
    if proves:
        challenge = services.joins._proof_of_work.issue(slug, visitor.id, hashes=1, suspicion=2)
        attempt = JoinAttempt(
            slug, visitor.id, attempt.address, opened_ms=60_000, solution=solve(challenge)
        )
    status = await services.joins.join(attempt)
    return Visitor(visitor.id, {slug: status.number or 0})


@pytest.mark.parametrize("challenge", ["off", "always"])
async def test_a_waiting_visitor_costs_redis_at_most_200_bytes(
    services: Container, new_line: NewLine, challenge: str
) -> None:
    slug = await new_line(challenge=challenge)
    before = await _used(services, slug)
    for _ in range(_MANY // 50):
        await asyncio.gather(
            *(_join(services, slug, proves=challenge == "always") for _ in range(50))
        )
    assert (await services.waiting_room.stats(slug)).waiting >= _MANY - 1
    await eventually(lambda: _is_calm(services, slug), about="limits that expire")
    used = (await _used(services, slug) - before) / _MANY
    assert used <= _MAX_IN_REDIS


async def test_a_waiting_visitor_costs_a_worker_at_most_1000_bytes(
    services: Container, new_line: NewLine
) -> None:
    slug = await new_line(concurrent_buyers=1)
    identity, snapshots = services.identity, services.waiting_room.snapshots
    await snapshots.wait_for_next(slug)
    visitors = [await _join(services, slug, proves=False) for _ in range(_MANY)]
    cookies = [
        identity.set_queue_cookie(one, slug, one.queue_numbers[slug]).header.partition(";")[0]
        for one in visitors
    ]
    snapshot = await snapshots.wait_for_next(slug)
    answered = 0
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for cookie in cookies:
            # As a poll does it; the header is a text of its own for each request.
            visitor = identity.visitor("".join(cookie))
            answered += snapshots.render(slug, snapshot, visitor) is not None
        used = (tracemalloc.get_traced_memory()[0] - before) / _MANY
    finally:
        tracemalloc.stop()
    assert answered > _MANY * 0.9
    assert 0 < used <= _MAX_IN_WORKER
