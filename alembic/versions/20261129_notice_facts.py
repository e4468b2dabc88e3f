"""The changed facts of a notice, so that each buyer reads them in their language.

Revision ID: 0035
Revises: 0034
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("event_notices", sa.Column("changed", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("event_notices", "changed")
