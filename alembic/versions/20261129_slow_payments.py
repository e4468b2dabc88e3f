"""How many tickets payments without an attempt may keep beyond their hold.

Revision ID: 0031
Revises: 0030
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# Rows are locked before the advisory lock, in both cases in one order, so that two calls never wait
# for each other in a circle. Only holds that need more time take the advisory lock.
_BEGIN_PAYMENTS = """
CREATE FUNCTION begin_payments(
    ids text[], order_ids text[], totals bigint[], seconds int[], grace int, check_in interval
) RETURNS TABLE (
    id text, order_id text, total_paise bigint, expires_at timestamptz, as_of timestamptz
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    needy text[];
    prolonged text[];
BEGIN
    PERFORM FROM intents i WHERE i.id = ANY (ids) ORDER BY i.id FOR UPDATE;
    SELECT coalesce(array_agg(i.id), '{}') INTO needy
    FROM unnest(ids, totals, seconds) AS x (id, total, seconds) JOIN intents i ON i.id = x.id
    WHERE i.status = 'held' AND i.expires_at > hold_clock()
        AND (i.order_id IS NOT NULL OR i.total_paise = x.total)
        AND i.expires_at < hold_clock() + make_interval(secs => least(x.seconds, grace));
    IF needy <> '{}' THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('slow payments', 0));
    END IF;
    WITH wanted AS (
        SELECT i.id, i.event_id, sum(sum(l.quantity)) OVER (
            PARTITION BY i.event_id ORDER BY i.expires_at, i.id) AS total
        FROM intents i JOIN intent_lines l ON l.intent_id = i.id
        WHERE i.id = ANY (needy) GROUP BY i.id
    ), rooms AS (
        SELECT e.id AS event_id, (
            SELECT coalesce(sum(t.capacity), 0) FROM tiers t WHERE t.event_id = e.id
        ) * e.slow_payment_percent / 100 - (
            SELECT coalesce(sum(l.quantity), 0)
            FROM intents o JOIN intent_lines l ON l.intent_id = o.id
            WHERE o.event_id = e.id AND o.status IN ('held', 'paying')
                AND o.is_prolonged AND o.attempted_at IS NULL
        ) AS room
        FROM events e WHERE e.id IN (SELECT event_id FROM wanted)
    )
    SELECT coalesce(array_agg(w.id), '{}') INTO prolonged
    FROM wanted w JOIN rooms USING (event_id) WHERE w.total <= rooms.room;
    RETURN QUERY
        UPDATE intents i SET
            order_id = coalesce(i.order_id, x.order_id),
            status = 'paying',
            paying_at = coalesce(i.paying_at, clock_timestamp()),
            next_check_at = coalesce(i.next_check_at, clock_timestamp() + check_in),
            is_prolonged = i.is_prolonged OR i.id = ANY (prolonged),
            expires_at = CASE
                WHEN i.status = 'paying' THEN i.expires_at
                WHEN i.id = ANY (prolonged)
                    THEN hold_clock() + make_interval(secs => least(x.seconds, grace))
                ELSE least(i.expires_at, hold_clock() + make_interval(secs => x.seconds))
            END
        FROM unnest(ids, order_ids, totals, seconds) AS x (id, order_id, total, seconds)
        WHERE i.id = x.id AND i.status IN ('held', 'paying') AND i.expires_at > hold_clock()
            AND (i.order_id IS NOT NULL OR i.total_paise = x.total)
        RETURNING i.id, i.order_id, i.total_paise, i.expires_at, hold_clock();
END $$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.add_column(
        "events",
        sa.Column("slow_payment_percent", sa.Integer(), server_default="20", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_events_slow_payment_percent_sane"),
        "events",
        "slow_payment_percent BETWEEN 0 AND 100",
    )
    op.add_column(
        "intents",
        sa.Column("is_prolonged", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(_BEGIN_PAYMENTS)


def downgrade() -> None:
    """Take the revision back."""
    op.execute("DROP FUNCTION begin_payments")
    op.drop_column("intents", "is_prolonged")
    op.drop_constraint(op.f("ck_events_slow_payment_percent_sane"), "events")
    op.drop_column("events", "slow_payment_percent")
