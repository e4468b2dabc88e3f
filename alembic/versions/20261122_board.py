"""Samples of a sale for the board, and indexes for what it counts.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)
_COUNTS = ("sold", "held", "available", "bookings", "waiting", "inside", "admitted")


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "board_samples",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _COUNTS),
        sa.Column("revenue_paise", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"],
            ["events.id"],
            name=op.f("fk_board_samples_event_id_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("event_id", "at", name=op.f("pk_board_samples")),
    )
    op.create_index("ix_board_samples_at", "board_samples", ["at"])
    op.create_index(
        "ix_bookings_taken_back",
        "bookings",
        ["event_id"],
        postgresql_where=sa.text("status <> 'confirmed'"),
    )
    op.create_index(
        "ix_message_outbox_dead",
        "message_outbox",
        ["created_at"],
        postgresql_where=sa.text("status = 'dead'"),
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index("ix_message_outbox_dead", table_name="message_outbox")
    op.drop_index("ix_bookings_taken_back", table_name="bookings")
    op.drop_table("board_samples")
