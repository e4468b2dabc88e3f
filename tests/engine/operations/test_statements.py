"""Statements that the driver executes by itself share the connections of the sessions."""

from __future__ import annotations

import asyncio
import gc
import logging

import psycopg.waiting
import pytest
from sqlalchemy.exc import DataError

from surge_app.db.engine import Database
from surge_app.settings import Settings


async def test_a_caller_who_leaves_a_statement_loses_no_connection(
    backing: Settings, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
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
    gc.collect()
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []
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
