"""Holds per second through the service, against the bare claim in SQL over as many connections."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psycopg

from surge_app.clock import new_id, utc_now
from surge_app.container import Container, running
from surge_app.embedded import backing_services
from surge_app.kv.line import LineRules, LineStore
from surge_app.launch import development_secrets
from surge_app.log import configure_logging
from surge_app.services.offers import NewEvent, NewTier
from surge_app.services.views import Line
from surge_app.settings import load_settings

_CONNECTIONS = 8
_HOLDS = 2_000
_ROUNDS = 3
_CLAIM = """
WITH picked AS (
    SELECT id FROM units WHERE tier_id = %s AND status = 'available'
    ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE units SET status = 'held', intent_id = %s FROM picked WHERE units.id = picked.id
"""
_INTENT = """
INSERT INTO intents (id, event_id, visitor_id, status, subtotal_paise, fee_paise, total_paise,
                     currency, expires_at)
SELECT %s, event_id, %s, 'held', 1, 0, 1, 'INR', now() + interval '5 minutes'
FROM tiers WHERE id = %s
"""


def main() -> None:
    """Measure on an embedded Postgres and Redis of its own."""
    with tempfile.TemporaryDirectory(prefix="surge-bench-") as folder:
        settings = development_secrets(load_settings(data_dir=Path(folder)))
        with backing_services(settings) as ready:
            environment = {**os.environ, "DATABASE_URL": ready.database_url or ""}
            subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"], env=environment, check=True
            )
            configure_logging(json=True, level=logging.WARNING)
            asyncio.run(_measure(ready))


async def _measure(settings: object) -> None:
    async with running(settings) as services:  # pyright: ignore[reportArgumentType]
        for number in range(_ROUNDS):
            product = await _rate(_through_the_service(services, await _sale(services, number)))
            limit = await _rate(_bare(services, await _sale(services, number + _ROUNDS)))
            print(
                f"holds: {product:,.0f}/s through the service, {limit:,.0f}/s bare claim and "
                f"insert, ratio {product / limit:.2f} ({_CONNECTIONS} connections, {_HOLDS} holds)"
            )


async def _sale(services: Container, number: int) -> str:
    new = NewEvent(
        slug=f"bench-{number}",
        name="Bench",
        venue="Here",
        starts_at=utc_now() + timedelta(days=1),
        tiers=(NewTier("General", 50_000, 20_000),),
        concurrent_buyers=100_000,
    )
    return await services.catalog.create(new, actor="bench")


def _through_the_service(services: Container, slug: str) -> Callable[[], Awaitable[None]]:
    store = LineStore(services.redis)
    rules = LineRules("published", None, None, False, 100_000, None, "")

    published: list[str] = []

    async def hold() -> None:
        event = await services.catalog.event(slug)
        visitor = new_id()
        if not published:
            published.append(slug)
            await store.publish_rules(slug, rules)
        await store.join(slug, visitor)
        await services.intents.start(slug, visitor, [Line(event.tiers[0].id, 1)])

    return hold


def _bare(services: Container, slug: str) -> Callable[[], Awaitable[None]]:
    pool: asyncio.Queue[psycopg.AsyncConnection[tuple[object, ...]]] = asyncio.Queue()

    async def hold() -> None:
        tier_id = (await services.catalog.event(slug)).tiers[0].id
        if pool.qsize() == 0 and len(opened) < _CONNECTIONS:
            url = services.settings.database_url or ""
            opened.append(await psycopg.AsyncConnection.connect(url))
            pool.put_nowait(opened[-1])
        connection = await pool.get()
        intent_id = new_id()
        async with connection.transaction():
            await connection.execute(_INTENT, (intent_id, intent_id, tier_id))
            await connection.execute(_CLAIM, (tier_id, intent_id))
        pool.put_nowait(connection)

    opened: list[psycopg.AsyncConnection[tuple[object, ...]]] = []
    return hold


async def _rate(hold: Callable[[], Awaitable[None]]) -> float:
    async def work() -> None:
        for _ in range(_HOLDS // _CONNECTIONS):
            await hold()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(_CONNECTIONS)))
    return _HOLDS / (time.perf_counter() - started)
