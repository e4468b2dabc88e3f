"""One node and two behind the shipped nginx: polls and holds per second, and what limits each.

Everything is on this machine, the client too, so two nodes share the cores that one had. What it
shows is what a node, the proxy and the servers cost for each request, in processor time.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import psutil

from bench.harness import Pace, open_sale, pace
from bench.seed_queue import crowd
from bench.stack import Stack, two_nodes
from surge_app.container import Container, running
from surge_app.kv import keys
from surge_app.services.access.identity import Visitor

_CALLERS = 32
_POLLS, _HOLDS = 12_000, 3_000
_WAITING = 20_000
_VISITORS = 1_000
_PASS_SECONDS = 3600
_Request = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Front:
    """Where requests go: a node itself, or the proxy."""

    title: str
    port: int
    trust: ssl.SSLContext | None


def main() -> None:
    """Start two nodes; measure one by itself, one behind the proxy, and both behind it."""
    with two_nodes() as stack:
        asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> None:
    assert stack.proxy is not None
    proxy = Front("both behind nginx, TLS", stack.proxy.port, stack.proxy.trust())
    alone = Front("one by itself", stack.nodes[0].settings.port, None)
    async with running(stack.settings, process="bench") as services:
        await _round(stack, services, alone)
        await _round(stack, services, proxy)
        stack.nodes[1].stop()
        await _round(stack, services, Front("one behind nginx, TLS", proxy.port, proxy.trust))


async def _round(stack: Stack, services: Container, front: Front) -> None:
    slug = await crowd(services.redis, _WAITING)
    polls = _polls(services, slug)
    await _report(stack, front, "polls", _POLLS, b'"state":"waiting"', lambda: next(polls))
    holds = await _holds(services, _HOLDS + _CALLERS * 5)
    await _report(stack, front, "holds", _HOLDS, b'"status":"held"', lambda: next(holds))


async def _report(
    stack: Stack, front: Front, what: str, calls: int, expected: bytes, request: _Request
) -> None:
    before = _used(stack)
    found = await _paced(front, request, expected, calls)
    spent = {name: after - before[name] for name, after in _used(stack).items()}
    each = ", ".join(
        f"{name} {1000 * seconds / (calls + _CALLERS * 5):.2f} ms"
        for name, seconds in sorted(spent.items())
        if seconds > 0.005
    )
    print(
        f"{what}, {front.title}: {found.per_second:6,.0f}/s (p50 {found.p50_ms:.0f} ms, "
        f"p99 {found.p99_ms:.0f} ms); processor time for each: {each}",
        flush=True,
    )


def _used(stack: Stack) -> defaultdict[str, float]:
    """Return the seconds of processor each part has used, the client among them."""
    parts = {
        "nodes": [one for node in stack.nodes for one in node.serving()],
        "nginx": stack.proxy.processes() if stack.proxy else [],
        "PgBouncer": stack.pooler.processes() if stack.pooler else [],
        "Postgres": stack.servers("postgres"),
        "Redis": stack.servers("redis-server"),
        "client": [psutil.Process(os.getpid())],
    }
    used: defaultdict[str, float] = defaultdict(float)
    for name, processes in parts.items():
        for one in processes:
            with suppress(psutil.Error):
                times = one.cpu_times()
                used[name] += times.user + times.system
    return used


def _polls(services: Container, slug: str) -> Iterator[bytes]:
    made: list[bytes] = []
    for number in range(1, _VISITORS + 1):
        visitor = Visitor(services.identity.new_visitor().id, {slug: number * 20})
        cookie = services.identity.set_queue_cookie(visitor).header.partition(";")[0]
        made.append(_request("GET", f"/api/queue/{slug}", cookie))
    at = 0
    while True:
        yield made[at % len(made)]
        at += 1


async def _holds(services: Container, count: int) -> Iterator[bytes]:
    sale = await open_sale(services, units=count)
    identity = services.identity
    body = json.dumps({"lines": [{"tier_id": sale.tier_id, "quantity": 1}]})
    ends = (time.time() + _PASS_SECONDS) * 1000
    visitors: dict[str, float] = {}
    made: list[bytes] = []
    for _ in range(count):
        visitor_id = (visitor := identity.new_visitor()).id
        cookies = identity.set_queue_cookie(visitor).header.partition(";")[0]
        shopping = identity.set_pass_cookie(cookies, visitor_id, sale.slug).header.partition(";")[0]
        path = f"/api/events/{sale.slug}/intents"
        made.append(_request("POST", path, f"{cookies}; {shopping}", body))
        visitors[visitor_id] = ends
    await services.redis.zadd(keys.part(sale.slug, "passes"), visitors)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    return iter(made)


def _request(method: str, path: str, cookies: str, body: str = "") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Cookie: {cookies}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


async def _paced(front: Front, request: _Request, expected: bytes, calls: int) -> Pace:
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    name = "localhost" if front.trust else None
    for _ in range(_CALLERS):
        connected = asyncio.open_connection(
            "127.0.0.1", front.port, ssl=front.trust, server_hostname=name
        )
        free.put_nowait(await connected)

    async def call() -> None:
        reader, writer = free.get_nowait()
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        answer = await reader.readexactly(int(length))
        assert expected in answer, head + answer
        free.put_nowait((reader, writer))

    found = await pace(call, callers=_CALLERS, calls=calls, warm_up=_CALLERS * 5)
    while not free.empty():
        free.get_nowait()[1].close()
    return found
