"""Shared column shapes, enum checks and constraint names of all tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, LiteralString, cast

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Table, Text, func
from sqlmodel import Field, SQLModel

from surge_app.clock import new_id

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

_TIMESTAMP = DateTime(timezone=True)


def columns_of(table: type[SQLModel], alias: str) -> LiteralString:
    """Return the columns of a table for a statement that the driver prepares.

    With `*` it would fail from the moment on in which a migration adds a column.
    """
    columns = cast("Table", table.__table__).columns  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    return cast("LiteralString", ", ".join(f"{alias}.{column.name}" for column in columns))


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Return the CHECK that keeps a text column inside an enum."""
    listed = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


def id_field() -> Any:
    """A primary key: a fresh ULID."""
    return Field(default_factory=new_id, sa_type=Text, primary_key=True)


def reference(target: str, **options: Any) -> Any:
    """A foreign key to `table.column`."""
    return Field(sa_type=Text, foreign_key=target, **options)


def text_field(**options: Any) -> Any:
    """A required text column, unless a default is given."""
    return Field(sa_type=Text, **options)


def paise_field(**options: Any) -> Any:
    """An amount in paise."""
    return Field(sa_type=BigInteger, **options)


def time_field(**options: Any) -> Any:
    """A UTC moment."""
    return Field(sa_type=_TIMESTAMP, **options)


def created_field() -> Any:
    """The moment of insertion, by the database's clock."""
    return Field(
        default=None,
        sa_type=_TIMESTAMP,
        nullable=False,
        sa_column_kwargs={"server_default": func.now()},
    )
