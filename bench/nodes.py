"""One node and two behind the shipped nginx: polls and holds per second, and what limits each.

Everything is on this machine, the client too, so two nodes share the cores that one had. What it
shows is what a node, the proxy and the servers cost for each request, in processor time.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.connections import Connections, holds, paced, request
from bench.seed_queue import crowd
from bench.stack import Stack, two_nodes
from surge_app.container import Container, running
from surge_app.services.access.identity import Visitor

_CALLERS = 32
_POLLS, _HOLDS = 12_000, 3_000
_WAITING = 20_000
_VISITORS = 1_000


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
    await _report(stack, front, "polls", _POLLS, b'"state":"waiting"', polls.__next__)
    purchases = iter(await holds(services, _HOLDS + _CALLERS * 5))
    await _report(stack, front, "holds", _HOLDS, b'"status":"held"', purchases.__next__)


async def _report(
    stack: Stack, front: Front, what: str, calls: int, expected: bytes, asked: Callable[[], bytes]
) -> None:
    before = stack.processor_seconds()
    found = await paced(
        Connections(front.port, front.trust),
        asked,
        callers=_CALLERS,
        calls=calls,
        status=201 if what == "holds" else 200,
        expected=expected,
    )
    spent = {name: after - before[name] for name, after in stack.processor_seconds().items()}
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


def _polls(services: Container, slug: str) -> Iterator[bytes]:
    made: list[bytes] = []
    for number in range(1, _VISITORS + 1):
        visitor = Visitor(services.identity.new_visitor().id, {slug: number * 20})
        cookie = services.identity.set_queue_cookie(visitor).header.partition(";")[0]
        made.append(request("GET", f"/api/queue/{slug}", cookies=cookie))
    at = 0
    while True:
        yield made[at % len(made)]
        at += 1
