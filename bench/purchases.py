"""Whole purchases per second, from the hold to the messages, and settling alone.

The gateway is the sandbox's own rules in this process, with real signatures: what is measured is
the engine and not somebody's web server. A purchase is hold, order, capture, callback verified,
payment fetched, and settled into booking, tickets, ledger and messages.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import psycopg

from bench.harness import Pace, Sale, admit, open_sale, pace, servers
from surge_app.container import Container, running
from surge_app.services.checkout.views import OrderLine
from surge_app.services.payments.views import CheckoutView
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings
from tests.engine.gateway import InProcessGateway

_TARGET = 450
_PURCHASES = 3_000
_ROUNDS = 3
_CALLERS = (1, 20, 100)
_ROWS = """
SELECT (SELECT count(*) FROM bookings b WHERE b.event_id = e.id) AS bookings,
       (SELECT count(*) FROM message_outbox m JOIN bookings b ON b.id = m.booking_id
        WHERE b.event_id = e.id) AS messages
FROM events e WHERE e.id = %s
"""


def main() -> None:
    """Measure with 1, 20 and 100 buyers at a time."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    gateway = InProcessGateway(sandbox_keys(settings))
    async with running(settings, process="bench", gateway=gateway) as services:
        for callers in _CALLERS:
            for _ in range(_ROUNDS):
                await _round(services, settings, gateway, callers)


async def _round(
    services: Container, settings: Settings, gateway: InProcessGateway, callers: int
) -> None:
    calls = _PURCHASES if callers > 1 else _PURCHASES // 10
    sale = await open_sale(services, units=2 * (calls + 20 * callers))
    bought = await purchases(services, settings, sale, gateway, callers=callers, calls=calls)
    await _require_rows(settings, sale, calls + callers * 10)
    settled = await settles(services, settings, sale, callers=callers, calls=calls)
    gateway.webhooks.clear()
    print(
        f"purchases, {callers:3} buyers: {bought.per_second:5,.0f}/s (p50 {bought.p50_ms:.1f} ms, "
        f"p99 {bought.p99_ms:.1f} ms), ratio to {_TARGET}/s {bought.per_second / _TARGET:.2f}; "
        f"settle alone {settled.per_second:5,.0f}/s (p50 {settled.p50_ms:.1f} ms, "
        f"p99 {settled.p99_ms:.1f} ms)",
        flush=True,
    )


async def purchases(
    services: Container,
    settings: Settings,
    sale: Sale,
    gateway: InProcessGateway,
    *,
    callers: int,
    calls: int,
) -> Pace:
    """Let `calls` visitors buy one ticket each, from the hold to the booking."""
    warm_up = callers * 10
    visitors = iter(admit(settings, sale, calls + warm_up))

    async def buy() -> None:
        checkout = await _order(services, sale, visitors)
        done = await gateway.attempt(checkout.order_id or "", "captured")
        outcome = await services.payments.settle_callback(
            order_id=done.order_id, payment_id=done.payment_id, signature=done.signature
        )
        assert outcome.status == "confirmed"

    return await pace(buy, callers=callers, calls=calls, warm_up=warm_up)


async def settles(
    services: Container, settings: Settings, sale: Sale, *, callers: int, calls: int
) -> Pace:
    """Settle captured payments of orders that were made beforehand."""
    visitors = iter(admit(settings, sale, calls))
    payments: list[GatewayPayment] = []

    async def order() -> None:
        checkout = await _order(services, sale, visitors)
        payments.append(captured(checkout))

    await pace(order, callers=50, calls=calls)
    left = iter(payments)
    return await pace(lambda: services.settlement.settle(next(left)), callers=callers, calls=calls)


async def _order(services: Container, sale: Sale, visitors: Iterator[str]) -> CheckoutView:
    visitor = next(visitors)
    intent, _ = await services.intents.start(sale.slug, visitor, [OrderLine(sale.tier_id, 1)])
    return await services.payments.start(
        intent.id,
        visitor,
        name="Asha Rao",
        email=f"{visitor.lower()}@example.com",
        phone=f"+919{secrets.randbelow(10**9):09d}",
    )


def captured(checkout: CheckoutView) -> GatewayPayment:
    """Return the captured payment of an order, as the gateway would tell of it."""
    return GatewayPayment(
        id=f"pay_{secrets.token_hex(7)}",
        order_id=checkout.order_id or "",
        amount_paise=checkout.amount_paise,
        currency=checkout.currency,
        status=GatewayPaymentStatus.CAPTURED,
        method="upi",
    )


async def _require_rows(settings: Settings, sale: Sale, count: int) -> None:
    async with await psycopg.AsyncConnection.connect(settings.database_url or "") as connection:
        row = await (await connection.execute(_ROWS, (sale.event_id,))).fetchone()
    assert row == (count, 2 * count), row
