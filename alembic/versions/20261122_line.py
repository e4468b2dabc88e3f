"""Numbers and the order of a line that outlive Redis.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column(
        "events", sa.Column("queue_order", sa.Text(), server_default="fifo", nullable=False)
    )
    op.add_column("events", sa.Column("queue_seed", sa.Text(), server_default="", nullable=False))
    # The lines of before kept no account of their numbers; none had a million.
    op.add_column(
        "events", sa.Column("line_floor", sa.BigInteger(), server_default="1000000", nullable=False)
    )
    op.add_column("events", sa.Column("line_early", sa.Integer(), nullable=True))
    op.execute("UPDATE events SET queue_seed = replace(gen_random_uuid()::text, '-', '')")
    for name in ("queue_order", "queue_seed", "line_floor"):
        op.alter_column("events", name, server_default=None)
    op.create_check_constraint(
        op.f("ck_events_queue_order_known"), "events", "queue_order IN ('fifo', 'random')"
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_constraint(op.f("ck_events_queue_order_known"), "events")
    for name in ("line_early", "line_floor", "queue_seed", "queue_order"):
        op.drop_column("events", name)
