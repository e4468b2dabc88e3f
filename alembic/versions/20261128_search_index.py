"""One index for finding bookings and attendees by what people type, without an extension.

Revision ID: 0020
Revises: 0019
"""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

# Combining marks go, so that "é" is found by "e" however it was typed.
_FOLD = """
CREATE FUNCTION fold_text(
    name text, email text DEFAULT '', phone text DEFAULT '', ref text DEFAULT ''
) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ' ' || regexp_replace(regexp_replace(normalize(lower(translate(
        name || ' ' || email || ' ' || phone || ' ' || ref, '’‘`´', '''''''''')), NFKD),
        '[\u0300-\u036f]', '', 'g'), '\\s+', ' ', 'g')
$$
"""
# Three runs, each a letter later, give every group of three letters.
_GRAMS = """
CREATE FUNCTION text_grams(folded text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_to_array(regexp_replace(folded, '(...)', '\\1' || chr(1), 'g'), chr(1))
        || string_to_array(regexp_replace(substr(folded, 2), '(...)', '\\1' || chr(1), 'g'), chr(1))
        || string_to_array(regexp_replace(substr(folded, 3), '(...)', '\\1' || chr(1), 'g'), chr(1))
$$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.execute(_FOLD)
    op.execute(_GRAMS)
    op.execute(
        "CREATE INDEX ix_bookings_search ON bookings USING gin (text_grams("
        "fold_text(name, email, phone, ref)))"
    )
    op.execute(
        "CREATE INDEX ix_tickets_attendee ON tickets USING gin (text_grams("
        "fold_text(attendee_name))) WHERE attendee_name <> ''"
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_index("ix_tickets_attendee", table_name="tickets")
    op.drop_index("ix_bookings_search", table_name="bookings")
    op.execute("DROP FUNCTION text_grams")
    op.execute("DROP FUNCTION fold_text")
