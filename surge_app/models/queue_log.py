"""The public log of each queue."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from surge_app.models.base import created_field, reference, text_field


class QueueLogEntry(SQLModel, table=True):
    """A signed line of a log; the primary key lets one process write it.

    Attributes:
        seq: From 1, without a gap.
        line: As it is published.
        line_start: Of the queue in Redis that it is about.
        log_offset: How much of the notes in Redis is written with it.
        issued: The highest number that is written of.
    """

    __tablename__ = "queue_log_entries"

    event_id: str = reference("events.id", primary_key=True, ondelete="CASCADE")
    seq: int = Field(primary_key=True)
    line: str = text_field()
    line_start: int = Field(sa_type=BigInteger)
    log_offset: int = Field(sa_type=BigInteger)
    issued: int = Field(sa_type=BigInteger)
    created_at: datetime = created_field()
