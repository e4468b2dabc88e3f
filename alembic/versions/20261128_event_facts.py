"""When an event ends and its doors open, where it is, and for whom.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for name in ("ends_at", "doors_open_at"):
        op.add_column("events", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("events", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("events", sa.Column("age_limit", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    for name in ("age_limit", "address", "doors_open_at", "ends_at"):
        op.drop_column("events", name)
