"""Who took a payment at the box office, and its reference; UPI and cards beside cash.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("payments", sa.Column("reference", sa.Text(), nullable=True))
    op.add_column("payments", sa.Column("taken_by", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("payments", "taken_by")
    op.drop_column("payments", "reference")
