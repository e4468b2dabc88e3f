"""The client every process has one of: who waits for a connection gets one, in order."""

from __future__ import annotations

import asyncio

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from surge_app.kv import client
from tests.redis_server import RedisServer


async def test_whoever_asks_anew_does_not_overtake_who_waits(
    redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_MAX_CONNECTIONS", 2)
    redis = client.connect(redis_server.url)
    answered: list[str] = []

    async def ask(name: str, times: int) -> None:
        for _ in range(times):
            await redis.time()
            answered.append(name)

    await asyncio.gather(ask("first", 50), ask("second", 50), ask("waiting", 1))
    await redis.aclose()
    assert answered.index("waiting") <= 4


async def test_a_server_that_is_away_uses_up_no_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "_MAX_CONNECTIONS", 1)
    redis = client.connect("unix:///nowhere/redis.sock")
    for _ in range(3):
        with pytest.raises(RedisConnectionError, match="No such file"):
            await redis.time()
    await redis.aclose()
