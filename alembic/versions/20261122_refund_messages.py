"""Messages about a refund name it, so that each tells its own amount.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("message_outbox", sa.Column("refund_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_message_outbox_refund_id_refunds"),
        "message_outbox",
        "refunds",
        ["refund_id"],
        ["id"],
    )
    # Until now a payment had one refund at most, and what told of it was told once.
    op.execute(
        "UPDATE message_outbox o SET refund_id = r.id FROM refunds r "
        "JOIN payments p ON p.id = r.payment_id "
        "WHERE p.intent_id = o.intent_id AND ("
        "(o.kind = 'refunded' AND p.disposition = 'applied') "
        "OR (o.kind = 'late_payment' AND p.disposition = 'refund'))"
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_constraint(op.f("fk_message_outbox_refund_id_refunds"), "message_outbox")
    op.drop_column("message_outbox", "refund_id")
