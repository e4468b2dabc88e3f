"""Rehearsals started from the admin area, with their progress and report."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from surge_app.models import base


class RehearsalStatus(StrEnum):
    """running -> kept (no invariant violated) | broken | stopped (it did not finish)."""

    RUNNING = "running"
    PASSED = "kept"
    BROKEN = "broken"
    STOPPED = "stopped"


class Rehearsal(SQLModel, table=True):
    """One rehearsal; a unique index lets only one run at a time.

    Attributes:
        wish: The requested options.
        progress: The latest sample.
        report: Figures and violations.
        page: The report as HTML.
        problem: Why it stopped, in a sentence.
        seen_at: Last heartbeat of its process; an old one means that the process is gone.
    """

    __tablename__ = "rehearsals"
    __table_args__ = (
        base.one_of("status", RehearsalStatus),
        Index(
            "uq_rehearsals_running",
            "status",
            unique=True,
            postgresql_where=text("status = 'running'"),
        ),
    )

    id: str = base.id_field()
    status: str = base.text_field(default=RehearsalStatus.RUNNING)
    started_by: str = base.text_field()
    request: dict[str, Any] = Field(sa_type=JSONB, sa_column_kwargs={"name": "wish"})
    progress: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    report: dict[str, Any] | None = Field(default=None, sa_type=JSONB)
    page: str = base.text_field(default="")
    problem: str = base.text_field(default="")
    created_at: datetime = base.created_field()
    seen_at: datetime = base.time_field()
