"""Processes that are killed in the middle of their work break no promise and strand nothing."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from surge_app.container import running
from surge_app.db.engine import LARGEST_POOL
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.sandbox.store import OrderBook, Orders
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings, load_settings
from tests.conftest import eventually
from tests.engine.checkout.test_concurrency import start_worker
from tests.engine.conftest import migrate
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale, open_sale

_UNITS = (400, 200)
_MAX_LISTED = 1000
_BOOKED = """
SELECT count(*) AS bookings FROM bookings b JOIN events e ON e.id = b.event_id WHERE e.slug = :slug
"""
_ENDS = """
SELECT p.id, p.disposition, count(r.id) AS refunds FROM payments p
JOIN intents i ON i.id = p.intent_id JOIN events e ON e.id = i.event_id
LEFT JOIN refunds r ON r.payment_id = p.id WHERE e.slug = :slug GROUP BY p.id, p.disposition
"""
_CONNECTIONS = "SELECT count(*) AS open FROM pg_stat_activity WHERE application_name = :name"


@pytest.fixture(scope="module")
def mortal() -> Generator[Settings]:
    """Servers that only these tests use, so that they may be killed."""
    with tempfile.TemporaryDirectory(prefix="surge-mortal-") as folder:
        settings = development_secrets(load_settings(data_dir=Path(folder)))
        with backing_services(settings) as ready:
            migrate(ready)
            yield ready


@pytest_asyncio.fixture(loop_scope="session")
async def sale(mortal: Settings) -> AsyncGenerator[Sale]:
    """A sale whose gateway every process sees alike."""
    async with running(mortal, process="test") as plain:
        gateway = InProcessGateway(sandbox_keys(mortal), Orders(lambda: plain.redis))
        async with running(mortal, process="test", gateway=gateway) as services:
            yield await open_sale(services, gateway, *_UNITS, max_per_person=8)


async def _trading(sale: Sale, *names: str, bookings: int) -> list[asyncio.subprocess.Process]:
    """Start processes that trade, and wait until they have sold something."""
    workers = [await start_worker(sale, name, work="trade") for name in names]
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write(b"go\n")
    await eventually(lambda: _has_sold(sale, bookings), about=f"{bookings} bookings")
    return workers


async def _has_sold(sale: Sale, least: int) -> bool:
    return (await sale.query(_BOOKED, slug=sale.slug))[0]["bookings"] >= least


async def _kill(worker: asyncio.subprocess.Process) -> None:
    worker.kill()
    await worker.wait()


async def _let_deadlines_pass(sale: Sale) -> None:
    for row in await sale.query(
        "SELECT i.id FROM intents i JOIN events e ON e.id = i.event_id "
        "WHERE e.slug = :slug AND i.status IN ('held', 'paying')",
        slug=sale.slug,
    ):
        await sale.let_time_pass(row["id"], 90)


async def _check_nothing_is_lost(sale: Sale) -> None:
    """Audit at once; then let every deadline pass, run the jobs, and account for every paise."""
    assert await sale.violations() == []
    await _let_deadlines_pass(sale)
    books = await _books(sale)
    for book in books:
        await sale.services.payments.settle_order(book.order["id"])
    # An attempt that is only heard of now has begun its window.
    await _let_deadlines_pass(sale)
    for _ in range(2):
        await sale.settle_down()
    assert await sale.violations() == []
    counts = await sale.counts()
    assert counts["held"] == 0
    assert counts["available"] + counts["sold"] == sum(_UNITS)
    ends = {row["id"]: row for row in await sale.query(_ENDS, slug=sale.slug)}
    for book in await _books(sale):
        for payment in book.payments.values():
            if payment["captured"]:
                end = ends[payment["id"]]
                made = [one for one in book.refunds.values() if one["payment_id"] == payment["id"]]
                assert len(made) == end["refunds"] == int(end["disposition"] == "refund"), payment


async def _books(sale: Sale) -> list[OrderBook]:
    orders = sale.gateway.books
    assert isinstance(orders, Orders)
    listed = await orders.listed(receipt=None, skip=0, count=_MAX_LISTED)
    rows = await sale.query(
        "SELECT i.order_id FROM intents i JOIN events e ON e.id = i.event_id WHERE e.slug = :slug",
        slug=sale.slug,
    )
    ours = {row["order_id"] for row in rows}
    return [book for book in listed if book.order["id"] in ours]


async def test_killing_workers_in_the_middle_strands_no_unit_and_loses_no_money(
    sale: Sale,
) -> None:
    first, second = await _trading(sale, "first", "second", bookings=15)
    await _kill(first)
    await eventually(lambda: _has_sold(sale, 30), about="30 bookings")
    await _kill(second)
    await _check_nothing_is_lost(sale)


async def test_killing_postgres_in_the_middle_breaks_no_promise(
    sale: Sale, mortal: Settings
) -> None:
    (worker,) = await _trading(sale, "survivor", bookings=15)
    sold = (await sale.query(_BOOKED, slug=sale.slug))[0]["bookings"]
    await asyncio.to_thread(_kill_postgres, mortal)
    unset = mortal.model_copy(update={"database_url": None, "redis_url": None})
    restarted = backing_services(unset)
    await asyncio.to_thread(restarted.__enter__)
    try:
        await eventually(lambda: _has_sold(sale, sold + 10), about="10 more")
        await _kill(worker)
        await _check_nothing_is_lost(sale)
    finally:
        await asyncio.to_thread(restarted.__exit__, None, None, None)


async def test_a_crowd_waits_in_line_for_the_connections_there_are(mortal: Settings) -> None:
    name = "crowd"
    gateway = InProcessGateway(sandbox_keys(mortal))
    async with running(mortal, process=name, gateway=gateway) as services:
        sale = await open_sale(services, gateway, 400, max_per_person=8)
        watched = asyncio.create_task(_most_connections(sale, f"surge-{name}"))
        holds = await asyncio.gather(*(sale.hold() for _ in range(300)))
        await asyncio.gather(*(services.intents.heartbeat(view.id, who) for view, who in holds))
        await asyncio.gather(*(services.intents.release(view.id, who) for view, who in holds))
        watched.cancel()
        most = (await asyncio.gather(watched, return_exceptions=True))[0]
        assert (await sale.counts())["available"] == 400
        assert await sale.violations() == []
    assert isinstance(most, int)
    assert 1 < most <= LARGEST_POOL


async def _most_connections(sale: Sale, name: str) -> int:
    """Count the connections of a process until cancelled; returns the most there were."""
    most = 0
    try:
        while True:
            most = max(most, (await sale.query(_CONNECTIONS, name=name))[0]["open"])
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        return most


def _kill_postgres(settings: Settings) -> None:
    """Kill the server and all it started, as a power cut would."""
    pid = int((settings.data_dir / "postgres/data/postmaster.pid").read_text().split()[0])
    head = psutil.Process(pid)
    everyone = [head, *head.children(recursive=True)]
    for process in everyone:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(everyone, timeout=10)
