"""How many browsers opened the pages of an event, in each sample of a sale.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("board_samples", sa.Column("visits", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("board_samples", "visits")
