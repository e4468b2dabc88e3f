"""The faults: what is done to a running stack, and by whom it is put right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import httpx
import psutil
import psycopg
from redis.asyncio import Redis

from bench.stack import Stack
from surge_app.container import Container

_PAUSE_SECONDS = 10
_OFF_SECONDS = 600
_OURS = "surge:sandbox:"
_REACH = 1000
_FILLINGS = (1 << 20, 1 << 12, 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong.

    Attributes:
        title: As the table says it.
        stack: Which stack it is done to: one node with its own servers, the same on a small disk,
            or two nodes behind nginx.
        strike: Does it, and returns once it is over.
        right: The part that repairs it.
    """

    title: str
    stack: Literal["one", "small", "two"]
    strike: Callable[[Stack, Container], Awaitable[None]]
    right: str


async def _kill(processes: Sequence[psutil.Process]) -> None:
    for one in processes:
        with suppress(psutil.Error):
            one.kill()


async def _pause(processes: Sequence[psutil.Process]) -> None:
    for one in processes:
        one.suspend()
    try:
        await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        for one in processes:
            with suppress(psutil.Error):
                one.resume()


async def _kill_a_worker(stack: Stack, _services: Container) -> None:
    await _kill([stack.follower()])


async def _kill_the_leader(stack: Stack, _services: Container) -> None:
    await _kill([stack.leader()])


async def _kill_redis(stack: Stack, _services: Container) -> None:
    await _kill(stack.servers("redis-server"))


async def _kill_postgres(stack: Stack, _services: Container) -> None:
    await _kill(stack.servers("postgres"))


async def _pause_a_worker(stack: Stack, _services: Container) -> None:
    await _pause([stack.follower()])


async def _pause_the_leader(stack: Stack, _services: Container) -> None:
    await _pause([stack.leader()])


async def _pause_redis(stack: Stack, _services: Container) -> None:
    await _pause(stack.servers("redis-server"))


async def _pause_postgres(stack: Stack, _services: Container) -> None:
    await _pause(stack.servers("postgres"))


async def _flush_redis(_stack: Stack, services: Container) -> None:
    """Forget everything at once, but the books of the stand-in: they are the vendor's."""
    redis = services.redis
    found = redis.scan_iter(count=_REACH)  # pyright: ignore[reportUnknownMemberType]
    ours = [str(key) async for key in found if not str(key).startswith(_OURS)]
    await cast("Awaitable[int]", redis.unlink(*ours))
    async with Redis.from_url(services.settings.reflex_redis_url or "") as states:
        await states.flushdb()  # pyright: ignore[reportUnknownMemberType]


def _cut(service: str, mode: str) -> Callable[[Stack, Container], Awaitable[None]]:
    async def strike(stack: Stack, _services: Container) -> None:
        wanted = {"service": service, "mode": mode, "seconds": _PAUSE_SECONDS}
        async with httpx.AsyncClient(base_url=stack.nodes[0].url) as http:
            (await http.post("/sandbox/faults", json=wanted)).raise_for_status()
        await asyncio.sleep(_PAUSE_SECONDS)

    return strike


_CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'surge-%'
"""


async def _cut_connections(stack: Stack, _services: Container) -> None:
    async with AsyncExitStack() as held:
        await (await _connected(stack, held)).execute(_CUT)


async def _take_every_connection(stack: Stack, _services: Container) -> None:
    """Take all that Postgres gives, then those of Surge as well, and keep them."""
    async with AsyncExitStack() as held:
        first = await _connected(stack, held)
        until = asyncio.get_running_loop().time() + _PAUSE_SECONDS
        while asyncio.get_running_loop().time() < until:
            with suppress(psycopg.OperationalError):
                while True:
                    await _connected(stack, held)
            await first.execute(_CUT)
            with suppress(psycopg.OperationalError):
                while True:
                    await _connected(stack, held)
            await asyncio.sleep(0.2)


async def _connected(
    stack: Stack, held: AsyncExitStack
) -> psycopg.AsyncConnection[tuple[object, ...]]:
    connection = await psycopg.AsyncConnection.connect(
        stack.settings.direct_url or "", autocommit=True
    )
    await held.enter_async_context(connection)
    return connection


async def _lock_the_holds(stack: Stack, _services: Container) -> None:
    """Let every connection of the pools wait for a table that somebody has locked."""
    async with (
        await psycopg.AsyncConnection.connect(stack.settings.direct_url or "") as connection,
        connection.transaction(),
    ):
        await connection.execute("LOCK TABLE intents IN ACCESS EXCLUSIVE MODE")
        await asyncio.sleep(_PAUSE_SECONDS)


async def _fill_the_disk(stack: Stack, _services: Container) -> None:
    """Leave no byte for Postgres, Redis, the log and the workers."""
    file = stack.folder / "filling"
    try:
        await asyncio.to_thread(_fill, file)
        await asyncio.sleep(_PAUSE_SECONDS)
    finally:
        file.unlink()


def _fill(file: Path) -> None:
    with file.open("wb", buffering=0) as output:
        for size in _FILLINGS:
            with suppress(OSError):
                while output.write(bytes(size)):
                    pass


async def _kill_a_node(stack: Stack, _services: Container) -> None:
    await asyncio.to_thread(stack.nodes[1].kill)


async def _pause_a_node(stack: Stack, _services: Container) -> None:
    await _pause(stack.nodes[1].serving())


async def _kill_the_pooler(stack: Stack, _services: Container) -> None:
    assert stack.pooler is not None
    await asyncio.to_thread(stack.pooler.kill)
    await asyncio.sleep(1)
    await asyncio.to_thread(stack.pooler.start)


async def _restart_rolling(stack: Stack, _services: Container) -> None:
    for node in stack.nodes:
        await asyncio.to_thread(node.restart)


def _set_clock(seconds: int) -> Callable[[Stack, Container], Awaitable[None]]:
    async def strike(stack: Stack, _services: Container) -> None:
        await asyncio.to_thread(stack.nodes[1].restart, clock_off_seconds=seconds)
        await asyncio.sleep(_PAUSE_SECONDS)

    return strike


async def put_right(stack: Stack) -> None:
    """Start what a fault ended and nobody starts by itself, and set clocks right again."""
    for node in stack.nodes:
        if node.is_off_clock:
            await asyncio.to_thread(node.restart)
        if node.process is None:
            node.start()
        await asyncio.to_thread(node.wait_ready)


_LAUNCHER = "the launcher"
_ITSELF = "no one has to"
FAULTS = {
    "worker-killed": Fault("kill -9 of a web worker", "one", _kill_a_worker, "the web server"),
    "leader-killed": Fault(
        "kill -9 of the worker that leads the jobs", "one", _kill_the_leader, "the web server"
    ),
    "redis-killed": Fault("kill -9 of Redis", "one", _kill_redis, _LAUNCHER),
    "postgres-killed": Fault("kill -9 of all of Postgres", "one", _kill_postgres, _LAUNCHER),
    "redis-flushed": Fault("Redis forgets everything", "one", _flush_redis, "the jobs"),
    "worker-paused": Fault("a web worker stands still for 10 s", "one", _pause_a_worker, _ITSELF),
    "leader-paused": Fault(
        "the worker that leads the jobs stands still for 10 s", "one", _pause_the_leader, _ITSELF
    ),
    "redis-paused": Fault("Redis stands still for 10 s", "one", _pause_redis, _ITSELF),
    "postgres-paused": Fault("Postgres stands still for 10 s", "one", _pause_postgres, _ITSELF),
    "gateway-down": Fault("Razorpay is away for 10 s", "one", _cut("razorpay", "down"), "the jobs"),
    "gateway-silent": Fault(
        "Razorpay takes calls and does not answer for 10 s",
        "one",
        _cut("razorpay", "hang"),
        "the jobs",
    ),
    "mail-down": Fault("SendGrid is away for 10 s", "one", _cut("sendgrid", "down"), "the jobs"),
    "sms-down": Fault("Twilio is away for 10 s", "one", _cut("twilio", "down"), "the jobs"),
    "connections-taken": Fault(
        "every connection of Postgres is taken, and Surge's are cut, for 10 s",
        "one",
        _take_every_connection,
        _ITSELF,
    ),
    "connections-cut": Fault(
        "every connection to Postgres is cut", "one", _cut_connections, _ITSELF
    ),
    "pool-full": Fault(
        "a lock on holds makes every pooled connection wait for 10 s",
        "one",
        _lock_the_holds,
        _ITSELF,
    ),
    "disk-full": Fault(
        "the disk with the data, the log and both servers is full for 10 s",
        "small",
        _fill_the_disk,
        "the launcher",
    ),
    "node-killed": Fault("kill -9 of a whole node", "two", _kill_a_node, "the proxy"),
    "node-paused": Fault("a whole node stands still for 10 s", "two", _pause_a_node, "the proxy"),
    "pooler-killed": Fault(
        "kill -9 of PgBouncer, away for 1 s", "two", _kill_the_pooler, "its service manager"
    ),
    "redis-killed-behind-two": Fault(
        "kill -9 of Redis under both nodes", "two", _kill_redis, "its service manager"
    ),
    "postgres-killed-behind-two": Fault(
        "kill -9 of all of Postgres under both nodes", "two", _kill_postgres, "its service manager"
    ),
    "rolling-restart": Fault(
        "both nodes are restarted, one after the other", "two", _restart_rolling, _ITSELF
    ),
    "clock-ahead": Fault(
        "the clock of one node is 10 minutes ahead", "two", _set_clock(_OFF_SECONDS), _ITSELF
    ),
    "clock-behind": Fault(
        "the clock of one node is 10 minutes behind", "two", _set_clock(-_OFF_SECONDS), _ITSELF
    ),
}
