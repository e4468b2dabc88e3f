"""The engine, and the only way to open a transaction."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypeVar, cast

from sqlalchemy import Select, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import InvalidatePoolError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import (
    AsyncConnection,
    AsyncEngine,
    AsyncSession,
    create_async_engine,
)
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from surge_app.errors import Busy
from surge_app.observability import tracing
from surge_app.observability.metrics import POOL_IN_USE, POOL_REFUSALS, POOL_SIZE
from surge_app.settings import SESSION_OPTIONS

LARGEST_POOL = 16
"""Most connections one process opens."""

_TRUSTED_SECONDS = 1.0
_PREPARED_AFTER = 3
_POOL_TIMEOUT_SECONDS = 20


def sqlalchemy_url(url: str) -> URL:
    """Turn a `postgresql://` URL into one for SQLAlchemy with the psycopg driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


_Row = TypeVar("_Row")


def locked(query: Select[_Row]) -> Select[_Row]:
    """Return the query with `FOR UPDATE` and fresh values.

    Otherwise rows already loaded in the session would keep their old values.
    """
    return query.with_for_update().execution_options(populate_existing=True)


def _ping_after_a_pause(engine: AsyncEngine) -> None:
    """Ping a connection before use only if it was idle.

    `pool_pre_ping` pings at every checkout, which costs each transaction a round trip.
    """
    dialect, pool = engine.dialect, cast("AsyncAdaptedQueuePool", engine.pool)

    @event.listens_for(engine.sync_engine, "checkin")
    def note(_connection: object, record: ConnectionPoolEntry) -> None:  # pyright: ignore[reportUnusedFunction] - the pool keeps it
        record.info["idle_since"] = time.monotonic()
        # The caller returns it right after this.
        POOL_IN_USE.set(pool.checkedout() - 1)

    @event.listens_for(engine.sync_engine, "checkout")
    def ask(connection: DBAPIConnection, record: ConnectionPoolEntry, _proxy: object) -> None:  # pyright: ignore[reportUnusedFunction] - the pool keeps it
        POOL_IN_USE.set(pool.checkedout())
        idle_since = record.info.get("idle_since")
        if idle_since is None or time.monotonic() - idle_since < _TRUSTED_SECONDS:
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
        options = {} if is_pooled else {"options": SESSION_OPTIONS}
        # Server-side prepared statements break behind PgBouncer in transaction mode. Elsewhere they
        # save parsing and planning, which cost more than executing these short statements.
        self._engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=_POOL_TIMEOUT_SECONDS,
            # Contact details must not reach a log with an error of the database.
            hide_parameters=True,
            connect_args={
                "application_name": application_name,
                "prepare_threshold": None if is_pooled else _PREPARED_AFTER,
                **options,
            },
        )
        _ping_after_a_pause(self._engine)
        POOL_SIZE.set(pool_size)

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
    async def statement(self) -> AsyncGenerator[AsyncConnection]:
        """Yield a connection in autocommit mode for a single statement.

        This saves the round trips of BEGIN and COMMIT.

        Raises:
            Busy: If no connection became free in time; nothing was done.
        """
        try:
            with tracing.event("postgres"):
                async with self._engine.connect() as connection:
                    yield await connection.execution_options(isolation_level="AUTOCOMMIT")
        except PoolTimeout as error:
            POOL_REFUSALS.inc()
            raise Busy from error

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()
