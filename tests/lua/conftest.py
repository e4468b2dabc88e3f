"""A bare Redis for the scripts, of the same server the embedded one is."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from surge_app.kv.client import connect
from surge_app.kv.queue import QueueStock
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer


@pytest.fixture(scope="session")
def redis_server() -> Generator[RedisServer]:
    """One server for all tests that do not end it."""
    with tempfile.TemporaryDirectory(prefix="surge-lua-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest_asyncio.fixture
async def redis(redis_server: RedisServer) -> AsyncGenerator[Redis]:
    client = connect(redis_server.url, client_name="test")
    yield client
    await client.aclose()


@pytest_asyncio.fixture
async def queue(redis: Redis) -> AsyncGenerator[Queue]:
    """An open queue with plenty to sell and room for one buyer."""
    made = Queue(redis)
    await made.open()
    await made.stock(QueueStock(1_000_000, 0, 0, 0))
    yield made
    await redis.delete(*made.keys.values())
