"""Rehearsals: events that are nobody's sale, and what the console starts and shows of them.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column(
        "events", sa.Column("is_rehearsal", sa.Boolean(), server_default="false", nullable=False)
    )
    op.alter_column("events", "is_rehearsal", server_default=None)
    op.create_table(
        "rehearsals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("wish", postgresql.JSONB(), nullable=False),
        sa.Column("progress", postgresql.JSONB(), nullable=True),
        sa.Column("report", postgresql.JSONB(), nullable=True),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('running', 'kept', 'broken', 'stopped')",
            name=op.f("ck_rehearsals_status_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rehearsals")),
    )
    op.create_index(
        "uq_rehearsals_running",
        "rehearsals",
        ["status"],
        unique=True,
        postgresql_where=sa.text("status = 'running'"),
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table("rehearsals")
    op.drop_column("events", "is_rehearsal")
