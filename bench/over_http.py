"""Holds per second over HTTP, as served by `make run`, beside a server that only lives.

The client shares the machine with the server, so both figures are lower than they could be, by
the same reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.connections import Connections, holds, paced, request
from bench.harness import Pace
from bench.serving import served
from surge_app.container import running
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import Settings

_CALLERS = 40
_CALLS = 4_000
_ROUNDS = 3


def main() -> None:
    """Start Surge as an operator does, and measure from 40 connections."""
    with served() as settings, backing_services(settings) as ready:
        asyncio.run(_measure(ready))


async def _measure(settings: Settings) -> None:
    alive = request("GET", "/api/livez")
    async with running(settings, process="bench") as services:
        for _ in range(_ROUNDS):
            limit = await _paced(settings, lambda: alive)
            asked = iter(await holds(services, _CALLS + _CALLERS * 5))
            found = await _paced(settings, asked.__next__, status=201)
            print(
                f"holds over HTTP, {_CALLERS} connections: {found.per_second:5,.0f}/s "
                f"(p50 {found.p50_ms:.0f} ms, p99 {found.p99_ms:.0f} ms), livez "
                f"{limit.per_second:5,.0f}/s, ratio {found.per_second / limit.per_second:.2f}",
                flush=True,
            )


async def _paced(settings: Settings, asked: Callable[[], bytes], status: int = 200) -> Pace:
    connections = Connections(settings.port)
    return await paced(connections, asked, callers=_CALLERS, calls=_CALLS, status=status)
