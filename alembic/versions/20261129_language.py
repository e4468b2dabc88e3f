"""The language of a purchase, in which its messages and documents are written.

Revision ID: 0030
Revises: 0029
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("intents", sa.Column("language", sa.Text(), server_default="en", nullable=False))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("intents", "language")
