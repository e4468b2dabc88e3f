"""From a settled booking to a message its provider accepted, at a steady pace of bookings.

Surge runs as an operator starts it: its leader sends over the vendors' own SDKs and real HTTP to
the stand-ins. Bookings are settled beside it, in another process, and announced by Postgres. What
is measured is the database's clock from the settling transaction to the provider's yes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence

import httpx
import psycopg

from bench.harness import Nowhere, Sale, admit, open_sale
from bench.over_http import served
from bench.purchases import captured
from surge_app.container import Container, running
from surge_app.launcher.embedded_servers import backing_services
from surge_app.observability.log import configure_logging
from surge_app.services.checkout.views import OrderLine
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings
from tests.engine.gateway import InProcessGateway

_USUAL_PER_SECOND, _SURGE_PER_SECOND = 2, 20
_SECONDS = 30
_ROUNDS = 3
_OUTAGE_SECONDS = 30
_PATIENCE_SECONDS = 120
_DELAYS = """
SELECT m.channel, extract(epoch FROM m.sent_at - m.created_at) * 1000
FROM message_outbox m JOIN bookings b ON b.id = m.booking_id WHERE b.event_id = %s
"""


def main() -> None:
    """Measure at two paces, with providers that answer and with mail down for 30 s."""
    configure_logging(json=True, stream=Nowhere())
    with served() as settings, backing_services(settings) as ready:
        asyncio.run(_measure(ready))


async def _measure(settings: Settings) -> None:
    gateway = InProcessGateway(sandbox_keys(settings))
    async with running(settings, process="bench", gateway=gateway) as services:
        await _round(services, settings, gateway, pace=_SURGE_PER_SECOND, seconds=3)
        for pace in (_USUAL_PER_SECOND, *(_SURGE_PER_SECOND,) * _ROUNDS):
            found = await _round(services, settings, gateway, pace=pace, seconds=_SECONDS)
            _show(f"at {pace} bookings/s", found)
        for pace in (_USUAL_PER_SECOND, _SURGE_PER_SECOND):
            await _order_outage(settings)
            found = await _round(services, settings, gateway, pace=pace, seconds=_OUTAGE_SECONDS)
            _show(f"at {pace} bookings/s, mail down for {_OUTAGE_SECONDS} s", found)


def _show(when: str, found: dict[str, list[float]]) -> None:
    for channel, delays in sorted(found.items()):
        print(f"{channel} {when}: {_report(delays)}", flush=True)


async def _round(
    services: Container,
    settings: Settings,
    gateway: InProcessGateway,
    *,
    pace: int,
    seconds: int,
) -> dict[str, list[float]]:
    """Settle bookings at the pace, wait for their messages, and return each delay in ms."""
    count = pace * seconds
    sale = await open_sale(services, units=count)
    tasks: list[asyncio.Task[None]] = []
    started = time.perf_counter()
    for number, visitor in enumerate(admit(settings, sale, count)):
        await asyncio.sleep(max(0.0, started + number / pace - time.perf_counter()))
        tasks.append(asyncio.create_task(_buy(services, sale, visitor)))
    await asyncio.gather(*tasks)
    gateway.webhooks.clear()
    return await _delays(settings, sale, count)


async def _buy(services: Container, sale: Sale, visitor: str) -> None:
    intent, _ = await services.intents.start(sale.slug, visitor, [OrderLine(sale.tier_id, 1)])
    checkout = await services.payments.start(
        intent.id,
        visitor,
        name="Asha Rao",
        email=f"{visitor.lower()}@example.com",
        phone=f"+919{secrets.randbelow(10**9):09d}",
    )
    outcome = await services.settlement.settle(captured(checkout))
    assert outcome.status == "confirmed"


async def _delays(settings: Settings, sale: Sale, count: int) -> dict[str, list[float]]:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    async with await psycopg.AsyncConnection.connect(
        settings.database_url or "", autocommit=True
    ) as connection:
        while True:
            cursor = await connection.execute(_DELAYS, (sale.event_id,))
            rows = await cursor.fetchall()
            if len(rows) == 2 * count and all(delay is not None for _, delay in rows):
                break
            assert time.monotonic() < deadline, "Not every message was sent in time."
            await asyncio.sleep(0.5)
    found: dict[str, list[float]] = {}
    for channel, delay in rows:
        found.setdefault(channel, []).append(float(delay))
    return found


async def _order_outage(settings: Settings) -> None:
    async with httpx.AsyncClient(base_url=settings.local_url, trust_env=False) as http:
        order = {"service": "sendgrid", "mode": "down", "seconds": _OUTAGE_SECONDS}
        (await http.post("/sandbox/faults", json=order)).raise_for_status()


def _report(delays: Sequence[float]) -> str:
    ranked = sorted(delays)
    median, p99 = ranked[len(ranked) // 2], ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)]
    return (
        f"settled to accepted, median {median:,.0f} ms, p99 {p99:,.0f} ms, "
        f"slowest {ranked[-1]:,.0f} ms ({len(ranked)} messages)"
    )
