"""How many tickets one network may hold unpaid, decided in the statement that holds them.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

# What a network has paid for widens its share: a carrier's customers buy, a hoarder does not.
_NETWORK_ROOM = """
CREATE FUNCTION network_room(
    the_event text, the_network text, percent int, but_of text, OUT live bigint, OUT room bigint
)
LANGUAGE sql VOLATILE AS $$
    SELECT held.live, greatest(0, (
        SELECT coalesce(sum(t.capacity), 0) FROM tiers t WHERE t.event_id = the_event
    ) * percent / 100 + held.paid - held.live)
    FROM (
        SELECT coalesce(sum(l.quantity) FILTER (WHERE i.status IN ('held', 'paying')), 0) AS live,
            coalesce(sum(l.quantity) FILTER (
                WHERE i.status = 'confirmed' AND i.total_paise > 0), 0) AS paid
        FROM intents i JOIN intent_lines l ON l.intent_id = i.id
        WHERE i.event_id = the_event AND i.network = the_network
            AND i.status IN ('held', 'paying', 'confirmed') AND i.id IS DISTINCT FROM but_of
    ) AS held
$$
"""
# Asks without a network are only passed on. Locks are taken in the order of their keys, so that
# two calls never wait for each other in a circle. One hold of a network is always possible, and
# an ask of someone who holds already takes nothing.
_HOLD_WITHIN = """
CREATE FUNCTION hold_units_within(
    networks text[], percent int,
    ask_ids text[], event_ids text[], visitor_ids text[], subtotals bigint[], fees bigint[],
    currencies text[], hold_seconds int[], first_lines int[], line_counts int[],
    line_ids text[], tier_ids text[], quantities int[], prices bigint[], starts int[]
) RETURNS TABLE (
    place bigint, expires_at timestamptz, as_of timestamptz, reached int[],
    short_tier_id text, free int, is_contended boolean, is_held boolean, is_crowded boolean
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    allowed int[];
BEGIN
    PERFORM pg_advisory_xact_lock(k.key) FROM (
        SELECT DISTINCT hashtextextended('network ' || a.event_id || ' ' || a.network, 0) AS key
        FROM unnest(event_ids, networks) AS a (event_id, network)
        WHERE a.network IS NOT NULL ORDER BY 1
    ) AS k;
    WITH asks AS (
        SELECT a.*, (
            SELECT sum(q) FROM unnest(
                quantities[a.first_line : a.first_line + a.line_count - 1]) AS q
        ) AS wanted
        FROM unnest(event_ids, visitor_ids, networks, first_lines, line_counts)
            WITH ORDINALITY AS a (event_id, visitor_id, network, first_line, line_count, place)
    ), rooms AS (
        SELECT n.event_id, n.network, r.live, r.room
        FROM (SELECT DISTINCT event_id, network FROM asks WHERE network IS NOT NULL) AS n
        CROSS JOIN LATERAL network_room(n.event_id, n.network, percent, NULL) AS r
    ), counted AS (
        SELECT asks.*, rooms.live, rooms.room,
            sum(wanted) OVER (PARTITION BY event_id, network ORDER BY asks.place) AS total
        FROM asks LEFT JOIN rooms USING (event_id, network)
    )
    SELECT coalesce(array_agg(c.place ORDER BY c.place), '{}') INTO allowed
    FROM counted AS c
    WHERE c.network IS NULL OR c.total <= c.room OR (c.live = 0 AND c.total = c.wanted)
        OR EXISTS (
            SELECT FROM intents i WHERE i.event_id = c.event_id
                AND i.visitor_id = c.visitor_id AND i.status IN ('held', 'paying'));
    RETURN QUERY
        SELECT allowed[h.place]::bigint, h.expires_at, h.as_of, h.reached, h.short_tier_id,
            h.free, h.is_contended, h.is_held, false
        FROM hold_units(
            ARRAY(SELECT ask_ids[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT event_ids[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT visitor_ids[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT subtotals[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT fees[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT currencies[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT hold_seconds[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT first_lines[p] FROM unnest(allowed) AS p),
            ARRAY(SELECT line_counts[p] FROM unnest(allowed) AS p),
            line_ids, tier_ids, quantities, prices, starts
        ) AS h
        UNION ALL
        SELECT a.place, NULL, hold_clock(), '{}', NULL, 0, false, false, true
        FROM unnest(ask_ids) WITH ORDINALITY AS a (id, place)
        WHERE a.place <> ALL (allowed);
    UPDATE intents i SET network = a.network
    FROM unnest(ask_ids, networks) AS a (id, network)
    WHERE i.id = a.id AND a.network IS NOT NULL;
END $$
"""


def upgrade() -> None:
    """Apply the revision."""
    op.add_column("intents", sa.Column("network", sa.Text(), nullable=True))
    op.create_index(
        "ix_intents_network",
        "intents",
        ["event_id", "network"],
        postgresql_where=sa.text("network IS NOT NULL"),
    )
    op.execute(_NETWORK_ROOM)
    op.execute(_HOLD_WITHIN)


def downgrade() -> None:
    """Take the revision back."""
    op.execute("DROP FUNCTION hold_units_within")
    op.execute("DROP FUNCTION network_room")
    op.drop_index("ix_intents_network", table_name="intents")
    op.drop_column("intents", "network")
