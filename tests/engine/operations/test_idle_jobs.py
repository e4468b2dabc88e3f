"""Jobs rest until there is something to do, and notice it however it came about."""

# APScheduler 3 has no types, and redis-py has them only in part.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, cast

import psycopg
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text

from surge_app.clock import new_id
from surge_app.db import due_work, engine
from surge_app.db.due_work import DueWork
from surge_app.db.engine import Database
from surge_app.jobs import schedule
from surge_app.jobs.runner import Runner
from surge_app.jobs.schedule import Job
from surge_app.kv import keys
from surge_app.kv.queue import QueueStore
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.redis_sync import QueueSync
from surge_app.settings import Settings
from tests.conftest import eventually
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import PRICE_PAISE, Sale


async def _read(settings: Settings) -> DueWork:
    url = settings.direct_url or ""
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        return await due_work.read(connection)


@asynccontextmanager
async def _runner(sale: Sale, job: Job) -> AsyncGenerator[Runner]:
    post = await Post.of(sale)
    runner = Runner([job], post.dispatcher, sale.services.telemetry)
    runner.scheduler.start(paused=True)
    runner.lead()
    try:
        yield runner
    finally:
        await runner.stop()
        with suppress(asyncio.CancelledError):
            await runner._dispatching


async def test_a_hold_is_due_when_it_ends(new_sale: NewSale, backing: Settings) -> None:
    sale = await new_sale(2)
    intent, _ = await sale.hold()
    seconds = (await _read(backing)).seconds_until("holds")
    assert seconds is not None
    assert 0 < seconds <= intent.remaining_seconds + 1
    await sale.let_time_pass(intent.id)
    assert (await _read(backing)).seconds_until("holds") == 0


async def test_a_change_of_an_event_is_another_version_of_the_sales(
    new_sale: NewSale, backing: Settings
) -> None:
    sale = await new_sale(2)
    before = (await _read(backing)).sales_version
    await sale.execute("UPDATE tiers SET position = position WHERE id = :id", id=sale.tier_ids[0])
    assert (await _read(backing)).sales_version != before


async def test_a_job_rests_until_work_is_due_and_then_runs(new_sale: NewSale) -> None:
    has_run = asyncio.Event()

    async def run() -> None:
        has_run.set()

    job = Job("expire-holds", 0.01, run, lambda work: work.seconds_until("holds"))
    async with _runner(await new_sale(2), job) as runner:
        runner.schedule(DueWork({}))
        await asyncio.wait_for(_is_planned(runner, is_planned=False), 60)
        has_run.clear()
        runner.schedule(DueWork({"holds": time.monotonic() + 3600}))
        await asyncio.wait_for(_is_planned(runner, is_planned=True), 60)
        assert not has_run.is_set()
        runner.schedule(DueWork({"holds": time.monotonic()}))
        await asyncio.wait_for(has_run.wait(), 60)


async def _is_planned(runner: Runner, *, is_planned: bool) -> None:
    async def check() -> bool:
        planned = cast("Any", runner.scheduler.get_job("expire-holds"))
        return planned is not None and (planned.next_run_time is not None) == is_planned

    await eventually(check, about="the plan")


