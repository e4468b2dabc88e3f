"""The index of bookings whose contact was changed, by all spellings of their email address.

Revision ID: 0028
Revises: 0027
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(
        "ix_bookings_changed_email",
        "bookings",
        ["event_id", sa.text("email_key(email)")],
        postgresql_where=sa.text("link_version IS NOT NULL"),
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index("ix_bookings_changed_email", table_name="bookings")
