"""Statements that the driver executes itself: whole, in order, and failing as a session does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import psycopg.waiting
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from surge_app.db.engine import Database, execute
from surge_app.models import AuditEntry, IntentStatus
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
    assert database.connections_in_use() == 0
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
        async with database.transaction() as session:
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
    show = "SELECT current_setting('plan_cache_mode') AS mode"
    modes = [
        (await database.rows(show, {}, is_planned_once=is_planned_once))[0].mode
        for is_planned_once in (True, False)
    ]
    async with database.planned_transaction() as planned:
        modes += [row.mode for row in await (await execute(planned, show, {})).fetchall()]
    async with database.transaction() as session:
        modes.append(await session.scalar(text(show)))
    assert modes == ["force_generic_plan", "auto", "force_generic_plan", "auto"]
    await database.close()


async def test_a_transaction_of_the_driver_is_whole_or_nothing(backing: Settings) -> None:
    database = Database(backing.database_url or "", pool_size=1)
    values = {"id": "whole-or-nothing"}
    add = """
    INSERT INTO audit_log (id, actor, action, subject, before, after)
    VALUES (%(id)s, 'a', 'b', %(id)s, '{}', '{}')
    """
    count = "SELECT count(*) AS number FROM audit_log WHERE subject = %(id)s"

    async def write(times: int) -> None:
        async with database.planned_transaction() as transaction:
            for _ in range(times):
                await execute(transaction, add, values)

    for _ in range(4):
        with pytest.raises(IntegrityError):
            await write(2)
        assert (await database.rows(count, values))[0].number == 0
    for left_after in range(40):
        writing = asyncio.create_task(write(2))
        for _ in range(left_after):
            await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert (database.connections_in_use(), (await database.rows(count, values))[0].number) == (0, 0)
    await write(1)
    assert (await database.rows(count, values))[0].number == 1
    await database.close()


async def test_a_connection_that_the_server_ended_is_not_lent_again(backing: Settings) -> None:
    database = Database(backing.database_url or "", pool_size=6)
    ask = "SELECT pg_backend_pid() AS pid, %(n)s::int AS n"
    before = {
        row[0].pid for row in await asyncio.gather(*(database.rows(ask, {"n": n}) for n in "12"))
    }
    end = "SELECT pg_terminate_backend(pid) FROM unnest(%(pids)s::int[]) AS pid"
    await database.rows(end, {"pids": list(before)}, is_planned_once=False)

    async def answers() -> bool:
        try:
            return (await database.rows(ask, {"n": 3}))[0].pid not in before
        except OperationalError:
            # The server's word may not have come yet.
            return False

    await eventually(answers, about="a new connection")
    await database.close()


async def test_arrays_arrive_as_they_were_sent(backing: Settings) -> None:
    database = Database(backing.database_url or "", pool_size=1)
    words = [
        "",
        " a ",
        "NULL",
        "null",
        "{}",
        ",",
        '"',
        "\\",
        '\\\\"',
        "a\nb\tc",
        "नमस्ते 🎟️",
        "'; --",
        None,
    ]
    sent: dict[str, list[Any]] = {
        "words": [*words, IntentStatus.PAYING],
        "numbers": [0, -1, 2**62, None],
        "flags": [True, False, None],
        "blobs": [b"", bytes(range(256)), None],
        "moments": [datetime(2026, 11, 29, 7, 1, 2, 345678, UTC), None],
        "none": [],
    }
    (row,) = await database.rows(
        """SELECT %(words)s::text[] AS words, %(numbers)s::bigint[] AS numbers,
            %(flags)s::boolean[] AS flags, %(blobs)s::bytea[] AS blobs,
            %(moments)s::timestamptz[] AS moments, %(none)s::text[] AS none""",
        sent,
    )
    assert row._asdict() == sent
    await database.close()


async def test_an_array_that_postgres_cannot_store_is_refused(backing: Settings) -> None:
    database = Database(backing.database_url or "", pool_size=1)
    for values in (["a\0b"], [["nested"]]):
        with pytest.raises(DBAPIError):
            await database.rows("SELECT %(values)s::text[]", {"values": values})
    await database.close()
