"""Statements that the driver executes itself: whole, in order, and failing as a session does."""

from __future__ import annotations

import asyncio
from typing import cast

import psycopg.waiting
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from surge_app.db.engine import Database, execute
from surge_app.models import AuditEntry
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
    pools = [cast("AsyncAdaptedQueuePool", engine.pool) for engine in database.engines]

    async def is_complete() -> bool:
        return not any(pool.checkedout() for pool in pools)

    # One that a caller has left is given back a moment later.
    await eventually(is_complete, about="the pools")
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


async def test_a_statement_in_a_session_sees_what_waits_there_and_ends_with_it(
    backing: Settings,
) -> None:
    database = Database(backing.database_url or "")
    values = {"subject": "seen-and-gone"}
    count = "SELECT count(*) AS number FROM audit_log WHERE subject = %(subject)s"
    seen: list[int] = []

    async def write_twice() -> None:
        async with database.transaction(is_planned_once=True) as session:
            session.add(AuditEntry(actor="a", action="b", **values))
            seen.extend(
                row.number for row in await (await execute(session, count, values)).fetchall()
            )
            again = "INSERT INTO audit_log SELECT * FROM audit_log WHERE subject = %(subject)s"
            await execute(session, again, values)

    with pytest.raises(IntegrityError):
        await write_twice()
    assert [*seen, *(row.number for row in await database.rows(count, values))] == [1, 0]
    await database.close()


async def test_only_some_transactions_are_planned_once(backing: Settings) -> None:
    database = Database(backing.database_url or "")
    modes: list[object] = []
    for is_planned_once in (True, False):
        async with database.transaction(is_planned_once=is_planned_once) as session:
            modes.append(await session.scalar(text("SHOW plan_cache_mode")))
    assert modes == ["force_generic_plan", "auto"]
    await database.close()
