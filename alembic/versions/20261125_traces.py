"""Webhooks and messages remember which trace they are a part of.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for table in ("webhook_inbox", "message_outbox"):
        op.add_column(table, sa.Column("trace", sa.Text(), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    for table in ("webhook_inbox", "message_outbox"):
        op.drop_column(table, "trace")
