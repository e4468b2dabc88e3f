"""Insert many rows in one statement, with one array per column."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from typing import LiteralString, cast

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql
from sqlmodel import SQLModel

from surge_app.db.engine import Transaction, execute

_DIALECT = postgresql.dialect()


async def insert_many(
    session: Transaction, rows: Sequence[SQLModel], *, on_conflict: str = ""
) -> int:
    """Insert rows of one table that are not in the session; the database sets the timestamps.

    Args:
        session: An open transaction.
        rows: None at all is fine. Columns with a default of the database are left to it.
        on_conflict: An `ON CONFLICT` clause, a constant of the caller.

    Returns:
        How many were inserted or changed.
    """
    if not rows:
        return 0
    table = cast("Table", type(rows[0]).__table__)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    statement, columns = _insert(table, on_conflict)
    values = {name: [_plain(getattr(row, name)) for row in rows] for name in columns}
    return (await execute(session, statement, values)).rowcount


@lru_cache(maxsize=64)
def _insert(table: Table, on_conflict: str) -> tuple[LiteralString, tuple[str, ...]]:
    columns = [column for column in table.columns if column.server_default is None]
    names = ", ".join(column.name for column in columns)
    arrays = ", ".join(
        f"%({column.name})s::{column.type.compile(dialect=_DIALECT)}[]" for column in columns
    )
    statement = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays}) {on_conflict}"  # noqa: S608  names of our own schema
    return cast("LiteralString", statement), tuple(column.name for column in columns)


def _plain(value: object) -> object:
    # The driver sends a list of one type; a member of an enum would make it two.
    return value.value if isinstance(value, Enum) else value
