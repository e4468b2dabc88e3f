"""Check that the configured Postgres and Redis answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import psycopg
import redis
import redis.asyncio
from psycopg import conninfo
from redis.exceptions import RedisClusterException

from surge_app.errors import ConfigurationError
from surge_app.settings import CLUSTER_SCHEME, SESSION_OPTIONS

if TYPE_CHECKING:
    from surge_app.settings import Settings

_REACH_SECONDS: Final = 5
_OLDEST_POSTGRES: Final = 15
_NO_EVICTION: Final = "noeviction"
_POOLER_REFUSES: Final = "unsupported startup parameter"


def check_reachable(settings: Settings) -> None:
    """Make sure that the configured Postgres and Redis answer within 5 seconds.

    Raises:
        ConfigurationError: If one does not; the message names the variable, never a password.
    """
    asyncio.run(_check(settings))


def database_title(settings: Settings) -> str:
    """Name the database without its password; empty if its address is not valid."""
    if settings.database_url is None:
        return f"embedded, in {settings.data_dir}"
    try:
        parts = conninfo.conninfo_to_dict(settings.database_url)
    except psycopg.ProgrammingError:
        return ""
    return f"{parts.get('dbname', '')} at {parts.get('host', 'localhost')}"


async def _check(settings: Settings) -> None:
    direct = settings.database_direct_url
    problems = await asyncio.gather(
        _postgres_problem("DATABASE_URL", settings.database_url, is_pooled=direct is not None),
        _postgres_problem("SURGE_DATABASE_DIRECT_URL", direct),
        _redis_problem("REDIS_URL", settings.redis_url, may_evict=False),
        _redis_problem("SURGE_STATES_REDIS_URL", settings.states_redis_url),
    )
    found = [problem for problem in problems if problem]
    if found:
        raise ConfigurationError(" ".join(found))


async def _postgres_problem(
    variable: str, url: str | None, *, is_pooled: bool = False
) -> str | None:
    if url is None:
        return None
    try:
        # libpq would quote a malformed URL, password included.
        _ = urlsplit(url).port, conninfo.conninfo_to_dict(url)
    except (ValueError, psycopg.ProgrammingError):
        return f"{variable}: this is not a valid postgresql:// URL."
    options: dict[str, Any] = {} if is_pooled else {"options": SESSION_OPTIONS}
    try:
        async with asyncio.timeout(_REACH_SECONDS):
            connection = await psycopg.AsyncConnection.connect(
                url, prepare_threshold=None, **options
            )
            async with connection:
                await connection.execute("SELECT 1")
                version = connection.info.server_version // 10_000
    except (psycopg.Error, OSError, TimeoutError) as error:
        if _POOLER_REFUSES in str(error):
            return (
                f"{variable} leads to a pooler; set SURGE_DATABASE_DIRECT_URL to the address of "
                "Postgres itself, beside DATABASE_URL."
            )
        return f"{variable}: Postgres cannot be reached{_reason(error, url)}"
    if version < _OLDEST_POSTGRES:
        return f"{variable}: Surge needs Postgres {_OLDEST_POSTGRES} or newer; this is {version}."
    return None


async def _redis_problem(variable: str, url: str | None, *, may_evict: bool = True) -> str | None:
    if url is None:
        return None
    kind = redis.asyncio.RedisCluster if CLUSTER_SCHEME in url else redis.asyncio.Redis
    try:
        client = kind.from_url(url.replace(CLUSTER_SCHEME, "://", 1))  # pyright: ignore[reportUnknownMemberType]
    except ValueError:
        return f"{variable}: this is not a valid redis:// URL."
    try:
        async with asyncio.timeout(_REACH_SECONDS), client:
            info = await client.execute_command("INFO", "memory")  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    except (redis.RedisError, RedisClusterException, OSError, TimeoutError) as error:
        return f"{variable}: Redis cannot be reached{_reason(error, url)}"
    evicting = _policies(cast("dict[str, Any]", info)) - {_NO_EVICTION}
    if may_evict or not evicting:
        return None
    return (
        f"{variable}: this Redis evicts keys ({', '.join(sorted(evicting))}), so visitors would "
        f"lose their position in the queue; set its `maxmemory-policy` to {_NO_EVICTION}."
    )


def _policies(found: dict[str, Any]) -> set[str]:
    """Return the eviction policies in INFO; a cluster answers for each of its nodes."""
    nodes: list[dict[str, Any]] = [one for one in found.values() if isinstance(one, dict)]
    return {str(node.get("maxmemory_policy", _NO_EVICTION)) for node in nodes or [found]}


def _reason(error: Exception, url: str) -> str:
    if isinstance(error, TimeoutError):
        return f" (no answer within {_REACH_SECONDS} seconds)."
    return failure_reason(error, url)


def failure_reason(error: Exception, url: str) -> str:
    """Return the end of a sentence: the server's own reason, without the password in its URL."""
    text = " ".join(str(error).split()).rstrip(".")
    try:
        secret = urlsplit(url).password
    except ValueError:
        # Servers' libraries quote a malformed address, password included.
        return "."
    return f" ({text})." if text and not (secret and secret in text) else "."
