"""The client every process has one of: who waits for a connection gets one, in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
    TimeoutError as RedisTimeoutError,
)

from surge_app.kv import client
from tests.conftest import eventually
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


async def test_what_the_system_does_not_take_at_once_arrives_whole(redis: Redis) -> None:
    large = "0123456789" * 1_000_000
    await redis.set("large", large)
    assert await redis.get("large") == large
    await redis.delete("large")


async def test_a_connection_that_the_server_has_closed_is_replaced(
    redis_server: RedisServer,
) -> None:
    closed, other = (client.connect(redis_server.url) for _ in range(2))
    await asyncio.gather(*(closed.time() for _ in range(5)))
    for _ in range(3):
        await other.client_kill_filter(_type="normal", skipme=True)
        answers = await asyncio.gather(*(closed.time() for _ in range(10)))
        assert len(answers) == 10
    await closed.aclose()
    await other.aclose()


async def test_an_answer_that_was_not_read_is_given_to_no_other_command(
    redis_server: RedisServer,
) -> None:
    redis = client.connect(redis_server.url)
    await redis.set("one", "1")
    connection = await redis.connection_pool.get_connection()
    # Sent together, so that both answers are there when the first is read.
    await connection.send_packed_command(2 * connection.pack_command("GET", "one"))
    assert await connection.read_response() == "1"
    await redis.connection_pool.release(connection)
    assert await redis.get("other") is None
    await redis.delete("one")
    await redis.aclose()


async def test_a_server_that_takes_no_more_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_SECONDS", 0.2)
    server = RedisServer(tmp_path)
    server.start()
    redis = client.connect(server.url)
    await redis.time()
    server.pause()
    with pytest.raises((RedisConnectionError, RedisTimeoutError)):
        await redis.set("large", "0" * 8_000_000)
    server.resume()

    async def is_alone() -> bool:
        return len(await redis.client_list()) == 1

    await eventually(is_alone, about="the end of the connections that were given up")
    await redis.aclose()
    server.stop()
