"""How long the audit takes on a million units of which a third is sold, and which query most."""

from __future__ import annotations

import asyncio
import time

from sqlalchemy import text

from bench.harness import Sale, open_sale, servers
from surge_app.container import Container, running
from surge_app.services.operations.invariants import load_queries
from surge_app.settings import Settings

_UNITS = 1_000_000
_BOOKINGS = 120_000
_EACH = 3
_SLOWEST = 3
# One row of each table for each booking, as settling would have written them.
_FILL = (
    """
    INSERT INTO units (id, tier_id, number, status)
    SELECT gen_random_uuid()::text, :tier_id, number, 'available'
    FROM generate_series(2, CAST(:units AS int)) AS number
    """,
    "UPDATE tiers SET capacity = :units WHERE id = :tier_id",
    """
    CREATE TEMP TABLE sold AS
    SELECT g AS number, 'bench-' || lpad(g::text, 9, '0') AS id,
        'SRG-' || translate(lpad(upper(to_hex(g)), 8, '0'), '01', 'GH') AS ref
    FROM generate_series(1, :bookings) g
    """,
    """
    INSERT INTO intents (id, event_id, visitor_id, status, subtotal_paise, fee_paise, total_paise,
                         currency, expires_at, paying_at, order_id, name, email, phone)
    SELECT id, :event_id, 'visitor-' || number, 'confirmed', 50000 * :each, 2500,
           50000 * :each + 2500, 'INR', now(), now(), 'order_' || number,
           'A', 'a@example.com', '+91'
    FROM sold
    """,
    """
    INSERT INTO intent_lines (id, intent_id, tier_id, quantity, unit_price_paise)
    SELECT 'l' || id, id, :tier_id, :each, 50000 FROM sold
    """,
    """
    UPDATE units SET status = 'sold',
        intent_id = 'bench-' || lpad((((number - 1) / :each) + 1)::text, 9, '0')
    WHERE tier_id = :tier_id AND number <= CAST(:bookings AS int) * :each
    """,
    """
    INSERT INTO bookings (id, ref, event_id, intent_id, status, channel, name, email, phone,
                          subtotal_paise, fee_paise, total_paise, currency)
    SELECT 'b' || id, ref, :event_id, id, 'confirmed', 'online', 'A', 'a@example.com', '+91',
           50000 * :each, 2500, 50000 * :each + 2500, 'INR' FROM sold
    """,
    """
    INSERT INTO tickets (id, booking_id, unit_id, seq, code, attendee_name, status)
    SELECT 't' || u.id, 'b' || u.intent_id, u.id, (u.number - 1) % :each + 1, u.id, '', 'valid'
    FROM units u WHERE u.tier_id = :tier_id AND u.status = 'sold'
    """,
    """
    INSERT INTO payments (id, intent_id, order_id, amount_paise, currency, status, source,
                          disposition)
    SELECT 'pay_' || number, id, 'order_' || number, 50000 * :each + 2500, 'INR', 'captured',
           'gateway', 'applied' FROM sold
    """,
    """
    INSERT INTO ledger_entries (id, payment_id, booking_id, kind, debit, credit, amount_paise)
    SELECT k.kind || id, 'pay_' || number, 'b' || id, k.kind, 'gateway_receivable', k.credit,
           k.paise
    FROM sold CROSS JOIN (VALUES ('sale', 'ticket_revenue', 50000 * :each),
                                 ('sale_fee', 'fee_revenue', 2500)) AS k (kind, credit, paise)
    """,
    """
    INSERT INTO message_outbox (id, intent_id, booking_id, channel, kind, recipient, dedupe_key,
                                status, attempts, next_attempt_at)
    SELECT c.channel || id, id, 'b' || id, c.channel, 'confirmation', 'a', c.channel || id,
           'sent', 1, now()
    FROM sold CROSS JOIN (VALUES ('email'), ('sms')) AS c (channel)
    """,
    "DROP TABLE sold",
    "ANALYZE",
)


def main() -> None:
    """Fill a database in bulk, run the audit, and explain its slowest queries."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        await fill(services, units=_UNITS, bookings=_BOOKINGS)
        started = time.perf_counter()
        results = await services.audit.run()
        seconds = time.perf_counter() - started
        broken = [result for result in results if not result.holds]
        print(
            f"audit: {len(results)} invariants on {_UNITS:,} units and {_BOOKINGS:,} bookings "
            f"in {seconds:.1f} s; broken: {[(one.code, one.offending[:1]) for one in broken]}"
        )
        await _explain(services)


async def fill(services: Container, *, units: int, bookings: int) -> Sale:
    """Open a sale with so many units and bookings of three tickets each, written in bulk."""
    sale = await open_sale(services, units=1)
    values: dict[str, object] = {
        "event_id": sale.event_id,
        "tier_id": sale.tier_id,
        "units": units,
        "bookings": bookings,
        "each": _EACH,
    }
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
        for statement in _FILL:
            await session.execute(
                text(statement), {name: values[name] for name in values if f":{name}" in statement}
            )
    return sale


async def _explain(services: Container) -> None:
    plans: list[tuple[float, str, str]] = []
    async with services.database.transaction() as session:
        await session.execute(text("SET LOCAL statement_timeout = '10min'"))
        await session.execute(text("SET LOCAL work_mem = '128MB'"))
        await session.execute(text("SET LOCAL jit = off"))
        for code, _, query in load_queries():
            started = time.perf_counter()
            rows = await session.execute(text(f"EXPLAIN ANALYZE {query}"), {"slug": None})
            plan = "\n".join(row[0] for row in rows)
            plans.append((time.perf_counter() - started, code, plan))
    for seconds, code, plan in sorted(plans, reverse=True)[:_SLOWEST]:
        print(f"\n{code}: {seconds:.2f} s\n{plan}")
