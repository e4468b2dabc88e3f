"""Who came in where, and how often an organizer acted on a booking.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_WORDS = ("checked_in_gate", "checked_in_by", "scan_id")


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("tickets", sa.Column("checked_in_at", sa.DateTime(timezone=True), nullable=True))
    for name in _WORDS:
        op.add_column("tickets", sa.Column(name, sa.Text(), nullable=True))
    op.create_check_constraint(
        op.f("ck_tickets_checked_in_somewhere"),
        "tickets",
        "(checked_in_at IS NULL) = (checked_in_gate IS NULL)",
    )
    op.add_column(
        "bookings", sa.Column("version", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("bookings", "version")
    op.drop_constraint(op.f("ck_tickets_checked_in_somewhere"), "tickets")
    for name in (*_WORDS, "checked_in_at"):
        op.drop_column("tickets", name)
