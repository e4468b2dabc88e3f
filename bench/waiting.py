"""Requests and processor time of the origin with queues of any length, behind the shipped nginx.

The numbers are real ones in Redis, and the pages' rules are followed over HTTPS: near the head a
visitor polls personally, further back a page reads the public snapshot and its block. One client
machine cannot send what a million pages send, so their requests are thinned to what fills the
cache; each document is still asked for more often than it expires. The head of the queue stands
still: how fast visitors are admitted is a load of its own.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from statistics import median
from typing import TypeAlias, cast

import httpx
import psutil

from bench.proxy_setup import Proxy
from bench.seed_queue import crowd
from bench.serving import served
from surge_app.container import Container, running
from surge_app.kv import keys
from surge_app.kv.client import information
from surge_app.launcher.embedded_servers import backing_services
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import retry_after_ms
from surge_app.settings import Settings

_SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
_BASE = 100_000
_ROUNDS = 3
_SECONDS = 20
_WARM_UP_SECONDS = 5
_NEAR = 1_000
_PAGE_SECONDS, _BLOCK_SECONDS = 13.5, 30.0
_MAX_PAGES, _MAX_BLOCKS, _MAX_CONCURRENT = 20.0, 15.0, 64
_LEAVES_PER_SECOND = 10.0
_dice = SystemRandom()
_COUNT = "surge_request_seconds_count"


_Job: TypeAlias = Callable[[], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class _Load:
    """What the origin did in a second."""

    requests: float
    processor: float
    sent: float


def main() -> None:
    """Start Surge and nginx, and let queues of each length wait."""
    with (
        served() as settings,
        backing_services(settings) as ready,
        tempfile.TemporaryDirectory(prefix="surge-waiting-") as folder,
        Proxy(Path(folder) / "proxy", [settings.port]) as proxy,
    ):
        asyncio.run(_measure(ready, proxy))


async def _measure(settings: Settings, proxy: Proxy) -> None:
    ratios: dict[int, list[tuple[float, float]]] = {size: [] for size in _SIZES}
    async with running(settings, process="bench") as services:
        for _ in range(_ROUNDS):
            found = {}
            for size in _SIZES:
                before = await _memory(services)
                slug = await crowd(services.redis, size, personal_below=_NEAR)
                each = (await _memory(services) - before) / size
                found[size] = load = await _round(services, settings, proxy, slug, size)
                await services.redis.delete(*keys.queue(slug))
                print(
                    f"{size:10,} wait: {load.requests:.0f} requests/s at the origin, "
                    f"{load.processor * 100:.1f} % of a core; sent {load.sent:.0f}/s, pages would "
                    f"send {(size - _NEAR) / _PAGE_SECONDS:,.0f}/s; {each:.1f} bytes of Redis "
                    "each, without their ids",
                    flush=True,
                )
            base = found[_BASE]
            for size, load in found.items():
                pair = load.requests / base.requests, load.processor / base.processor
                ratios[size].append(pair)
    for size, pairs in ratios.items():
        requests, processor = (median(column) for column in zip(*pairs, strict=True))
        print(
            f"{size:10,} wait: {requests:.2f} times the requests and {processor:.2f} times the "
            f"processor time of {_BASE:,}, medians of {_ROUNDS} rounds",
            flush=True,
        )


async def _round(
    services: Container, settings: Settings, proxy: Proxy, slug: str, size: int
) -> _Load:
    path = f"/api/queue/{slug}"
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(
        base_url=proxy.url, verify=proxy.trust(), limits=limits, timeout=30
    ) as client:
        public = (await client.get(f"{path}/public")).json()
        block, first = public["blocks"]["size"], public["blocks"]["first"]
        last = first + len(public["blocks"]["ahead"]) - 2
        near = min(size, _NEAR)
        weights = [1000 / retry_after_ms("waiting", ahead, None) for ahead in range(near)]
        cookies = [_cookie(services, slug, number) for number in range(1, near + 1)]
        pages = min(_MAX_PAGES, (size - near) / _PAGE_SECONDS)
        blocks = min(_MAX_BLOCKS, (size - near) / _BLOCK_SECONDS)

        async def personal() -> None:
            (index,) = _dice.choices(range(near), weights)
            await client.get(path, headers={"cookie": cookies[index]})

        async def snapshot() -> None:
            await client.get(f"{path}/public")

        async def one_block() -> None:
            await client.get(f"{path}/public/{block}-{_dice.randint(first, last)}")

        async def leave() -> None:
            number = _dice.randint(near + 1, size)
            if await services.redis.setbit(keys.part(slug, "waiting"), number, 0):
                counted = services.redis.hincrby(keys.part(slug, "counters"), "waiting", -1)
                await cast("Awaitable[int]", counted)

        jobs = (
            (personal, sum(weights)),
            (snapshot, pages),
            (one_block, blocks),
            (leave, _LEAVES_PER_SECOND),
        )
        async with asyncio.timeout(_SECONDS * 10):
            await _arrivals(jobs, _WARM_UP_SECONDS)
            start, asked, busy = time.monotonic(), await _asked(settings), _processor(proxy)
            sent = await _arrivals(jobs, _SECONDS)
            took = time.monotonic() - start
            requests = (await _asked(settings) - asked) / took
            return _Load(
                requests,
                (_processor(proxy) - busy) / took,
                sent / took,
            )


async def _arrivals(jobs: tuple[tuple[_Job, float], ...], seconds: float) -> int:
    """Start each job as often as it comes in a second, at random moments; return how many.

    A machine that is late leaves out what it cannot send.
    """
    ends, running_jobs = time.monotonic() + seconds, set[asyncio.Task[None]]()

    async def one(job: _Job, per_second: float) -> int:
        due, count = time.monotonic(), 0
        while per_second and (due := due + _dice.expovariate(per_second)) < ends:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if len(running_jobs) < _MAX_CONCURRENT:
                task = asyncio.create_task(job())
                running_jobs.add(task)
                task.add_done_callback(running_jobs.discard)
                count += 1
        return count

    sent = sum(await asyncio.gather(*(one(job, per_second) for job, per_second in jobs)))
    await asyncio.gather(*running_jobs)
    return sent


def _cookie(services: Container, slug: str, number: int) -> str:
    visitor = Visitor(services.identity.new_visitor().id, {slug: number})
    return services.identity.set_queue_cookie(visitor).header.partition(";")[0]


async def _asked(settings: Settings) -> float:
    """Return how many requests all workers have answered."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.port}") as client:
        text = (await client.get("/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith(_COUNT)]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _processor(proxy: Proxy) -> float:
    """Return the processor seconds of Surge, its Redis and its Postgres."""
    others = {one.pid for one in proxy.processes()}
    total = 0.0
    for one in psutil.Process().children(recursive=True):
        if one.pid not in others and one.is_running():
            used = one.cpu_times()
            total += used.user + used.system
    return total


async def _memory(services: Container) -> int:
    return int((await information(services.redis, "memory"))["used_memory"])
