"""The Redis client of one process."""

# redis-py types its commands only in part; this module is where that ends.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Any, cast

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.client import NEVER_DECODE
from redis.exceptions import (
    ConnectionError as RedisConnectionError,
    NoPermissionError,
    NoScriptError,
    RedisClusterException,
    RedisError,
    TimeoutError as RedisTimeoutError,
)

from surge_app.kv import keys
from surge_app.observability import tracing
from surge_app.settings import CLUSTER_SCHEME

_TIMEOUT_SECONDS = 3.0
_MAX_CONNECTIONS = 32
_PROBE_LIFE_SECONDS = 60
_MAX_CONNECTIONS_PER_NODE = 1024


class _PromptConnection(AbstractConnection):
    """Sends and checks without waiting, where there is nothing to wait for.

    redis-py makes a task for each command it sends, and lets the event loop run once before, to see
    whether the server has closed the connection. Both take longer than the command itself, and so
    does its own encoder.
    """

    __slots__ = ()

    def pack_command(self, *args: Any) -> list[bytes]:
        """Return a command as it is sent."""
        # `CLIENT SETNAME` and others are two words of one command.
        return super().pack_command(*args) if " " in args[0] else [hiredis.pack_command(args)]

    async def send_packed_command(
        self, command: bytes | str | Iterable[bytes], *args: Any, **options: Any
    ) -> None:
        """Hand a command to the system; wait only for what it does not take at once."""
        writer = self._writer
        if writer is None or writer.is_closing() or isinstance(command, bytes | str):
            await super().send_packed_command(command, *args, **options)
            return
        writer.writelines(command)
        if writer.transport.get_write_buffer_size():
            # A question about its health would be answered after the command.
            await super().send_packed_command((), check_health=False)

    def is_idle(self) -> bool:
        """Return whether it stands with nothing unread, as far as the event loop has heard."""
        reader, writer = cast("Any", self._reader), self._writer
        return (
            reader is not None
            and writer is not None
            and not writer.is_closing()
            and not reader.at_eof()
            and reader.exception() is None
            # An answer that is left over would be taken for that of the next command.
            and not reader._buffer  # noqa: SLF001  the public way reads what is there
            and not cast("Any", self._parser)._reader.has_data()  # noqa: SLF001
        )


