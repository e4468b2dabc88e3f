"""The transaction engine: sale windows, free tickets, partial refunds, outages of the gateway.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
# Read afresh by every statement, and under a lock that ends with its transaction: whoever closes
# an outage waits for all who saw it open, and shifts the deadlines they wrote.
_HOLD_CLOCK = """
CREATE FUNCTION hold_clock() RETURNS timestamptz LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    outage record;
    now_is timestamptz := clock_timestamp();
BEGIN
    SELECT opened_at, cap_seconds INTO outage FROM gateway_outages WHERE closed_at IS NULL;
    IF NOT FOUND THEN
        RETURN clock_timestamp();
    END IF;
    RETURN now_is
        - LEAST(now_is - outage.opened_at, make_interval(secs => outage.cap_seconds));
END $$
"""
_REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or deleted', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
_APPEND_ONLY = ("ledger_entries", "audit_log")
# Rows of these two change many times in a minute: cleaned up early, and without pauses.
_CHURNING = ("units", "intents")


def upgrade() -> None:
    """Apply the revision."""
    _create_tables()
    _widen_catalog()
    _widen_money()
    op.execute(_HOLD_CLOCK)
    op.execute(_REFUSE_CHANGE)
    for table in _APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    for table in _CHURNING:
        op.execute(
            f"ALTER TABLE {table} SET (autovacuum_vacuum_scale_factor = 0.02, "
            "autovacuum_vacuum_threshold = 500, autovacuum_vacuum_cost_delay = 0, "
            "autovacuum_analyze_scale_factor = 0.05)"
        )


def downgrade() -> None:
    """Take the revision back; what the older schema cannot say is refused, not lost."""
    for table in _CHURNING:
        op.execute(
            f"ALTER TABLE {table} RESET (autovacuum_vacuum_scale_factor, "
            "autovacuum_vacuum_threshold, autovacuum_vacuum_cost_delay, "
            "autovacuum_analyze_scale_factor)"
        )
    for table in _APPEND_ONLY:
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_never_emptied ON {table}")
    op.execute("DROP FUNCTION refuse_change()")
    op.execute("DROP FUNCTION hold_clock()")
    _narrow_money()
    _narrow_catalog()
    op.drop_table("gateway_outages")
    op.drop_table("unmatched_payments")


def _create_tables() -> None:
    op.create_table(
        "unmatched_payments",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("amount_paise", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("seen_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("resolved_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmatched_payments")),
    )
    op.create_index(
        "ix_unmatched_payments_open",
        "unmatched_payments",
        ["seen_at"],
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "gateway_outages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("opened_at", _TIME, server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", _TIME, nullable=True),
        sa.Column("cap_seconds", sa.Integer(), nullable=False),
        sa.CheckConstraint("cap_seconds >= 0", name=op.f("ck_gateway_outages_cap_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_outages")),
    )
    op.create_index(
        "uq_gateway_outages_one_open",
        "gateway_outages",
        ["provider"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _widen_catalog() -> None:
    op.add_column(
        "tiers", sa.Column("min_per_booking", sa.Integer(), nullable=False, server_default="1")
    )
    op.alter_column("tiers", "min_per_booking", server_default=None)
    op.add_column("tiers", sa.Column("max_per_booking", sa.Integer(), nullable=True))
    op.add_column("tiers", sa.Column("sales_open_at", _TIME, nullable=True))
    op.add_column("tiers", sa.Column("sales_close_at", _TIME, nullable=True))
    op.drop_constraint(op.f("ck_tiers_price_at_least_one_rupee"), "tiers")
    for name, rule in (
        ("price_free_or_one_rupee", "price_paise = 0 OR price_paise >= 100"),
        ("min_per_booking_sane", "min_per_booking BETWEEN 1 AND 100"),
        (
            "max_per_booking_sane",
            "max_per_booking IS NULL OR max_per_booking BETWEEN min_per_booking AND 100",
        ),
        ("sales_window_sane", "sales_close_at > sales_open_at"),
    ):
        op.create_check_constraint(op.f(f"ck_tiers_{name}"), "tiers", rule)
    _replace_check("units", "status_known", "status IN ('available', 'held', 'sold', 'withdrawn')")
    _replace_check(
        "units",
        "held_by_an_intent",
        "(status IN ('available', 'withdrawn')) = (intent_id IS NULL)",
    )


def _narrow_catalog() -> None:
    _replace_check("units", "held_by_an_intent", "(status = 'available') = (intent_id IS NULL)")
    _replace_check("units", "status_known", "status IN ('available', 'held', 'sold')")
    for name in (
        "sales_window_sane",
        "max_per_booking_sane",
        "min_per_booking_sane",
        "price_free_or_one_rupee",
    ):
        op.drop_constraint(op.f(f"ck_tiers_{name}"), "tiers")
    op.create_check_constraint(
        op.f("ck_tiers_price_at_least_one_rupee"), "tiers", "price_paise >= 100"
    )
    for column in ("sales_close_at", "sales_open_at", "max_per_booking", "min_per_booking"):
        op.drop_column("tiers", column)


def _widen_money() -> None:
    op.add_column("intents", sa.Column("next_check_at", _TIME, nullable=True))
    op.add_column("intents", sa.Column("checks", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_intents_next_check",
        "intents",
        ["next_check_at"],
        postgresql_where=sa.text("next_check_at IS NOT NULL"),
    )
    # Orders that wait for their money when the new columns come must not be forgotten.
    op.execute(
        "UPDATE intents SET next_check_at = clock_timestamp() "
        "WHERE order_id IS NOT NULL AND status <> 'confirmed' "
        "AND paying_at > clock_timestamp() - interval '4 days'"
    )
    _replace_check(
        "intents",
        "amounts_sane",
        "subtotal_paise >= 0 AND fee_paise >= 0 AND (subtotal_paise > 0 OR fee_paise = 0)",
    )
    op.alter_column("refunds", "next_attempt_at", existing_type=_TIME, nullable=True)
    op.add_column("ledger_entries", sa.Column("refund_id", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_ledger_entries_refund_id_refunds"),
        "ledger_entries",
        "refunds",
        ["refund_id"],
        ["id"],
    )
    op.drop_constraint(op.f("uq_ledger_entries_payment_id_kind"), "ledger_entries")
    # Until now a payment had one refund at most.
    op.execute(
        "UPDATE ledger_entries g SET refund_id = r.id FROM refunds r "
        "WHERE r.payment_id = g.payment_id "
        "AND g.kind IN ('refund_owed', 'refund_fee_owed', 'refunded')"
    )
    for name, column, is_there in (
        ("uq_ledger_entries_once_per_payment", "payment_id", "refund_id IS NULL"),
        ("uq_ledger_entries_once_per_refund", "refund_id", "refund_id IS NOT NULL"),
    ):
        op.create_index(
            name,
            "ledger_entries",
            [column, "kind"],
            unique=True,
            postgresql_where=sa.text(is_there),
        )


def _narrow_money() -> None:
    for name in ("uq_ledger_entries_once_per_refund", "uq_ledger_entries_once_per_payment"):
        op.drop_index(name, table_name="ledger_entries")
    op.create_unique_constraint(
        op.f("uq_ledger_entries_payment_id_kind"), "ledger_entries", ["payment_id", "kind"]
    )
    op.drop_constraint(op.f("fk_ledger_entries_refund_id_refunds"), "ledger_entries")
    op.drop_column("ledger_entries", "refund_id")
    op.execute("UPDATE refunds SET next_attempt_at = now() WHERE next_attempt_at IS NULL")
    op.alter_column("refunds", "next_attempt_at", existing_type=_TIME, nullable=False)
    _replace_check("intents", "amounts_sane", "subtotal_paise > 0 AND fee_paise >= 0")
    op.drop_index("ix_intents_next_check", table_name="intents")
    op.drop_column("intents", "checks")
    op.drop_column("intents", "next_check_at")


def _replace_check(table: str, name: str, rule: str) -> None:
    op.drop_constraint(op.f(f"ck_{table}_{name}"), table)
    op.create_check_constraint(op.f(f"ck_{table}_{name}"), table, rule)
