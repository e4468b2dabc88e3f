"""The Redis client of one process."""

from __future__ import annotations

from importlib.resources import files

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.commands.core import AsyncScript
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

_TIMEOUT_SECONDS = 3.0
_MAX_CONNECTIONS = 32


def connect(url: str, *, client_name: str = "surge") -> Redis:
    """Return a client that connects on first use.

    Callers past the pool's size wait for a connection instead of opening more.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        client_name: Shown in `CLIENT LIST`.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_MAX_CONNECTIONS,
        timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), retries=2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
        decode_responses=True,
        client_name=client_name,
    )
    return Redis.from_pool(pool)


def load_script(redis: Redis, *names: str) -> AsyncScript:
    """Join Lua files of `surge_app/kv/lua` into one script, run by its hash.

    Args:
        redis: The client to run it on.
        *names: File names without `.lua`; a prelude first, the body last.
    """
    folder = files("surge_app.kv") / "lua"
    source = "\n".join((folder / f"{name}.lua").read_text("utf-8") for name in names)
    return redis.register_script(source)
