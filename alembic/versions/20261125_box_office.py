"""Sales at the counter: channels, cash, refunds paid by hand; and a log that can be searched.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ACCOUNTS = ("gateway_receivable", "ticket_revenue", "fee_revenue", "owed_to_customer")
_SEARCHED = ("actor", "action")


def _one_of(column: str, values: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"{column} IN ({listed})"


def upgrade() -> None:
    """Apply the revision."""
    _add("bookings", "channel", sa.Text(), "online")
    _check("bookings", "channel_known", "channel IN ('online', 'box_office', 'complimentary')")
    _check("bookings", "fee_is_for_online", "channel = 'online' OR fee_paise = 0")
    _check("bookings", "complimentary_is_free", "channel <> 'complimentary' OR total_paise = 0")
    _add("payments", "source", sa.Text(), "gateway")
    _check("payments", "source_known", "source IN ('gateway', 'cash')")
    _check(
        "payments",
        "cash_is_applied",
        "source = 'gateway' OR (disposition IS NOT DISTINCT FROM 'applied'"
        " AND status IN ('captured', 'refunded'))",
    )
    _add("refunds", "by_hand", sa.Boolean(), "false")
    _check(
        "refunds",
        "by_hand_asks_no_gateway",
        "NOT by_hand OR (next_attempt_at IS NULL AND gateway_id IS NULL"
        " AND status IN ('requested', 'processed'))",
    )
    op.add_column("intents", sa.Column("request_key", sa.Text(), nullable=True))
    op.create_index(
        "uq_intents_request_key",
        "intents",
        ["request_key"],
        unique=True,
        postgresql_where=sa.text("request_key IS NOT NULL"),
    )
    _accounts((*_ACCOUNTS, "cash_on_hand"))
    for column in _SEARCHED:
        op.create_index(f"ix_audit_log_{column}", "audit_log", [column, "id"])


def downgrade() -> None:
    """Take the revision back; it cannot be while the ledger knows of cash."""
    for column in _SEARCHED:
        op.drop_index(f"ix_audit_log_{column}", "audit_log")
    _accounts(_ACCOUNTS)
    op.drop_index("uq_intents_request_key", "intents")
    op.drop_column("intents", "request_key")
    for table, column in (("refunds", "by_hand"), ("payments", "source"), ("bookings", "channel")):
        op.drop_column(table, column)


def _add(table: str, name: str, kind: sa.types.TypeEngine[object], value: str) -> None:
    """Add a column whose value the rows of before get; later ones bring their own."""
    op.add_column(table, sa.Column(name, kind, server_default=value, nullable=False))
    op.alter_column(table, name, server_default=None)


def _check(table: str, name: str, condition: str) -> None:
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, condition)


def _accounts(known: tuple[str, ...]) -> None:
    for column in ("debit", "credit"):
        name = op.f(f"ck_ledger_entries_{column}_known")
        op.drop_constraint(name, "ledger_entries")
        op.create_check_constraint(name, "ledger_entries", _one_of(column, known))
