"""The public documents of a queue from two living nodes, behind the cache of the shipped nginx."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bench.stack import Node, Stack, new_slug, two_nodes
from surge_app.clock import utc_now
from surge_app.services.access.signing_keys import is_signed, read_jwk_set
from surge_app.services.waiting_room.log_verification import LogReport, verify_log
from tests.conftest import Customer, eventually

pytestmark = pytest.mark.nightly

# A line of the log is written once a minute, and a cache keeps a copy for half of one.
_LOG_SECONDS = 240
_NewVisitors = Callable[[int], Awaitable[list[Customer]]]


@pytest.fixture(scope="module")
def stack() -> Generator[Stack]:
    with two_nodes() as made:
        yield made


@pytest.fixture
def slug(stack: Stack) -> str:
    """A sale with room for two at a time."""
    name = new_slug("cached")
    new = {
        "slug": name,
        "name": "Cached",
        "venue": "Here",
        "starts_at": (utc_now() + timedelta(days=1)).isoformat(),
        "tiers": [{"name": "General", "price_paise": 50_000, "units": 100}],
        "concurrent_buyers": 2,
        "challenge": "off",
    }
    node = stack.nodes[0]
    organizer = (stack.settings.admin_user, stack.settings.admin_password or "")
    url = f"{node.url}/api/admin/events"
    answer = httpx.post(url, json=new, auth=organizer, timeout=30)
    assert answer.is_success, answer.text
    return name


@pytest_asyncio.fixture
async def cache(stack: Stack) -> AsyncGenerator[httpx.AsyncClient]:
    """A stranger without cookies, who reads what the cache has."""
    async with _browser(stack) as client:
        yield client


@pytest_asyncio.fixture
async def new_visitors(stack: Stack, slug: str) -> AsyncGenerator[_NewVisitors]:
    """Let so many visitors join through the proxy, each with a browser of their own."""
    async with AsyncExitStack() as opened:

        async def join(count: int) -> list[Customer]:
            browsers = [await opened.enter_async_context(_browser(stack)) for _ in range(count)]
            joined = [Customer(browser, slug) for browser in browsers]
            for visitor in joined:
                await visitor.join()
            return joined

        yield join


def _browser(stack: Stack) -> httpx.AsyncClient:
    assert stack.proxy is not None
    return httpx.AsyncClient(base_url=stack.url, verify=stack.proxy.trust(), timeout=30)


async def test_two_nodes_answer_as_one_behind_a_cache_and_one_of_them_may_die(
    stack: Stack, slug: str, cache: httpx.AsyncClient, new_visitors: _NewVisitors
) -> None:
    visitors = await new_visitors(20)
    await _check_same_answers(stack, slug, cache)
    await _check_positions(slug, cache, visitors)
    await visitors.pop(15).http.delete(f"/api/queue/{slug}")
    await _check_positions(slug, cache, visitors)
    lines = await _written_log(slug, cache, visitors, lambda report: report.left == 1)

    leading = await asyncio.to_thread(stack.leader)
    dead = next(node for node in stack.nodes if leading.pid in _pids(node))
    await asyncio.to_thread(dead.kill)
    await visitors.pop(16).http.delete(f"/api/queue/{slug}")
    visitors += await new_visitors(5)
    await _check_positions(slug, cache, visitors)
    later = await _written_log(
        slug, cache, visitors, lambda report: (report.issued, report.left) == (25, 2)
    )
    assert later[: len(lines)] == lines
    entries = [json.loads(line.rpartition(" ")[0]) for line in later]
    assert [entry["seq"] for entry in entries] == list(range(1, len(later) + 1))
    issued = [entry["issued"] for entry in entries if "issued" in entry]
    assert [first for first, _ in issued] == [1, *(last + 1 for _, last in issued[:-1])]
    assert not any("gap" in entry for entry in entries)


async def _check_same_answers(stack: Stack, slug: str, cache: httpx.AsyncClient) -> None:
    """Both nodes and the cache tell the same, signed, and the cache has documents of either."""
    path = f"/api/queue/{slug}/public"
    keys = read_jwk_set((await cache.get("/api/tickets/keys")).json()["keys"])
    bodies: dict[str, bytes] = {}
    tags: list[set[str]] = [set(), set(), set()]
    async with AsyncExitStack() as opened:
        nodes = [
            await opened.enter_async_context(httpx.AsyncClient(base_url=node.url, timeout=30))
            for node in stack.nodes
        ]

        async def is_same() -> bool:
            answers = await asyncio.gather(*(source.get(path) for source in (*nodes, cache)))
            for seen, answer in zip(tags, answers, strict=True):
                assert answer.status_code == 200, answer.text
                assert "set-cookie" not in answer.headers
                assert is_signed(answer.content, answer.headers["surge-signature"], keys)
                tag = answer.headers["etag"]
                assert bodies.setdefault(tag, answer.content) == answer.content
                seen.add(tag)
            # They differ in the moment at which a node looked, and in what follows from it.
            facts = [
                {name: answer.json()[name] for name in ("start", "issued", "blocks")}
                for answer in answers
            ]
            a, b, cached = tags
            is_equal = facts[0]["issued"] == 20 and facts.count(facts[0]) == len(facts)
            return is_equal and bool(cached & a - b) and bool(cached & b - a)

        await eventually(is_same, within_seconds=120, about="the same answer of both nodes")


async def _check_positions(slug: str, cache: httpx.AsyncClient, visitors: list[Customer]) -> None:
    """A page computes from the cache alone what the node tells its visitor."""

    async def is_exact() -> bool:
        told = await _poll(visitors)
        ahead = {one["number"]: one["ahead"] for one in told if one["state"] == "waiting"}
        assert len(ahead) > 4
        public = (await cache.get(f"/api/queue/{slug}/public")).json()
        return {number: await _computed(slug, cache, public, number) for number in ahead} == ahead

    await eventually(is_exact, within_seconds=120, about="the exact position")


async def _computed(
    slug: str, cache: httpx.AsyncClient, public: dict[str, Any], number: int
) -> int:
    blocks = public["blocks"]
    index, offset = divmod(number, blocks["size"])
    path = f"/api/queue/{slug}/public/{blocks['size']}-{index}"
    bits = base64.b64decode((await cache.get(path)).json()["bits"])
    before = int.from_bytes(bits) >> (blocks["size"] - offset)
    return blocks["ahead"][index - blocks["first"]] + before.bit_count()


async def _written_log(
    slug: str,
    cache: httpx.AsyncClient,
    visitors: list[Customer],
    is_complete: Callable[[LogReport], bool],
) -> list[str]:
    """Wait until the nodes have written what happened, while all visitors keep polling."""
    keys = read_jwk_set((await cache.get("/api/tickets/keys")).json()["keys"])
    lines: list[str] = []

    async def is_written() -> bool:
        await _poll(visitors)
        answer = await cache.get(f"/api/queue/{slug}/log")
        assert answer.status_code == 200, answer.text
        lines[:] = answer.text.splitlines()
        report = verify_log(lines, keys)
        assert report.problems == []
        return is_complete(report)

    await eventually(is_written, within_seconds=_LOG_SECONDS, about="the log")
    return lines


async def _poll(visitors: list[Customer]) -> list[dict[str, Any]]:
    return [dict(one) for one in await asyncio.gather(*(visitor.poll() for visitor in visitors))]


def _pids(node: Node) -> set[int]:
    return {worker.pid for worker in node.workers()}
