"""Admin accounts created by the operator, and open admin sessions."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index
from sqlmodel import SQLModel

from surge_app.models import base


class Role(StrEnum):
    """An organizer may do everything; the scanner (stored as `door`) only checks tickets in."""

    ORGANIZER = "organizer"
    SCANNER = "door"


class AdminAccount(SQLModel, table=True):
    """An admin user beside the one from the settings."""

    __tablename__ = "admin_accounts"
    __table_args__ = (
        base.one_of("role", Role),
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9._@-]{0,59}$'", name="name_form"),
    )

    name: str = base.text_field(primary_key=True)
    role: str = base.text_field()
    password_hash: str = base.text_field()
    created_at: datetime = base.created_field()


class AdminSession(SQLModel, table=True):
    """An open admin session; a cookie without its row is void.

    Attributes:
        id: SHA-256 of the cookie's secret, so that a copy of the table opens nothing.
        credential: Fingerprint of the password used; a new password ends the session.
    """

    __tablename__ = "admin_sessions"
    __table_args__ = (Index("ix_admin_sessions_user", "user_name"),)

    id: str = base.text_field(primary_key=True)
    user_name: str = base.text_field()
    credential: str = base.text_field()
    created_at: datetime = base.created_field()
    expires_at: datetime = base.time_field()
