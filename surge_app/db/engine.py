"""The engine, and the only way to open a transaction."""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias, TypeVar, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Select, event
from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, PoolProxiedConnection
from sqlalchemy.util.concurrency import greenlet_spawn

from surge_app.errors import Busy
from surge_app.observability import tracing
from surge_app.observability.metrics import POOL_IN_USE, POOL_REFUSALS, POOL_SIZE
from surge_app.settings import SESSION_OPTIONS

_Driver: TypeAlias = psycopg.AsyncConnection[Any]
_IDLE = psycopg.pq.TransactionStatus.IDLE

LARGEST_POOL = 16
"""Most connections one process opens."""

_TRUSTED_SECONDS = 1.0
# A network that forgets idle connections says nothing.
_MAX_TRUSTED_SECONDS = 60.0
_PREPARED_AFTER = 3
_POOL_TIMEOUT_SECONDS = 20
# Of those, for statements that are planned once.
_PLANNED_CONNECTIONS = 6
_PLANNED_ONCE = f"{SESSION_OPTIONS} -c plan_cache_mode=force_generic_plan"


def sqlalchemy_url(url: str) -> URL:
    """Turn a `postgresql://` URL into one for SQLAlchemy with the psycopg driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


_Row = TypeVar("_Row")


def locked(query: Select[_Row]) -> Select[_Row]:
    """Return the query with `FOR UPDATE` and fresh values.

    Otherwise rows already loaded in the session would keep their old values.
    """
    return query.with_for_update().execution_options(populate_existing=True)


async def execute(
    session: AsyncSession, statement: LiteralString, values: Mapping[str, object]
) -> psycopg.AsyncCursor[Any]:
    """Execute a statement in the transaction of a session by the driver itself.

    What waits in the session is written before. It takes a third of the processor time of
    `session.execute`.

    Raises:
        DBAPIError: As from the session.
    """
    if session.new or session.dirty or session.deleted:
        await session.flush()
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver = cast("_Driver", raw.driver_connection)
    cursor = driver.cursor(row_factory=namedtuple_row)
    try:
        return await cursor.execute(statement, values)
    except psycopg.Error as error:
        raise _translated(error, connection.dialect) from error


def _translated(error: psycopg.Error, dialect: Dialect) -> BaseException:
    """Return the error that a session would raise in its place; it names no values."""
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, dialect=dialect
    )


def _ping_when_ended(engine: AsyncEngine, count: Callable[[], int]) -> None:
    """Ping an idle connection before use only if something came in from the server meanwhile.

    A server that ends a connection says so, which the socket shows without a round trip.
    `pool_pre_ping` pings at every checkout and so doubles the transactions.

    Args:
        engine: Whose connections these are.
        count: Returns how many connections of the process are in use.
    """
    dialect = engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:  # pyright: ignore[reportUnusedFunction] - the pool keeps it
        record.info["idle_since"] = time.monotonic()
        # The caller returns it right after this.
        POOL_IN_USE.set(count() - 1)

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:  # pyright: ignore[reportUnusedFunction] - the pool keeps it
        POOL_IN_USE.set(count())
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < _TRUSTED_SECONDS:
            return
        is_old = time.monotonic() - idle_since >= _MAX_TRUSTED_SECONDS
        if not is_old and not _has_news(record):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            # The other pooled connections were cut off together with this one.
            raise InvalidatePoolError from error


def _has_news(record: ConnectionPoolEntry) -> bool:
    raw = cast("_Driver | None", record.driver_connection)
    if raw is None or raw.closed:
        return True
    # Unlike `select`, it takes descriptors above 1,023.
    socket = select.poll()
    socket.register(raw.fileno(), select.POLLIN)
    return bool(socket.poll(0))


async def _give_back(lent: PoolProxiedConnection, driver: _Driver) -> None:
    if driver.closed or driver.info.transaction_status != _IDLE:
        await greenlet_spawn(lent.invalidate)
    else:
        await driver.set_autocommit(False)
    await greenlet_spawn(lent.close)


class Database:
    """One process's access to Postgres. Nothing connects before the first transaction.

    Args:
        url: A `postgresql://` URL.
        pool_size: Maximum connections of this process; further callers wait.
        application_name: Shown in `pg_stat_activity`.
        is_pooled: Whether the URL leads to a pooler in transaction mode. The limit on the
            time of a statement is then the database's own setting.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = LARGEST_POOL,
        application_name: str = "surge",
        is_pooled: bool = False,
    ) -> None:
        # Of a pooler's connections no one knows which one is next.
        planned_size = 0 if is_pooled else min(_PLANNED_CONNECTIONS, pool_size // 2)
        options = None if is_pooled else SESSION_OPTIONS
        self._engine = self._connect(url, application_name, pool_size - planned_size, options)
        self._planned_engine = self._engine
        if planned_size:
            self._planned_engine = self._connect(url, application_name, planned_size, _PLANNED_ONCE)
        POOL_SIZE.set(pool_size)

    def _connect(
        self, url: str, application_name: str, size: int, options: str | None
    ) -> AsyncEngine:
        # Server-side prepared statements break behind PgBouncer in transaction mode. Elsewhere they
        # save parsing and planning, which cost more than executing these short statements.
        engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=size,
            max_overflow=0,
            pool_timeout=_POOL_TIMEOUT_SECONDS,
            # Few connections then do the work of a quiet time, with what they have prepared.
            pool_use_lifo=True,
            # Contact details must not reach a log with an error of the database.
            hide_parameters=True,
            connect_args={
                "application_name": application_name,
                "prepare_threshold": _PREPARED_AFTER if options else None,
                **({"options": options} if options else {}),
            },
        )
        _ping_when_ended(engine, self._in_use)
        return engine

    def _in_use(self) -> int:
        pools = {cast("AsyncAdaptedQueuePool", one.pool) for one in self.engines}
        return sum(pool.checkedout() for pool in pools)

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for streaming reads and session-level locks."""
        return self._engine

    @property
    def engines(self) -> set[AsyncEngine]:
        """All engines; each has connections of its own."""
        return {self._engine, self._planned_engine}

    @asynccontextmanager
    async def transaction(self, *, is_planned_once: bool = False) -> AsyncGenerator[AsyncSession]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        To plan its statements once is right if they find a few rows by an index, whatever they are
        asked for.

        Never await a vendor inside the block; a row lock would last as long as its answer.

        Raises:
            Busy: If no connection became free in time; nothing was done.
        """
        try:
            with tracing.event("postgres"):
                async with (
                    AsyncSession(
                        self._planned_engine if is_planned_once else self._engine,
                        expire_on_commit=False,
                    ) as session,
                    session.begin(),
                ):
                    yield session
        except PoolTimeout as error:
            POOL_REFUSALS.inc()
            raise Busy from error

    async def rows(
        self,
        statement: LiteralString,
        values: Mapping[str, object],
        *,
        is_planned_once: bool = True,
    ) -> list[Any]:
        """Execute one statement as a transaction of its own, and return its rows by name.

        The driver executes it with no session around it, at a third of the processor time.

        Raises:
            Busy: If no connection became free in time; nothing was done.
            DBAPIError: As from a session.
        """
        with tracing.event("postgres"):
            engine = self._planned_engine if is_planned_once else self._engine
            try:
                lent = await greenlet_spawn(engine.pool.connect)
            except PoolTimeout as error:
                POOL_REFUSALS.inc()
                raise Busy from error
            except psycopg.Error as error:
                raise _translated(error, engine.dialect) from error
            driver = cast("_Driver", lent.driver_connection)
            try:
                await driver.set_autocommit(True)
                async with driver.cursor(row_factory=namedtuple_row) as cursor:
                    await cursor.execute(statement, values)
                    return await cursor.fetchall() if cursor.description else []
            except psycopg.Error as error:
                raise _translated(error, engine.dialect) from error
            finally:
                # Also if the caller is cancelled meanwhile: a connection is never lost.
                await asyncio.shield(asyncio.create_task(_give_back(lent, driver)))

    async def close(self) -> None:
        """Close every connection."""
        for engine in self.engines:
            await engine.dispose()
