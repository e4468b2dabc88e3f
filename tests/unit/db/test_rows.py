"""Rows that are made without the constructor of their table equal those that are made with it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import inspect
from sqlmodel import SQLModel

from surge_app import models
from surge_app.models.base import create_row

_TABLES = [
    table
    for table in vars(models).values()
    if isinstance(table, type) and issubclass(table, SQLModel) and hasattr(table, "__table__")
]


def _content(row: SQLModel) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if name != "_sa_instance_state"}


@pytest.mark.parametrize("table", _TABLES, ids=lambda table: table.__name__)
def test_a_row_has_the_defaults_of_its_table_and_is_new(table: type[SQLModel]) -> None:
    required = {name: name for name, field in table.model_fields.items() if field.is_required()} | {
        "id": "one"
    }
    required = {name: one for name, one in required.items() if name in table.model_fields}
    made, built = create_row(table, **required), table(**required)
    assert _content(made) == _content(built)
    assert inspect(made).transient
    assert inspect(built).transient


def test_two_rows_share_neither_an_id_nor_a_change() -> None:
    first, second = (create_row(models.Booking, ref="A", name="A") for _ in range(2))
    assert first.id != second.id
    first.name = "B"
    assert second.name == "A"


def test_the_first_row_of_a_process_can_be_read_before_a_session_opens() -> None:
    program = (
        "from surge_app.models import OutboxMessage as Row\n"
        "from surge_app.models.base import create_row\n"
        "print(create_row(Row, kind='sold', trace='one').trace)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "one"
