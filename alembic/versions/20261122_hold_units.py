"""The claim as a function of the database, so that its plan is pinned by the schema.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Asks are dealt with in their order, each whole or not at all: an ask that comes up short has
# written nothing, so smaller ones behind it still get what is there. Every statement is planned
# once for all calls, and the only index that serves the claim is that of the available units.
# A caller says where it found units last, and looks there first: at the head of that index lie
# the entries of all that was sold since the last vacuum, and stepping over them takes time.
_HOLD_UNITS = """
CREATE FUNCTION hold_units(
    ask_ids text[], event_ids text[], visitor_ids text[], subtotals bigint[], fees bigint[],
    currencies text[], hold_seconds int[], first_lines int[], line_counts int[],
    line_ids text[], tier_ids text[], quantities int[], prices bigint[], starts int[]
) RETURNS TABLE (
    place bigint, expires_at timestamptz, as_of timestamptz, reached int[],
    short_tier_id text, free int, is_contended boolean, is_held boolean
)
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    ask record;
    line int;
    tier text;
    wanted int;
    picked text[];
    found_ids text[];
    found_last int;
    -- Units taken earlier in this call need not be stepped over again.
    walked_tier text := '';
    walked_to int;
    empty_tiers text[] := '{}';
BEGIN
    as_of := hold_clock();
    FOR ask IN
        SELECT * FROM unnest(
            ask_ids, event_ids, visitor_ids, subtotals, fees, currencies, hold_seconds,
            first_lines, line_counts
        ) WITH ORDINALITY AS a (
            id, event_id, visitor_id, subtotal, fee, currency, seconds,
            first_line, line_count, place
        )
    LOOP
        place := ask.place;
        expires_at := NULL;
        short_tier_id := NULL;
        free := 0;
        is_contended := false;
        is_held := false;
        picked := '{}';
        reached := '{}';
        -- Looked for first, because a conflict would wait for whoever changes that intent.
        IF EXISTS (
            SELECT FROM intents i
            WHERE i.event_id = ask.event_id AND i.visitor_id = ask.visitor_id
                AND i.status IN ('held', 'paying')
        ) THEN
            RETURN NEXT;
            CONTINUE;
        END IF;
        line := ask.first_line;
        <<again>>
        WHILE line < ask.first_line + ask.line_count LOOP
            tier := tier_ids[line];
            wanted := quantities[line];
            found_ids := '{}';
            IF tier <> ALL (empty_tiers) THEN
                IF tier <> walked_tier THEN
                    walked_tier := tier;
                    walked_to := starts[line];
                END IF;
                SELECT coalesce(array_agg(f.id), '{}'), coalesce(max(f.number), walked_to)
                INTO found_ids, found_last
                FROM (
                    SELECT u.id, u.number FROM units u
                    WHERE u.tier_id = tier AND u.status = 'available' AND u.number > walked_to
                    ORDER BY u.tier_id, u.number
                    LIMIT wanted
                    FOR UPDATE SKIP LOCKED
                ) AS f;
                IF cardinality(found_ids) < wanted AND walked_to >= 0 THEN
                    walked_to := -1;
                    CONTINUE again;
                END IF;
            END IF;
            IF cardinality(found_ids) < wanted THEN
                short_tier_id := tier;
                free := (
                    SELECT count(*) FROM (
                        SELECT FROM units u
                        WHERE u.tier_id = tier AND u.status = 'available' LIMIT wanted
                    ) AS seen
                );
                is_contended := free >= wanted;
                is_held := EXISTS (
                    SELECT FROM units u WHERE u.tier_id = tier AND u.status = 'held'
                );
                IF free = 0 THEN
                    empty_tiers := empty_tiers || tier;
                END IF;
                -- What was found may serve a smaller ask behind this one.
                walked_to := -1;
                EXIT;
            END IF;
            walked_to := found_last;
            picked := picked || found_ids;
            reached := reached || found_last;
            line := line + 1;
        END LOOP;
        IF short_tier_id IS NULL THEN
            INSERT INTO intents AS i (
                id, event_id, visitor_id, status, subtotal_paise, fee_paise, total_paise,
                currency, expires_at
            )
            VALUES (
                ask.id, ask.event_id, ask.visitor_id, 'held', ask.subtotal, ask.fee,
                ask.subtotal + ask.fee, ask.currency, as_of + make_interval(secs => ask.seconds)
            )
            ON CONFLICT (event_id, visitor_id) WHERE status IN ('held', 'paying') DO NOTHING
            RETURNING i.expires_at INTO expires_at;
            IF FOUND THEN
                INSERT INTO intent_lines (id, intent_id, tier_id, quantity, unit_price_paise)
                SELECT line_ids[n], ask.id, tier_ids[n], quantities[n], prices[n]
                FROM generate_series(
                    ask.first_line, ask.first_line + ask.line_count - 1
                ) AS n;
                UPDATE units SET status = 'held', intent_id = ask.id WHERE id = ANY (picked);
            ELSE
                walked_to := -1;
            END IF;
        END IF;
        RETURN NEXT;
    END LOOP;
END $$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.create_index(
        "ix_units_held", "units", ["tier_id"], postgresql_where=sa.text("status = 'held'")
    )
    op.execute(_HOLD_UNITS)


def downgrade() -> None:
    """Take the revision back."""
    op.execute(
        "DROP FUNCTION hold_units(text[], text[], text[], bigint[], bigint[], text[], int[], "
        "int[], int[], text[], text[], int[], bigint[], int[])"
    )
    op.drop_index("ix_units_held", table_name="units", postgresql_where=sa.text("status = 'held'"))
