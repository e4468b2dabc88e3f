"""A mail that says a refund has been sent by the gateway.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
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
    _allow(*_OLD_KINDS, "refund_paid")


def downgrade() -> None:
    """Take the revision back; messages of the new kind are lost with it."""
    op.execute(
        "DELETE FROM delivery_events d USING message_outbox m "
        "WHERE m.id = d.message_id AND m.kind = 'refund_paid'"
    )
    op.execute("DELETE FROM message_outbox WHERE kind = 'refund_paid'")
    _allow(*_OLD_KINDS)
