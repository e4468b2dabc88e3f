"""Holds and joins per second over HTTP, as served by `make run`, beside a server that only lives.

The client shares the machine with the server, so both figures are lower than they could be, by
the same reason.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from itertools import repeat

from bench.harness import Pace, Sale, open_sale, pace
from bench.seed_queue import crowd
from bench.serving import served
from surge_app.container import Container, running
from surge_app.kv import keys
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import Settings

_CALLERS = 40
_CALLS = 4_000
_ROUNDS = 3
_PASS_SECONDS = 3600


def main() -> None:
    """Start Surge as an operator does, and measure from 40 connections."""
    with served() as settings, backing_services(settings) as ready:
        asyncio.run(_measure(ready))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        for _ in range(_ROUNDS):
            limit = await _paced(settings.port, lambda: _request("GET", "/api/livez"), 200)
            sale = await open_sale(services, units=_CALLS * 2)
            asks = iter(await _asks(services, sale, _CALLS + _CALLERS * 5))
            _report("holds", await _paced(settings.port, asks.__next__, 201), limit)
            joins = repeat(_request("POST", f"/api/queue/{await crowd(services.redis, 0)}"))
            _report("joins", await _paced(settings.port, joins.__next__, 200), limit)


def _report(what: str, found: Pace, limit: Pace) -> None:
    print(
        f"{what} over HTTP, {_CALLERS} connections: {found.per_second:5,.0f}/s "
        f"(p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms), "
        f"livez {limit.per_second:5,.0f}/s, ratio {found.per_second / limit.per_second:.2f}",
        flush=True,
    )


async def _asks(services: Container, sale: Sale, count: int) -> list[bytes]:
    """Return requests of so many visitors with a pass, each for one ticket."""
    identity = services.identity
    body = json.dumps({"lines": [{"tier_id": sale.tier_id, "quantity": 1}]})
    ends = (time.time() + _PASS_SECONDS) * 1000
    requests: list[bytes] = []
    visitors: dict[str, float] = {}
    for _ in range(count):
        visitor_id = (visitor := identity.new_visitor()).id
        cookies = identity.set_queue_cookie(visitor).header.partition(";")[0]
        shopping = identity.set_pass_cookie(cookies, visitor_id, sale.slug).header.partition(";")[0]
        path = f"/api/events/{sale.slug}/intents"
        requests.append(_request("POST", path, cookies=f"{cookies}; {shopping}", body=body))
        visitors[visitor_id] = ends
    await services.redis.zadd(keys.part(sale.slug, "passes"), visitors)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    return requests


def _request(method: str, path: str, *, cookies: str = "", body: str = "") -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Cookie: {cookies}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


async def _paced(port: int, request: Callable[[], bytes], status: int) -> Pace:
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(_CALLERS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))

    async def call() -> None:
        reader, writer = free.get_nowait()
        writer.write(request())
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        answer = await reader.readexactly(int(length))
        assert head.startswith(f"HTTP/1.1 {status}".encode()), head + answer
        free.put_nowait((reader, writer))

    found = await pace(call, callers=_CALLERS, calls=_CALLS, warm_up=_CALLERS * 5)
    while not free.empty():
        free.get_nowait()[1].close()
    return found
