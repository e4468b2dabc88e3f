"""When a message that did not arrive was repeated.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("message_outbox", sa.Column("resolved_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Revert the revision."""
    op.drop_column("message_outbox", "resolved_at")
