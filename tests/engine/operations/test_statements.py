"""Statements that the driver executes by itself share the connections of the sessions."""

from __future__ import annotations

import asyncio
from typing import cast

import psycopg.waiting
import pytest
from sqlalchemy.exc import DataError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from surge_app.db.engine import Database
from surge_app.settings import Settings
from tests.conftest import eventually


async def test_a_caller_who_leaves_a_statement_loses_no_connection(
    backing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a busy process, the driver lets others run at each of its steps.
    monkeypatch.setattr(psycopg.waiting, "MAX_BUSY_TIME", 0.0)
    database = Database(backing.database_url or "", pool_size=3)
    for rounds in range(150):
        calls = [
            asyncio.create_task(database.rows("SELECT %(a)s::int AS one", {"a": 7}))
            for _ in range(3)
        ]
        for _ in range(rounds % 50):
            await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    pool = cast("AsyncAdaptedQueuePool", database.engine.pool)

    async def is_complete() -> bool:
        return pool.checkedout() == 0

    # One that a caller has left is given back a moment later.
    await eventually(is_complete, about="the pool")
    assert [row.one for row in await database.rows("SELECT %(a)s::int AS one", {"a": 7})] == [7]
    await database.close()


async def test_a_statement_fails_as_in_a_session_and_leaves_the_connection_usable(
    backing: Settings,
) -> None:
    database = Database(backing.database_url or "", pool_size=1)
    for _ in range(3):
        with pytest.raises(DataError):
            await database.rows("SELECT 1 / %(a)s::int", {"a": 0})
    async with database.transaction() as session:
        assert (await session.connection()).sync_connection is not None
    await database.close()
