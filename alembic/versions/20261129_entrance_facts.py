"""What to bring to an event, and how its venue is reached without steps.

Revision ID: 0033
Revises: 0032
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for name in ("what_to_bring", "accessibility"):
        op.add_column("events", sa.Column(name, sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    """Take the revision back."""
    for name in ("accessibility", "what_to_bring"):
        op.drop_column("events", name)
