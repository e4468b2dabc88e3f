"""Whom a notice is for, and its messages found again.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("event_notices", sa.Column("booked_until", sa.DateTime(timezone=True)))
    op.create_index(
        "ix_message_outbox_notice",
        "message_outbox",
        ["notice_id"],
        postgresql_where=sa.text("notice_id IS NOT NULL"),
    )


def downgrade() -> None:
    """Revert the revision."""
    op.drop_index("ix_message_outbox_notice", table_name="message_outbox")
    op.drop_column("event_notices", "booked_until")
