"""Readiness is checked now and then, however many ask."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from surge_app.container import Container
from surge_app.kv.client import connect
from surge_app.services.operations.readiness import Readiness
from tests.redis_server import RedisServer


@pytest.fixture
def own_server() -> Generator[RedisServer]:
    # A socket's path has at most 107 letters.
    with tempfile.TemporaryDirectory(prefix="surge-ready-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


async def test_a_crowd_that_asks_for_readiness_costs_one_check(
    services: Container, own_server: RedisServer
) -> None:
    client = connect(own_server.url)
    try:
        remembering = Readiness(services.database, client, life_seconds=3600)
        fresh = Readiness(services.database, client, life_seconds=0)
        assert await asyncio.gather(*(remembering.missing() for _ in range(50))) == [[]] * 50
        # Each check writes once.
        calls = await client.info("commandstats")
        assert calls["cmdstat_set"]["calls"] == 1
        assert await fresh.missing() == []
        own_server.kill()
        assert await remembering.missing() == []
        assert await fresh.missing() == ["redis"]
        own_server.start()
        assert await fresh.missing() == []
    finally:
        await client.aclose()