async def test_a_queue_that_no_one_uses_is_left_alone_until_someone_comes(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    services = sale.services
    sync = QueueSync(services.database, QueueStore(services.redis), personal_below=1_000)

    async def last_tick() -> object:
        return await services.redis.execute_command(
            "HGET", keys.part(sale.slug, "counters"), "last_tick"
        )

    await sync.run()
    before = await last_tick()
    await sync.run()
    assert await last_tick() == before
    await services.waiting_room.join(sale.slug, Visitor(new_id()))
    joined = await last_tick()
    assert joined != before
    await sync.run()
    assert sale.slug not in sync._sent
    assert not sync.is_idle


async def test_who_reads_the_figures_of_an_empty_queue_does_not_use_it(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    services = sale.services
    store = QueueStore(services.redis)
    sync = QueueSync(services.database, store, personal_below=1_000)
    await sync.run()
    sync.used.clear()
    # A call that comes within half a second of the last one leaves no trace anyway.
    await services.redis.hincrby(keys.part(sale.slug, "counters"), "last_tick", -2_000)
    await store.stats(sale.slug)
    await sync.run()
    assert sale.slug not in sync.used
    await services.waiting_room.join(sale.slug, Visitor(new_id()))
    await store.stats(sale.slug)
    await sync.run()
    assert sale.slug in sync.used


async def test_a_queue_that_redis_lost_is_opened_again_although_no_one_uses_it(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    services = sale.services
    sync = QueueSync(services.database, QueueStore(services.redis), personal_below=1_000)
    await sync.run()
    await services.redis.delete(*keys.queue(sale.slug))
    await sync.run()
    assert await services.redis.exists(keys.part(sale.slug, "counters"))


async def test_queues_that_no_one_uses_are_not_read_again_until_someone_comes(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, unused = await new_sale(5), await new_sale(5)
    services = used.services
    store = QueueStore(services.redis)
    sync = QueueSync(services.database, store, personal_below=1000)
    sent: list[str] = []
    inner = store.sync

    async def note(slug: str, *facts: Any, **options: Any) -> object:
        sent.append(slug)
        return await inner(slug, *facts, **options)

    monkeypatch.setattr(store, "sync", note)
    sync.seconds_until_due(1)
    await sync.run_due()
    assert {used.slug, unused.slug} <= set(sent)
    sent.clear()
    await services.waiting_room.join(used.slug, Visitor(new_id()))
    for sale in (used, unused):
        await sale.counter((5, 0), cash_paise=5 * PRICE_PAISE)
    await sync.run_due()
    assert used.slug in sent
    assert unused.slug not in sent
    assert (await store.stats(used.slug)).queue.available == 0
    # A change of any event makes all of them be read again.
    sync.seconds_until_due(2)
    await sync.run_due()
    assert unused.slug in sent
    assert (await store.stats(unused.slug)).queue.available == 0


async def test_a_new_event_is_read_although_someone_holds_a_ticket(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    room = sale.services.waiting_room
    (job,) = (one for one in schedule.jobs_of(sale.services) if one.name == "publish-line")
    for version in (1, 2):
        assert job.due(DueWork({"holds": time.monotonic()}, version)) == 0
        assert room._sync._sales_version == version


async def test_a_queue_that_redis_lost_is_opened_again_without_reading_all(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5)
    services = sale.services
    sync = QueueSync(services.database, QueueStore(services.redis), personal_below=1000)
    sync.seconds_until_due(1)
    await sync.run_due()
    await services.redis.delete(*keys.queue(sale.slug))
    await sync.run_due()
    assert await services.redis.exists(keys.part(sale.slug, "counters"))


async def test_a_new_version_of_the_sales_makes_the_queues_due(new_sale: NewSale) -> None:
    sale = await new_sale(5)
    sync = QueueSync(sale.services.database, QueueStore(sale.services.redis), personal_below=1_000)
    sync.seconds_until_due(1)
    await sync.run()
    assert sync.seconds_until_due(1) > 0
    assert sync.seconds_until_due(2) == 0


async def test_a_connection_that_the_server_ended_is_replaced(
    backing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_TRUSTED_SECONDS", 0.0)
    database = Database(backing.database_url or "", application_name="surge-ended")

    async def session() -> int:
        async with database.transaction() as opened:
            return int(await opened.scalar(text("SELECT pg_backend_pid()")) or 0)

    try:
        ended = await session()
        assert await session() == ended
        async with await psycopg.AsyncConnection.connect(
            backing.database_url or "", autocommit=True
        ) as connection:
            await connection.execute("SELECT pg_terminate_backend(%s)", (ended,))

            async def is_gone() -> bool:
                cursor = await connection.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = %s", (ended,)
                )
                return await cursor.fetchone() is None

            await eventually(is_gone, about="the end of the session")
        assert await session() != ended
    finally:
        await database.close()


async def test_the_log_reads_the_queues_that_were_used_and_rests(
    new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, unused = await new_sale(5), await new_sale(5)
    services = used.services
    store = QueueStore(services.redis)
    sync = QueueSync(services.database, store, personal_below=1000)
    monkeypatch.setattr(services.waiting_room, "_sync", sync)
    read: list[str] = []
    inner = services.queue_log._store.read

    async def note(slug: str, **options: Any) -> object:
        read.append(slug)
        return await inner(slug, **options)

    monkeypatch.setattr(services.queue_log._store, "read", note)
    (job,) = (one for one in schedule.jobs_of(services) if one.name == "write-queue-log")
    nothing_due = DueWork({}, 1)

    async def write_all() -> None:
        while job.due(nothing_due) is not None:
            await job.run()

    sync.seconds_until_due(1)
    await sync.run_due()
    await write_all()
    # A process that begins does not know what happened before.
    assert {used.slug, unused.slug} <= set(read)
    read.clear()
    visitor = Visitor(new_id())
    await services.waiting_room.join(used.slug, visitor)
    await sync.run_due()
    await write_all()
    assert used.slug in read
    assert unused.slug not in read
    lines = [line async for line in services.queue_log.read(used.slug, "192.0.2.7")]
    assert '"issued":[1,1]' in "".join(lines)
    # What Redis does not answer is read again by the next run.
    monkeypatch.setattr(services.queue_log._store, "read", _refuse)
    await services.waiting_room.leave(used.slug, visitor.id)
    await sync.run_due()
    await job.run()
    assert job.due(nothing_due) == 0


async def _refuse(*_: Any, **__: Any) -> None:
    raise RedisConnectionError
