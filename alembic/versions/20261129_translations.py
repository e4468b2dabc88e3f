"""The texts of an event that its organizer writes in several languages.

Revision ID: 0034
Revises: 0033
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    column = sa.Column("translations", sa.Text(), server_default="", nullable=False)
    op.add_column("events", column)


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("events", "translations")
