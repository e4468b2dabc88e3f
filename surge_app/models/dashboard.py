"""Sampled history of a sale, for the charts of the dashboard."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from surge_app.models import base


class HistorySample(SQLModel, table=True):
    """The figures of a sale at one moment; after two days one an hour is kept."""

    __tablename__ = "board_samples"
    __table_args__ = (Index("ix_board_samples_at", "at"),)

    event_id: str = base.reference("events.id", primary_key=True, ondelete="CASCADE")
    at: datetime = base.time_field(primary_key=True)
    sold: int
    held: int
    available: int
    bookings: int
    revenue_paise: int = base.paise_field()
    waiting: int
    inside: int
    admitted: int
    visits: int | None = Field(default=None, sa_type=BigInteger)
