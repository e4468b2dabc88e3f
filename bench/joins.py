"""Joins over HTTP, as fast as two workers take them, and the steps of buyers beside them.

Buyers hold, look at their order and let it go, at a pace that leaves the machine idle by itself.
Newcomers join as a page does, with the cookie it got before: a few at a time, as many as keep both
workers busy, and as many as one network may send. All of it shares the machine with its client.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

from bench.connections import Connections, holds, request
from bench.harness import percentile
from bench.seed_queue import crowd
from bench.stack import Stack, one_node
from surge_app.container import Container, running

_BUYERS, _THINK_SECONDS = 10, 0.5
_SECONDS = 15.0
# More bodies than these at a time a worker takes from no network.
_CALLERS = (0, 8, 64, 200)
_STEPS = 3
_HEADERS = (
    "User-Agent: Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile\r\n"
    "Accept: application/json\r\nAccept-Language: en-IN\r\nAccept-Encoding: gzip, br\r\n"
)
_BODY = json.dumps({"keeps_cookies": True, "opened_ms": 2_500, "website": ""})


def main() -> None:
    """Start one node with two workers."""
    with one_node() as stack:
        asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> None:
    async with running(stack.settings, process="bench") as services:
        each_step: dict[str, float] = {}
        for callers in _CALLERS:
            slug = await crowd(services.redis, 0)
            orders = iter(await holds(services, int(_SECONDS / _THINK_SECONDS + 1) * _BUYERS))
            steps, joins, used = await _round(stack, services, slug, orders, callers)
            took = f"{callers:5,} newcomers at a time: steps {_speed(steps)}; joins {_speed(joins)}"
            each_step = each_step or {name: spent / len(steps) for name, spent in used.items()}
            cost = {
                name: 1000 * (spent - each_step[name] * len(steps)) / max(1, len(joins))
                for name, spent in used.items()
            }
            found = ", ".join(f"{name} {spent:.2f}" for name, spent in cost.items() if spent > 0)
            print(f"{took}; processor ms for each join: {found or 'none'}", flush=True)


async def _round(
    stack: Stack, services: Container, slug: str, orders: Iterator[bytes], callers: int
) -> tuple[list[float], list[float], dict[str, float]]:
    """Return the latencies of steps and joins, and what each part used of the processor."""
    port = stack.nodes[0].settings.port
    newcomers, buyers = Connections(port), Connections(port)
    await newcomers.open(callers)
    await buyers.open(_BUYERS)
    steps: list[float] = []
    joins: list[float] = []
    before, ends = stack.processor_seconds(), time.perf_counter() + _SECONDS
    await asyncio.gather(
        *(_buy(buyers, orders, steps, ends) for _ in range(_BUYERS)),
        *(_join(newcomers, services, slug, joins, ends) for _ in range(callers)),
    )
    used = {name: end - before[name] for name, end in stack.processor_seconds().items()}
    newcomers.close()
    buyers.close()
    return steps, joins, used


def _speed(latencies: list[float]) -> str:
    if not latencies:
        return "none"
    p50, p99 = percentile(latencies, 50), percentile(latencies, 99)
    return f"{len(latencies) / _SECONDS:,.0f}/s (p50 {p50:.0f} ms, p99 {p99:.0f} ms)"


async def _join(
    connections: Connections, services: Container, slug: str, joins: list[float], ends: float
) -> None:
    identity, path = services.identity, f"/api/queue/{slug}"
    while time.perf_counter() < ends:
        cookie = identity.set_queue_cookie(identity.new_visitor()).header.partition(";")[0]
        asked = request("POST", path, cookies=cookie, body=_BODY, headers=_HEADERS)
        status, body = await _timed(connections, asked, joins)
        assert status == 200, body


async def _buy(
    connections: Connections, orders: Iterator[bytes], steps: list[float], ends: float
) -> None:
    """Hold a ticket, look at the order and give it back, one step after the other."""
    while time.perf_counter() < ends:
        asked = next(orders)
        status, body = await _timed(connections, asked, steps)
        assert status == 201, body
        cookies = asked.partition(b"Cookie: ")[2].partition(b"\r\n")[0].decode()
        path = f"/api/intents/{json.loads(body)['id']}"
        for method, expected in (("GET", 200), ("DELETE", 204)):
            await asyncio.sleep(_THINK_SECONDS / _STEPS)
            status, body = await _timed(connections, request(method, path, cookies=cookies), steps)
            assert status == expected, body
        await asyncio.sleep(_THINK_SECONDS / _STEPS)


async def _timed(connections: Connections, asked: bytes, found: list[float]) -> tuple[int, bytes]:
    started = time.perf_counter()
    answer = await connections.call(asked)
    found.append((time.perf_counter() - started) * 1000)
    return answer
