"""The engine, and the only way to open a transaction."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias, TypeVar, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Select, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from surge_app.db.driver_pool import (
    POOL_TIMEOUT_SECONDS,
    PREPARED_AFTER,
    Driver,
    DriverPool,
    DriverTransaction,
    has_input,
    translated,
)
from surge_app.errors import Busy
from surge_app.observability import tracing
from surge_app.observability.metrics import POOL_IN_USE, POOL_REFUSALS, POOL_SIZE
from surge_app.settings import SESSION_OPTIONS

Transaction: TypeAlias = AsyncSession | DriverTransaction
"""What `execute` takes."""

LARGEST_POOL = 16
"""Most connections one process opens."""

_TRUSTED_SECONDS = 1.0
# A network that forgets idle connections says nothing.
_MAX_TRUSTED_SECONDS = 60.0
# Of those, for statements that the driver executes: planned once, or anew for what they are asked.
_PLANNED_CONNECTIONS, _REPLANNED_CONNECTIONS = 5, 3
_PLANNED_ONCE = " -c plan_cache_mode=force_generic_plan"


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
    session: Transaction, statement: LiteralString, values: Mapping[str, object]
) -> psycopg.AsyncCursor[Any]:
    """Execute a statement by the driver itself, in a transaction of either kind.

    What waits in a session is written before. It takes a third of the processor time of
    `session.execute`.

    Raises:
        DBAPIError: As from the session.
    """
    if isinstance(session, DriverTransaction):
        return await session.execute(statement, values)
    if session.new or session.dirty or session.deleted:
        await session.flush()
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    driver = cast("Driver", raw.driver_connection)
    cursor = driver.cursor(row_factory=namedtuple_row)
    try:
        return await cursor.execute(statement, values)
    except psycopg.Error as error:
        raise translated(error) from error


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
        driver = cast("Driver | None", record.driver_connection)
        if not is_old and driver is not None and not has_input(driver):
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            # The other pooled connections were cut off together with this one.
            raise InvalidatePoolError from error


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
        planned = max(1, pool_size * _PLANNED_CONNECTIONS // LARGEST_POOL)
        replanned = max(1, pool_size * _REPLANNED_CONNECTIONS // LARGEST_POOL)
        options = None if is_pooled else SESSION_OPTIONS
        self._engine = self._connect(
            url, application_name, max(1, pool_size - planned - replanned), options
        )
        self._planned, self._replanned = (
            DriverPool(
                url,
                size=size,
                application_name=application_name,
                options=options and options + mode,
                note=self._note_use,
            )
            for size, mode in ((planned, _PLANNED_ONCE), (replanned, ""))
        )
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
            pool_timeout=POOL_TIMEOUT_SECONDS,
            # Few connections then do the work of a quiet time, with what they have prepared.
            pool_use_lifo=True,
            # Contact details must not reach a log with an error of the database.
            hide_parameters=True,
            connect_args={
                "application_name": application_name,
                "prepare_threshold": PREPARED_AFTER if options else None,
                **({"options": options} if options else {}),
            },
        )
        _ping_when_ended(engine, self.connections_in_use)
        return engine

    def connections_in_use(self) -> int:
        """Return how many connections are lent."""
        pool = cast("AsyncAdaptedQueuePool", self._engine.pool)
        return pool.checkedout() + self._planned.in_use + self._replanned.in_use

    def _note_use(self) -> None:
        POOL_IN_USE.set(self.connections_in_use())

    @property
    def engine(self) -> AsyncEngine:
        """The engine, for streaming reads and session-level locks."""
        return self._engine

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncSession]:
        """Open a transaction: committed when the block ends, rolled back when it raises.

        Never await a vendor inside the block; a row lock would last as long as its answer.

        Raises:
            Busy: If no connection became free in time; nothing was done.
        """
        try:
            with tracing.event("postgres"):
                async with (
                    AsyncSession(self._engine, expire_on_commit=False) as session,
                    session.begin(),
                ):
                    yield session
        except PoolTimeout as error:
            POOL_REFUSALS.inc()
            raise Busy from error

    @asynccontextmanager
    async def planned_transaction(self) -> AsyncGenerator[DriverTransaction]:
        """Open a transaction for `execute` alone, whose statements are planned once.

        That is right if they find a few rows by an index, whatever they are asked for.

        Raises:
            Busy: If no connection became free in time; nothing was done.
            DBAPIError: As from a session.
        """
        with tracing.event("postgres"):
            async with self._planned.transaction() as transaction:
                yield transaction

    async def rows(
        self,
        statement: LiteralString,
        values: Mapping[str, object],
        *,
        is_planned_once: bool = True,
    ) -> list[Any]:
        """Execute one statement as a transaction of its own, and return its rows by name.

        Raises:
            Busy: If no connection became free in time; nothing was done.
            DBAPIError: As from a session.
        """
        pool = self._planned if is_planned_once else self._replanned
        with tracing.event("postgres"):
            async with pool.lend() as driver:
                cursor = await driver.execute(statement, values)
                return await cursor.fetchall() if cursor.description else []

    async def close(self) -> None:
        """Close every connection."""
        self._planned.close()
        self._replanned.close()
        await self._engine.dispose()
