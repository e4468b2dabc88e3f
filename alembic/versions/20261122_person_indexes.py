"""An index for each contact of a person; a hold, which knows neither yet, is in none of them.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the revision."""
    for column in ("email", "phone"):
        op.create_index(
            f"ix_intents_{column}",
            "intents",
            ["event_id", column],
            postgresql_where=sa.text(f"{column} IS NOT NULL"),
        )
    op.drop_index("ix_intents_person", table_name="intents")


def downgrade() -> None:
    """Take the revision back."""
    op.create_index("ix_intents_person", "intents", ["event_id", "phone", "email"])
    op.drop_index("ix_intents_phone", table_name="intents")
    op.drop_index("ix_intents_email", table_name="intents")
