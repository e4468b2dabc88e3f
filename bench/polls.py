"""Polls per second of the running product with lines of any length, beside a bare ASGI application.

Production mode, all middleware, valid cookies; the same server, the same number of workers, the
same client in the same run. It also counts what Redis is asked for each poll.
"""

from __future__ import annotations

import asyncio
import random
from statistics import median

from bench.seed_queue import crowd
from bench.serving import bare, load, served
from surge_app.container import Container, running
from surge_app.kv.client import information
from surge_app.launcher.embedded_servers import backing_services
from surge_app.services.access.identity import Visitor
from surge_app.settings import Settings

_SIZES = (1_000, 10_000, 50_000, 100_000, 1_000_000)
_ROUNDS = 3
_SECONDS = 5
_CONNECTIONS = 64
_VISITORS = 20_000


def main() -> None:
    """Start Surge and the bare application, and load them in turn."""
    with (
        served() as settings,
        backing_services(settings) as ready,
        bare(settings.worker_count) as port,
    ):
        asyncio.run(_measure(ready, port))


async def _measure(settings: Settings, bare_port: int) -> None:
    async with running(settings, process="bench") as services:
        for size in _SIZES:
            slug = await crowd(services.redis, size)
            cookies = _cookies(services, slug, size)
            # Whoever waits shows the same cookie each time; only the first is opened.
            await _load(settings.port, f"/api/queue/{slug}", cookies)
            rounds = [
                await _round(services, settings.port, bare_port, slug, cookies)
                for _ in range(_ROUNDS)
            ]
            limit, found, asked = (median(values) for values in zip(*rounds, strict=True))
            print(
                f"polls, {size:9,} in line: {found:7,.0f}/s, bare {limit:7,.0f}/s, "
                f"ratio {found / limit:.2f}; {asked:.3f} Redis commands a poll "
                f"({', '.join(f'{one[1] / one[0]:.2f}' for one in rounds)})",
                flush=True,
            )


async def _round(
    services: Container, port: int, bare_port: int, slug: str, cookies: list[str]
) -> tuple[float, float, float]:
    path = f"/api/queue/{slug}"
    limit = await _load(bare_port, "/", cookies)
    before = await _commands(services)
    found = await _load(port, path, cookies)
    asked = await _commands(services) - before
    return limit, found, asked / (found * _SECONDS)


async def _load(port: int, path: str, cookies: list[str]) -> float:
    return await asyncio.to_thread(
        load, port, path, cookies, seconds=_SECONDS, connections=_CONNECTIONS
    )


def _cookies(services: Container, slug: str, size: int) -> list[str]:
    numbers = random.sample(range(1, size + 1), min(size, _VISITORS))
    visitors = [Visitor(services.identity.new_visitor().id, {slug: number}) for number in numbers]
    made = [services.identity.set_queue_cookie(visitor) for visitor in visitors]
    return [cookie.header.partition(";")[0] for cookie in made]


async def _commands(services: Container) -> int:
    """Return how many commands Redis has run, those inside scripts among them."""
    found = await information(services.redis, "commandstats")
    return sum(int(one["calls"]) for one in found.values())
