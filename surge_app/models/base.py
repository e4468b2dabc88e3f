"""Shared column shapes, enum checks and constraint names of all tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, LiteralString, ParamSpec, TypeVar, cast

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Table, Text, func
from sqlalchemy.orm import configure_mappers
from sqlalchemy.orm.attributes import instance_dict, manager_of_class
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
_Values = ParamSpec("_Values")
_Row = TypeVar("_Row")


def create_row(table: Callable[_Values, _Row], *_: _Values.args, **values: _Values.kwargs) -> _Row:
    """Create a row that belongs to no session, as the constructor of its table does.

    The constructor validates nothing either, but walks every field: forty times the work.
    """
    defaults, factories = _defaults(table)
    row = cast("Any", manager_of_class(cast("type[SQLModel]", table))).new_instance()
    filled = cast("dict[str, object]", instance_dict(row))
    filled.update(defaults)
    filled.update(values)
    for name, factory in factories:
        if name not in values:
            filled[name] = factory()
    return row


@lru_cache
def _defaults(table: Any) -> tuple[Mapping[str, object], list[tuple[str, Callable[[], object]]]]:
    # A process may read its first row before it opens a session, which does this otherwise.
    configure_mappers()
    fields = cast("type[SQLModel]", table).model_fields.items()
    factories = [
        (name, cast("Callable[[], object]", field.default_factory))
        for name, field in fields
        if field.default_factory is not None
    ]
    defaults: dict[str, object] = {
        name: field.default for name, field in fields if not field.is_required()
    }
    for name, _ in factories:
        del defaults[name]
    return defaults, factories


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
