"""The sandbox over real HTTP: a Redis, a free port, and an application that takes webhooks."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import time
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from fastapi import FastAPI, Request, Response
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server
from redis.asyncio import Redis

from surge_app.launcher.ports import free_port
from surge_app.sandbox import create_sandbox
from surge_app.settings import Settings, load_settings
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook as it arrived."""

    body: bytes
    signature: str
    event_id: str


@dataclass(slots=True)
class Stand:
    """A running sandbox and what the application beside it received.

    Attributes:
        refusals: How many webhooks the application still answers with 500.
    """

    settings: Settings
    http: httpx.AsyncClient
    redis: Redis
    webhooks: list[Received] = field(default_factory=list[Received])
    refusals: int = 0

    async def webhook_count(self, count: int, *, within: float = 60) -> list[Received]:
        """Wait until so many webhooks have arrived."""
        await until(lambda: len(self.webhooks) >= count, within=within)
        return self.webhooks

    async def fault(self, service: str, mode: str, seconds: float = 30) -> None:
        """Order a bad day."""
        answer = await self.http.post(
            "/sandbox/faults", json={"service": service, "mode": mode, "seconds": seconds}
        )
        answer.raise_for_status()

    async def attempt(self, order_id: str, **wanted: object) -> httpx.Response:
        """Try to pay an order."""
        return await self.http.post(f"/sandbox/razorpay/orders/{order_id}/attempts", json=wanted)

    async def outbox(self) -> list[dict[str, object]]:
        """Return the messages in the outbox."""
        return (await self.http.get("/sandbox/outbox.json")).json()["messages"]


async def until(condition: Callable[[], bool], *, within: float = 60) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        await asyncio.sleep(0.02)


@contextmanager
def redis_server() -> Generator[str]:
    """Run a Redis of its own and give its URL."""
    with tempfile.TemporaryDirectory(prefix="surge-redis-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


@asynccontextmanager
async def serve(app: FastAPI, port: int) -> AsyncGenerator[None]:
    """Serve an application on 127.0.0.1 in this event loop."""
    server = Server(
        app,
        port=port,
        interface=Interfaces.ASGI,
        log_enabled=False,
        log_level=LogLevels.critical,
        websockets=False,
    )
    running = asyncio.create_task(server.serve())
    try:
        await until(lambda: _answers(port))
        yield
    finally:
        server.stop()
        await running


@asynccontextmanager
async def sandbox_stand(redis_url: str) -> AsyncGenerator[Stand]:
    """Serve the sandbox beside an application that records webhooks."""
    settings = load_settings(port=free_port(), secret_key=("a-secret-of-this-test",))
    redis = Redis.from_url(redis_url, decode_responses=True)
    app = FastAPI()
    app.include_router(create_sandbox(settings, lambda: redis))
    async with (
        redis,
        httpx.AsyncClient(base_url=settings.local_url, trust_env=False, timeout=60) as http,
    ):
        stand = Stand(settings, http, redis)
        app.add_api_route("/api/webhooks/razorpay", _recorder(stand), methods=["POST"])
        await redis.flushdb()
        async with serve(app, settings.port):
            yield stand


def _recorder(stand: Stand) -> Callable[..., object]:
    async def record(request: Request) -> Response:
        if stand.refusals > 0:
            stand.refusals -= 1
            return Response(status_code=500)
        headers = request.headers
        stand.webhooks.append(
            Received(
                await request.body(),
                headers["X-Razorpay-Signature"],
                headers["x-razorpay-event-id"],
            )
        )
        return Response(status_code=200)

    return record


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
