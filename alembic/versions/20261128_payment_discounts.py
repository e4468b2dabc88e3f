"""By how much an offer of the gateway lowered the order of a payment.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_CHECK = "ck_payments_discount_positive"


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("payments", sa.Column("discount_paise", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f(_CHECK), "payments", "discount_paise > 0")


def downgrade() -> None:
    """Take the revision back."""
    op.drop_constraint(op.f(_CHECK), "payments", type_="check")
    op.drop_column("payments", "discount_paise")
