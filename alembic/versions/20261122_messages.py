"""Messages: attempts whose outcome is unknown, what providers tell of them, notices to everyone.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OLD_KINDS = ("confirmation", "late_payment", "refunded")
_KINDS = (
    "confirmation",
    "confirmation_again",
    "contact_changed",
    "event_changed",
    "event_cancelled",
    "late_payment",
    "refunded",
)
_TIME = sa.DateTime(timezone=True)
_WAITING = sa.text("status IN ('pending', 'sending')")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def upgrade() -> None:
    """Apply the revision."""
    op.create_table(
        "event_notices",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("reached", sa.Text(), nullable=True),
        sa.Column("bookings", sa.Integer(), nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", _TIME, nullable=True),
        sa.CheckConstraint(_one_of("kind", _KINDS), name=op.f("ck_event_notices_kind_known")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_notices_event_id_events")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_notices")),
    )
    op.create_index(
        "ix_event_notices_open",
        "event_notices",
        ["id"],
        postgresql_where=sa.text("done_at IS NULL"),
    )
    _extend_outbox()
    op.create_table(
        "delivery_events",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("created_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            _one_of("channel", ("email", "sms")), name=op.f("ck_delivery_events_channel_known")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message_outbox.id"],
            name=op.f("fk_delivery_events_message_id_message_outbox"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_events")),
        sa.UniqueConstraint("channel", "key", name=op.f("uq_delivery_events_channel_key")),
    )
    op.create_index("ix_delivery_events_message", "delivery_events", ["message_id"])


def _extend_outbox() -> None:
    table = "message_outbox"
    op.add_column(table, sa.Column("unknowns", sa.Integer(), server_default="0", nullable=False))
    for name, kind in {
        "notice_id": sa.Text(),
        "first_tried_at": _TIME,
        "delivery": sa.Text(),
        "delivery_detail": sa.Text(),
        "delivery_at": _TIME,
    }.items():
        op.add_column(table, sa.Column(name, kind, nullable=True))
    op.create_foreign_key(
        op.f("fk_message_outbox_notice_id_event_notices"),
        table,
        "event_notices",
        ["notice_id"],
        ["id"],
    )
    op.drop_constraint(op.f("ck_message_outbox_kind_known"), table)
    op.create_check_constraint(op.f("ck_message_outbox_kind_known"), table, _one_of("kind", _KINDS))
    op.create_check_constraint(
        op.f("ck_message_outbox_delivery_known"),
        table,
        _one_of("delivery", ("deferred", "delivered", "bounced", "failed")),
    )
    op.drop_index("ix_message_outbox_due", table)
    op.create_index(
        "ix_message_outbox_due", table, ["channel", "next_attempt_at"], postgresql_where=_WAITING
    )
    op.create_index(
        "ix_message_outbox_trouble",
        table,
        ["id"],
        postgresql_where=sa.text("status = 'dead' OR delivery IN ('bounced', 'failed')"),
    )


def downgrade() -> None:
    """Take the revision back; messages of the new kinds are lost with it."""
    table = "message_outbox"
    op.drop_table("delivery_events")
    op.execute(f"DELETE FROM {table} WHERE NOT ({_one_of('kind', _OLD_KINDS)})")  # noqa: S608  constants above
    op.drop_index("ix_message_outbox_trouble", table)
    op.drop_index("ix_message_outbox_due", table)
    op.create_index("ix_message_outbox_due", table, ["next_attempt_at"], postgresql_where=_WAITING)
    op.drop_constraint(op.f("ck_message_outbox_delivery_known"), table)
    op.drop_constraint(op.f("ck_message_outbox_kind_known"), table)
    op.create_check_constraint(
        op.f("ck_message_outbox_kind_known"), table, _one_of("kind", _OLD_KINDS)
    )
    op.drop_constraint(op.f("fk_message_outbox_notice_id_event_notices"), table)
    for name in (
        "delivery_at",
        "delivery_detail",
        "delivery",
        "first_tried_at",
        "notice_id",
        "unknowns",
    ):
        op.drop_column(table, name)
    op.drop_table("event_notices")
