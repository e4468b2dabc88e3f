"""Every script on a real Redis Cluster of three nodes: all keys of an event are on one of them."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Generator
from datetime import timedelta
from hashlib import sha1
from typing import Any, cast

import pytest
import pytest_asyncio
from redis import Redis as PlainRedis
from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster

from surge_app.errors import RateLimited
from surge_app.kv.admission import JoinStore, PowProof
from surge_app.kv.client import connect, has_old_nodes, read_script
from surge_app.kv.moves import MoveSecret, MoveStore
from surge_app.kv.queue import QueueStock
from surge_app.kv.queue_log import QueueLogStore
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.services.waiting_room.lottery import positions, shuffle
from tests.conftest import ROOT, eventually
from tests.lua.queue_clock import MINUTE_MS, Queue
from tests.redis_server import RedisServer, cluster_of_three

_MINUTE = timedelta(minutes=1)
_PRELUDES = {"numbers", "queue", "gcra"}


def _hashes() -> dict[str, str]:
    """Return the hash of every script, its prelude joined in as its first lines say."""
    folder = ROOT / "surge_app" / "kv" / "lua"
    found: dict[str, str] = {}
    for path in folder.glob("*.lua"):
        source = path.read_text("utf-8")
        prelude = re.search(r"Needs the prelude `(\w+)`", source)
        if path.stem not in _PRELUDES:
            assert prelude, path
            sent = read_script(prelude[1], path.stem)
            found[path.stem] = sha1(sent.encode()).hexdigest()
    return found


_SCRIPTS = _hashes()


@pytest.fixture(scope="module")
def nodes() -> Generator[list[RedisServer]]:
    """Three nodes that share the slots."""
    with cluster_of_three() as formed:
        yield formed


@pytest_asyncio.fixture
async def cluster(nodes: list[RedisServer]) -> AsyncGenerator[Redis]:
    client = RedisCluster(host="127.0.0.1", port=nodes[0].port, decode_responses=True)
    yield cast("Redis", client)
    await client.aclose()


async def test_every_script_runs_on_a_cluster(cluster: Redis, nodes: list[RedisServer]) -> None:
    for number in range(6):
        await _wait_in_line(cluster, f"gala-{number}")
        await _attempt_to_join(cluster, f"rush-{number}")
    await _draw(cluster)
    await _limit(cluster)
    run: set[str] = set()
    for node in nodes:
        with PlainRedis(unix_socket_path=str(node.socket)) as client:
            known = cast("list[bool]", client.script_exists(*_SCRIPTS.values()))
        run |= {name for name, is_known in zip(_SCRIPTS, known, strict=True) if is_known}
    assert run == set(_SCRIPTS)


async def test_a_node_of_the_release_before_is_found_on_any_server_of_a_cluster(
    cluster: Redis, nodes: list[RedisServer]
) -> None:
    async def is_found() -> bool:
        return await has_old_nodes(cluster)

    async def is_gone() -> bool:
        return not await has_old_nodes(cluster)

    await eventually(is_gone, about="a cluster without clients of others")
    for node in nodes:
        before = connect(node.url, client_name="surge-web-1")
        await before.ping()
        assert await is_found()
        await before.aclose()
        await eventually(is_gone, about="the end of the client")


async def _wait_in_line(cluster: Redis, slug: str) -> None:
    queue = Queue(cluster, slug)
    await queue.open(concurrent_buyers=1)
    await queue.stock(QueueStock(100, 0, 0, 0))
    await queue.join_all("inside", "a", "b")
    assert (await queue.snapshot(2, 3)).queue.waiting == 2
    assert await QueueLogStore(cluster).read(slug, start=-1, offset=0) is not None
    assert await queue.renew("inside", 600) > 0
    await queue.step_aside("inside")
    await queue.hold("inside")
    await queue.end_hold("inside")
    await queue.leave("inside")
    assert await queue.states("a", "b") == ["admitted", "waiting"]
    await queue.store.grant(queue.slug, "c", lease=_MINUTE)
    await _move(cluster, slug)
    assert (await queue.store.locate(queue.slug, 1)).status == "left"
    assert sorted(await queue.store.revoke(queue.slug, None)) == ["a", "c"]
    assert (await queue.stats()).admitted == 4


async def _move(cluster: Redis, slug: str) -> None:
    moves = MoveStore(cluster)
    link, short = MoveSecret("aa", ""), MoveSecret("bb", "")
    for visitor, other in (("b", "phone"), ("phone", "b")):
        assert await moves.offer(slug, visitor, link, short, life=_MINUTE)
        await moves.withdraw(slug, visitor)
        assert (await moves.take(slug, "bb", other, "take")).outcome == "wrong"
        assert await moves.offer(slug, visitor, link, short, life=_MINUTE)
        assert (await moves.take(slug, "bb", other, "take")).outcome == "moved"


async def _attempt_to_join(cluster: Redis, slug: str) -> None:
    queue, store = Queue(cluster, slug), JoinStore(cluster)
    await queue.open(challenge="always")
    own = [(Limit("visitor", per_minute=60, burst=4), "v")]
    shared = [(Limit("network", per_minute=60, burst=3), "203.0.113.0/24")]

    async def outcome(proof: PowProof | None = None, visitor: str = "v") -> str:
        return (await store.check_join(slug, visitor, proof, own, shared)).outcome

    proof = PowProof("solved", valid_for=_MINUTE)
    assert [await outcome(), await outcome(proof), await outcome(proof)] == [
        *("challenge", "proved", "challenge"),
    ]
    assert await outcome() == "limited"
    await store.remember_proof(slug, "w")
    assert (await store.check_join(slug, "w", None, [], [])).outcome == "proved"
    await queue.join("v")
    assert (await store.check_join(slug, "v", None, [], [])).outcome == "known"


async def _draw(cluster: Redis) -> None:
    queue = Queue(cluster, "drawn")
    rules: dict[str, Any] = {"queue_order": "random", "seed": "s"}
    await queue.open(opens_at_ms=await queue.now_ms() + MINUTE_MS, **rules)
    await queue.join_all("a", "b", "c")
    await queue.open(opens_at_ms=await queue.now_ms() - 1, **rules)
    numbers = shuffle("s", 3)
    assert await queue.store.draw_order(queue.slug, positions=positions(numbers), numbers=numbers)
    assert list(await queue.store.drawn_order(queue.slug))[3::4] == positions(numbers)
    assert await queue.called() == numbers[:1]
    # Their numbers take more than one key.
    await queue.join_all(*(f"later-{number}" for number in range(200)))
    assert (await queue.poll("later-0")).number == 4
    assert int(await cluster.hget(queue.keys["counters"], "buckets") or 0) > 1


async def _limit(cluster: Redis) -> None:
    limiter = RateLimiter(cluster, enabled=True)
    for subject in "abcdef":
        await limiter.check(Limit("test", per_minute=1, burst=1), subject)
        with pytest.raises(RateLimited):
            await limiter.check(Limit("test", per_minute=1, burst=1), subject)
        once = (Limit("test", per_minute=1, burst=1), f"{subject}-failures")
        await limiter.check_all("failures", once)
        await limiter.forgive("failures", once)
        await limiter.check_all("failures", once)
