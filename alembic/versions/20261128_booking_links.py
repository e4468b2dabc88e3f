"""Versions of booking links, and a mail with the code that confirms a change of contact.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_OLD_KINDS = (
    "confirmation",
    "confirmation_again",
    "contact_changed",
    "event_changed",
    "event_cancelled",
    "late_payment",
    "refunded",
    "refund_paid",
)
_TABLES = ("message_outbox", "event_notices")


def _allow(*kinds: str) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    for table in _TABLES:
        name = op.f(f"ck_{table}_kind_known")
        op.drop_constraint(name, table)
        op.create_check_constraint(name, table, f"kind IN ({listed})")


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("bookings", sa.Column("link_version", sa.Integer(), nullable=True))
    op.add_column("event_notices", sa.Column("changes", sa.Text(), nullable=True))
    _allow(*_OLD_KINDS, "contact_code")


def downgrade() -> None:
    """Revert the revision; messages of the new kind are lost with it."""
    op.execute(
        "DELETE FROM delivery_events d USING message_outbox m "
        "WHERE m.id = d.message_id AND m.kind = 'contact_code'"
    )
    op.execute("DELETE FROM message_outbox WHERE kind = 'contact_code'")
    _allow(*_OLD_KINDS)
    op.drop_column("event_notices", "changes")
    op.drop_column("bookings", "link_version")