class _FairPool(ConnectionPool):
    """Hands its connections out in the order they were asked for.

    In the blocking pool of redis-py, new callers overtake those who wait, so that in a
    surge some wait until they give up.
    """

    def __init__(self, *, timeout: float, **options: Any) -> None:
        super().__init__(**options)
        own = (_PromptConnection, self.connection_class)
        self.connection_class = type("_Connection", own, {"__slots__": ()})
        self._timeout = timeout
        self._turns = asyncio.Semaphore(self.max_connections)

    async def get_connection(self, *_names: Any, **_options: Any) -> AbstractConnection:
        """Return a connection that stands; `release` takes it back."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._turns.acquire()
        except TimeoutError as error:
            message = f"Every connection was in use for {self._timeout} seconds."
            raise RedisConnectionError(message) from error
        connection = cast("_PromptConnection", self.get_available_connection())
        try:
            if not connection.is_idle():
                await self.ensure_connection(connection)
        except BaseException:
            await self.release(connection)
            raise
        return connection

    async def release(self, connection: AbstractConnection) -> None:
        """Take a connection back, for the caller that waited longest."""
        try:
            await super().release(connection)
        finally:
            self._turns.release()


# Part of the names of clients of a release that knows numbers in many hashes.
_KNOWS_BUCKETS = ":2"
_NOT_OF_QUEUES = {"surge-states", "surge-sandbox", "surge-doctor"}


def queue_client_name(process: str) -> str:
    """Return the name of the client of a process that runs the scripts of queues."""
    return f"surge-{process}{_KNOWS_BUCKETS}"


async def _of_each_server(redis: Redis, *command: str) -> list[Any]:
    """Return the answer of the server to a command, or of each primary of a cluster."""
    client = cast("Any", redis)
    if not isinstance(client, RedisCluster):
        return [await client.execute_command(*command)]
    await client.initialize()
    nodes = client.get_primaries()
    return [await client.execute_command(*command, target_nodes=node) for node in nodes]


async def server_runs(redis: Redis) -> set[str]:
    """Return the runs of the servers, of which each start is another; empty if INFO is refused."""
    try:
        return {found["run_id"] for found in await _of_each_server(redis, "INFO", "server")}
    except NoPermissionError:
        return set()


async def has_old_nodes(redis: Redis) -> bool:
    """Return whether a node of release 0.1 is connected, or may be."""
    try:
        lists = await _of_each_server(redis, "CLIENT LIST")
    except RedisError:
        return True
    names = {str(client.get("name", "")) for clients in lists for client in clients}
    ours = {name for name in names if name.startswith("surge-")} - _NOT_OF_QUEUES
    return not all(name.endswith(_KNOWS_BUCKETS) for name in ours)


def connect(url: str, *, client_name: str = "surge") -> Redis:
    """Return a client that connects on first use.

    Callers past the pool's size wait for a connection, in their order, instead of opening more.

    Args:
        url: `redis://`, `rediss://` or `unix://`; or `redis+cluster://` of one node of a cluster.
        client_name: Shown in `CLIENT LIST`.
    """
    if CLUSTER_SCHEME in url:
        return _connect_cluster(url.replace(CLUSTER_SCHEME, "://", 1), client_name)
    pool = _FairPool.from_url(
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


class _Cluster(RedisCluster):
    """A cluster that fails as a single server does, so that callers know one kind of error."""

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command where its keys are."""
        try:
            # redis-py sends what it is asked before it knows the cluster to any of the nodes, and
            # begins anew with all connections when a few of these have sent it elsewhere.
            await self.initialize()
            return await super().execute_command(*args, **kwargs)
        except RedisClusterException as error:
            raise RedisConnectionError(str(error)) from error

    async def _execute_command(self, target_node: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super()._execute_command(target_node, *args, **kwargs)
        except AttributeError as error:
            # After a failure redis-py closes the idle connections of the node, also one that
            # someone is just taking out. Nothing was sent then; as this kind it is tried again.
            if error.name != "writelines":
                raise
            message = "The connection was closed before the command was sent."
            raise RedisConnectionError(message) from error


def _connect_cluster(url: str, client_name: str) -> Redis:
    """Return a client of a cluster, which takes the same commands: each goes where its keys are."""
    cluster = _Cluster.from_url(
        url,
        # It refuses callers past this number, so it is more than there are at once.
        max_connections=_MAX_CONNECTIONS_PER_NODE,
        socket_timeout=_TIMEOUT_SECONDS,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        decode_responses=True,
        client_name=client_name,
    )
    return cast("Redis", cluster)


# Preludes of preludes.
_NEEDED = {"queue": ("numbers", "queue"), "check_join": ("numbers", "check_join")}


class Script:
    """A Lua script of `surge_app/kv/lua`, run by its hash."""

    def __init__(self, redis: Redis, *names: str) -> None:
        self._source = read_script(*names)
        self._hash = sha1(self._source.encode(), usedforsecurity=False).hexdigest()
        self._redis = redis
        self._name = names[-1]

    async def run(self, keys: Sequence[str], *arguments: str | int | bytes) -> Any:
        """Run it; the file's first lines say what it takes and returns."""
        return await self._run(keys, arguments, {})

    async def run_raw(self, keys: Sequence[str], *arguments: str | int | bytes) -> Any:
        """Run it and return its strings as bytes, as they are."""
        return await self._run(keys, arguments, {NEVER_DECODE: True})

    async def _run(
        self, keys: Sequence[str], arguments: Sequence[str | int | bytes], options: dict[str, bool]
    ) -> Any:
        call = (len(keys), *keys, *arguments)
        with tracing.event(f"redis {self._name}"):
            try:
                return await self._redis.execute_command("EVALSHA", self._hash, *call, **options)
            except NoScriptError:
                return await self._redis.execute_command("EVAL", self._source, *call, **options)


def read_script(*names: str) -> str:
    """Return the source of a script after its preludes; `queue` makes it a function."""
    folder = files("surge_app.kv") / "lua"
    parts = [part for name in names for part in _NEEDED.get(name, (name,))]
    source = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in parts)
    return f"{source}\nend\nreturn save(run())" if "queue" in names[:-1] else source


async def read_raw(redis: Redis, key: str) -> bytes:
    """Return a string key as it is, empty if there is none."""
    return await redis.execute_command("GET", key, **{NEVER_DECODE: True}) or b""


async def write_hash(redis: Redis, key: str, fields: Mapping[str, str]) -> None:
    """Set fields of a hash."""
    await cast("Awaitable[int]", redis.hset(key, mapping=dict(fields)))


async def read_hash(redis: Redis, key: str) -> dict[str, str]:
    """Return every field of a hash."""
    return await cast("Awaitable[dict[str, str]]", redis.hgetall(key))


async def takes_writes(redis: Redis) -> bool:
    """Return whether Redis stores a value; with a full memory or disk it only answers."""
    try:
        return bool(await redis.set(keys.write_probe(), 1, ex=_PROBE_LIFE_SECONDS))
    except (RedisError, OSError):
        return False


async def information(redis: Redis, section: str) -> dict[str, Any]:
    """Return a section of INFO."""
    return await redis.info(section)


async def clock_seconds(redis: Redis) -> float:
    """Return the time of Redis, of one node of a cluster, in seconds since 1970."""
    seconds, microseconds = await redis.time()
    return int(seconds) + int(microseconds) / 1e6
