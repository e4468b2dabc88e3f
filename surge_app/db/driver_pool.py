"""Connections of the driver itself, for the few statements that every purchase sends.

A session of SQLAlchemy around a statement takes several times the processor time of the statement.
"""

from __future__ import annotations

import asyncio
import select
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, LiteralString, TypeAlias

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.exc import DBAPIError

from surge_app.db.array_literals import ArrayDumper
from surge_app.errors import Busy
from surge_app.observability.metrics import POOL_REFUSALS

Driver: TypeAlias = psycopg.AsyncConnection[Any]

POOL_TIMEOUT_SECONDS = 20
"""How long a caller waits for a connection."""

PREPARED_AFTER = 3
"""After how many executions a statement is prepared."""

_TRUSTED_SECONDS = 1.0
# A network that forgets idle connections says nothing.
_MAX_TRUSTED_SECONDS = 60.0
_IDLE = psycopg.pq.TransactionStatus.IDLE
_DIALECT = PGDialect_psycopg()


class DriverTransaction:
    """An open transaction of the driver."""

    def __init__(self, connection: Driver) -> None:
        self._connection = connection

    async def execute(
        self, statement: LiteralString, values: Mapping[str, object]
    ) -> psycopg.AsyncCursor[Any]:
        """Execute a statement; its rows come by name."""
        return await self._connection.execute(statement, values)


class DriverPool:
    """Connections in autocommit; the one that was used last is lent first.

    Args:
        url: A `postgresql://` URL.
        size: Maximum connections; further callers wait.
        application_name: Shown in `pg_stat_activity`.
        options: Of a session; None behind a pooler, where nothing can be prepared either.
        note: Called whenever the number of lent connections has changed.
    """

    def __init__(
        self,
        url: str,
        *,
        size: int,
        application_name: str,
        options: str | None,
        note: Callable[[], None],
    ) -> None:
        self._url, self._note = url, note
        self._options: dict[str, Any] = {
            "application_name": application_name,
            "prepare_threshold": PREPARED_AFTER if options else None,
            **({"options": options} if options else {}),
        }
        self._slots = asyncio.Semaphore(size)
        self._idle: list[tuple[Driver, float]] = []
        self.in_use = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[DriverTransaction]:
        """Open a transaction: committed when the block ends, rolled back when it raises."""
        async with self.lend() as connection:
            await connection.execute("BEGIN")
            try:
                yield DriverTransaction(connection)
                await connection.execute("COMMIT")
            except Exception:
                if not connection.closed:
                    await connection.execute("ROLLBACK")
                raise

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[Driver]:
        """Lend a connection.

        Raises:
            Busy: If none became free in time; nothing was done.
            DBAPIError: As from a session.
        """
        try:
            async with asyncio.timeout(POOL_TIMEOUT_SECONDS):
                await self._slots.acquire()
        except TimeoutError as error:
            POOL_REFUSALS.inc()
            raise Busy from error
        self.in_use += 1
        self._note()
        try:
            connection = await self._usable()
            try:
                yield connection
            finally:
                # Nothing is awaited here: a caller who is cancelled loses no connection.
                if connection.closed or connection.info.transaction_status != _IDLE:
                    connection.pgconn.finish()
                else:
                    self._idle.append((connection, time.monotonic()))
        except psycopg.Error as error:
            raise translated(error) from error
        finally:
            self.in_use -= 1
            self._note()
            self._slots.release()

    async def _usable(self) -> Driver:
        while self._idle:
            connection, idle_since = self._idle.pop()
            idle_seconds = time.monotonic() - idle_since
            if idle_seconds < _TRUSTED_SECONDS or (
                idle_seconds < _MAX_TRUSTED_SECONDS and not has_input(connection)
            ):
                return connection
            try:
                await connection.execute("SELECT 1")
            except psycopg.Error:
                connection.pgconn.finish()
                # The others were cut off together with this one.
                self._finish_idle()
            except BaseException:
                connection.pgconn.finish()
                raise
            else:
                return connection
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, row_factory=namedtuple_row, **self._options
        )
        connection.adapters.register_dumper(list, ArrayDumper)
        return connection

    def _finish_idle(self) -> None:
        for connection, _ in self._idle:
            connection.pgconn.finish()
        self._idle.clear()

    def close(self) -> None:
        """Close every connection that is not lent."""
        self._finish_idle()


def has_input(connection: Driver) -> bool:
    """Return whether the server sent something; one that ends a connection says so."""
    if connection.closed:
        return True
    # Unlike `select`, it takes descriptors above 1,023.
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    return bool(socket.poll(0))


def translated(error: psycopg.Error) -> BaseException:
    """Return the error that a session would raise in its place; it names no values."""
    return DBAPIError.instance(
        None, None, error, psycopg.Error, hide_parameters=True, dialect=_DIALECT
    )
