"""Event pages: who organizes, a picture, and the names of who comes.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_WORDS = ("organizer_name", "organizer_email", "organizer_phone")


def upgrade() -> None:
    """Apply the revision."""
    for name in _WORDS:
        op.add_column("events", sa.Column(name, sa.Text(), server_default="", nullable=False))
        op.alter_column("events", name, server_default=None)
    # One line of free text becomes an address where it is one, and a name otherwise.
    op.execute(
        "UPDATE events SET organizer_email = organizer_contact "
        "WHERE organizer_contact ~ '^[^[:space:]@]+@[^[:space:]@]+$'"
    )
    op.execute("UPDATE events SET organizer_name = organizer_contact WHERE organizer_email = ''")
    op.drop_column("events", "organizer_contact")
    op.add_column(
        "events",
        sa.Column("ask_attendee_names", sa.Boolean(), server_default="false", nullable=False),
    )
    op.alter_column("events", "ask_attendee_names", server_default=None)
    op.add_column("intents", sa.Column("attendee_names", postgresql.JSONB(), nullable=True))
    op.add_column(
        "tickets", sa.Column("attendee_name", sa.Text(), server_default="", nullable=False)
    )
    op.alter_column("tickets", "attendee_name", server_default=None)
    op.create_table(
        "event_covers",
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_covers_event_id_events")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_covers")),
    )


def downgrade() -> None:
    """Take the revision back."""
    op.drop_table("event_covers")
    op.drop_column("tickets", "attendee_name")
    op.drop_column("intents", "attendee_names")
    op.drop_column("events", "ask_attendee_names")
    op.add_column(
        "events", sa.Column("organizer_contact", sa.Text(), server_default="", nullable=False)
    )
    op.alter_column("events", "organizer_contact", server_default=None)
    op.execute(
        "UPDATE events SET organizer_contact = concat_ws(' · ', nullif(organizer_name, ''), "
        "nullif(organizer_email, ''), nullif(organizer_phone, ''))"
    )
    for name in _WORDS:
        op.drop_column("events", name)
