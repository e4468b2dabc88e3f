"""One key for all spellings of an email address, and when a payment was first attempted.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

# Gmail ignores dots; these providers ignore what follows a plus sign. Elsewhere both may matter.
_EMAIL_KEY = r"""
CREATE FUNCTION email_key(address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT CASE
        WHEN domain IN ('gmail.com', 'googlemail.com')
            THEN replace(split_part(mailbox, '+', 1), '.', '') || '@gmail.com'
        WHEN domain IN ('outlook.com', 'hotmail.com', 'live.com', 'icloud.com', 'me.com',
                        'protonmail.com', 'proton.me', 'fastmail.com')
            THEN split_part(mailbox, '+', 1) || '@' || domain
        ELSE mailbox || '@' || domain
    END
    FROM (SELECT lower(regexp_replace(address, '@[^@]*$', '')) AS mailbox,
                 lower(regexp_replace(address, '^.*@', '')) AS domain) AS parts
$$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(_EMAIL_KEY)
    op.create_index(
        "ix_intents_email_key",
        "intents",
        ["event_id", sa.text("email_key(email)")],
        postgresql_where=sa.text("email IS NOT NULL"),
    )
    op.add_column("intents", sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Take the revision back."""
    op.drop_column("intents", "attempted_at")
    op.drop_index("ix_intents_email_key", table_name="intents")
    op.execute("DROP FUNCTION email_key(text)")
