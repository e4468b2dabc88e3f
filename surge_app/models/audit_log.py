"""The audit log: one row per action of an organizer or operator."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from surge_app.models import base


class AuditEntry(SQLModel, table=True):
    """An action, its actor and its subject, with the values before and after."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_subject", "subject", "at"),
        Index("ix_audit_log_actor", "actor", "id"),
        Index("ix_audit_log_action", "action", "id"),
    )

    id: str = base.id_field()
    at: datetime = base.created_field()
    actor: str = base.text_field()
    action: str = base.text_field()
    subject: str = base.text_field()
    before: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
    after: dict[str, Any] = Field(default_factory=dict, sa_type=JSONB)
