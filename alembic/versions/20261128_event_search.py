"""Where an event is and what kind it is, as the list of events is searched by.

Revision ID: 0029
Revises: 0028
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for name in ("city", "category"):
        op.add_column("events", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    folded = "fold_text(name, venue, city, organizer_name)"
    op.add_column(
        "events", sa.Column("search_text", sa.Text(), sa.Computed(folded, persisted=True))
    )


def downgrade() -> None:
    """Take the revision back."""
    for name in ("search_text", "category", "city"):
        op.drop_column("events", name)
