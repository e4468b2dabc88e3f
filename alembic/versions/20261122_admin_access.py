"""Accounts and sessions of the console.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "admin_accounts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('organizer', 'door')", name=op.f("ck_admin_accounts_role_known")
        ),
        sa.CheckConstraint(
            "name ~ '^[a-z0-9][a-z0-9._@-]{0,59}$'", name=op.f("ck_admin_accounts_name_form")
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_admin_accounts")),
    )
    op.create_table(
        "admin_sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("created_at", _MOMENT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_admin_sessions")),
    )
    op.create_index("ix_admin_sessions_user", "admin_sessions", ["user_name"])


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table("admin_sessions")
    op.drop_table("admin_accounts")
