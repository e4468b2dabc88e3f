"""The clock of holds through an outage, on a Postgres where nothing else happens."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from sqlalchemy import CursorResult, text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container, running
from surge_app.db.payments import gateway_outages as queries
from surge_app.errors import PaymentsPaused
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.services.events.catalog import NewEvent, NewTier
from surge_app.services.vendors.ports import (
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from surge_app.settings import Settings, load_settings
from tests.integration.failing_gateway import Guarded

HOLD = timedelta(seconds=300)
_HOLDS_EACH = 7
HOUR = timedelta(hours=1)
BUDGET = timedelta(minutes=10)
NEWS = timedelta(0)

_HOLD = text(
    "INSERT INTO intents (id, event_id, visitor_id, status, subtotal_paise, fee_paise, "
    "total_paise, currency, expires_at) SELECT :id, e.id, :id, 'held', 100, 0, 100, 'INR', "
    "hold_clock() + :hold FROM events e LIMIT 1 RETURNING expires_at"
)
_PAY = text(
    "UPDATE intents SET status = 'paying', paying_at = clock_timestamp(), "
    "expires_at = hold_clock() + :hold WHERE id = :id RETURNING expires_at"
)


@pytest.fixture(scope="module")
def backing() -> Generator[Settings]:
    with tempfile.TemporaryDirectory(prefix="surge-test-") as folder:
        settings = development_secrets(load_settings(data_dir=Path(folder)))
        with backing_services(settings) as ready:
            subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"],
                env={**os.environ, "DATABASE_URL": ready.database_url or ""},
                check=True,
                capture_output=True,
            )
            yield ready


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def alone(backing: Settings) -> AsyncGenerator[Container]:
    async with running(backing, process="test") as container:
        tier = NewTier("General", 50_000, 10)
        starts_at = utc_now() + timedelta(days=30)
        await container.organizer.create(
            NewEvent(
                slug="monsoon", name="Monsoon", venue="Hall", starts_at=starts_at, tiers=(tier,)
            ),
            actor="test",
        )
        yield container


@pytest_asyncio.fixture(autouse=True)
async def clean(alone: Container) -> None:
    await _run(alone, "DELETE FROM intents")
    await _run(alone, "DELETE FROM gateway_outages")


@pytest.fixture
def guarded(alone: Container) -> Guarded:
    return Guarded(alone)


async def _run(services: Container, statement: str, **values: object) -> Any:
    async with services.database.transaction() as session:
        result = cast("CursorResult[Any]", await session.execute(text(statement), values))
        return result.all() if result.returns_rows else None


async def _one(services: Container, statement: str, **values: object) -> Any:
    return (await _run(services, statement, **values))[0][0]


async def _begin(services: Container, failing_for: timedelta = NEWS) -> bool:
    async with services.database.transaction() as session:
        return await queries.begin(session, failing_for=failing_for, budget=BUDGET, per=HOUR)


async def _finish(services: Container) -> timedelta | None:
    async with services.database.transaction() as session:
        return await queries.finish(session)


async def _hold(services: Container, hold: timedelta = HOLD) -> tuple[str, datetime]:
    intent_id = new_id()
    async with services.database.transaction() as session:
        expires_at = await session.scalar(_HOLD, {"id": intent_id, "hold": hold})
    assert expires_at is not None
    return intent_id, expires_at


async def _deadline(services: Container, intent_id: str) -> datetime:
    return await _one(services, "SELECT expires_at FROM intents WHERE id = :id", id=intent_id)


async def test_a_hold_has_after_an_outage_the_seconds_it_had_before(alone: Container) -> None:
    before, deadline_before = await _hold(alone)
    assert await _begin(alone)
    left = await _one(alone, "SELECT expires_at - hold_clock() FROM intents")
    during, deadline_during = await _hold(alone)
    await _run(alone, "SELECT pg_sleep(0.2)")
    assert await _run(
        alone, "SELECT expires_at - hold_clock() FROM intents ORDER BY created_at"
    ) == [(left,), (HOLD,)]
    stood = await _finish(alone)
    assert stood is not None
    after, deadline_after = await _hold(alone)
    opened_at, closed_at = (await _run(alone, "SELECT opened_at, closed_at FROM gateway_outages"))[
        0
    ]
    assert closed_at - opened_at == stood >= timedelta(seconds=0.2)
    assert await _deadline(alone, before) == deadline_before + stood
    assert await _deadline(alone, during) == deadline_during + stood == closed_at + HOLD
    assert await _deadline(alone, after) == deadline_after > closed_at + HOLD


async def test_what_has_ended_gains_nothing_from_an_outage(alone: Container) -> None:
    intent_id, deadline = await _hold(alone)
    await _run(alone, "UPDATE intents SET status = 'released'")
    await _begin(alone)
    await _finish(alone)
    assert await _deadline(alone, intent_id) == deadline


async def test_parallel_holds_and_payments_are_neither_cut_short_nor_lengthened(
    alone: Container,
) -> None:
    stop = asyncio.Event()
    written: dict[str, datetime] = {}
    rng = random.Random(7)

    async def shop() -> None:
        # However slow the machine, each writes enough to meet the outages.
        for number in itertools.count():
            if stop.is_set() and number >= _HOLDS_EACH:
                return
            intent_id, written[intent_id] = await _hold(alone)
            # Paying for a hold of the last few milliseconds can make the end of an outage give
            # way; some do here, but nobody could end one if all did.
            await asyncio.sleep(rng.uniform(0, 0.3))
            async with alone.database.transaction() as session:
                await session.execute(
                    text("SELECT id FROM intents WHERE id = :id FOR UPDATE"), {"id": intent_id}
                )
                # Between the lock on the intent and the question what time it is.
                await asyncio.sleep(rng.uniform(0, 0.01))
                expires_at = await session.scalar(_PAY, {"id": intent_id, "hold": HOLD})
                await asyncio.sleep(rng.uniform(0, 0.01))
            assert expires_at is not None
            written[intent_id] = expires_at

    async def patiently(step: Any) -> None:
        while True:
            try:
                await step(alone)
            except queries.LockContended:
                continue
            return

    shoppers = [asyncio.create_task(shop()) for _ in range(8)]
    for _ in range(6):
        await patiently(_begin)
        await asyncio.sleep(0.1)
        await patiently(_finish)
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.gather(*shoppers)
    outages = await _run(
        alone, "SELECT opened_at, closed_at, cap_seconds FROM gateway_outages ORDER BY opened_at"
    )
    rows = await _run(alone, "SELECT id, status, expires_at FROM intents")
    assert len(outages) == 6
    assert len(rows) == len(written) >= len(shoppers) * _HOLDS_EACH
    for intent_id, status, expires_at in rows:
        assert status == "paying"
        asked_at = written[intent_id] - HOLD
        stood = sum((end - start for start, end, _ in outages if start >= asked_at), timedelta(0))
        assert expires_at == written[intent_id] + stood


async def test_nothing_ends_while_the_clock_stands_and_all_ends_after_the_cap(
    alone: Container,
) -> None:
    intent_id, _ = await _hold(alone, timedelta(seconds=30))
    await _run(
        alone,
        "INSERT INTO gateway_outages (id, provider, opened_at, cap_seconds) "
        "VALUES ('long', 'razorpay', clock_timestamp() - interval '300 seconds', 600)",
    )
    await _run(alone, "UPDATE intents SET expires_at = hold_clock() + interval '1 second'")
    assert await alone.intents.expire_due(paying_slack=timedelta(0)) == 0
    await alone.intents.expire(intent_id)
    assert await _one(alone, "SELECT status FROM intents") == "held"
    await _run(alone, "UPDATE gateway_outages SET cap_seconds = 200")
    assert await alone.intents.expire_due(paying_slack=timedelta(0)) == 1
    assert await _one(alone, "SELECT status FROM intents") == "expired"


async def test_an_outage_longer_than_its_cap_gives_back_the_cap(alone: Container) -> None:
    intent_id, deadline = await _hold(alone)
    await _run(
        alone,
        "INSERT INTO gateway_outages (id, provider, opened_at, cap_seconds) "
        "VALUES ('long', 'razorpay', clock_timestamp() - interval '300 seconds', 200)",
    )
    assert await _finish(alone) == timedelta(seconds=200)
    assert await _deadline(alone, intent_id) == deadline + timedelta(seconds=200)


@pytest.mark.parametrize(
    ("minutes_ago", "lasted_seconds", "cap_seconds", "left_seconds"),
    [
        (30, 400, 600, 200),
        (30, 900, 600, 0),
        (30, 900, 300, 300),
        (61, 120, 600, 540),
        (90, 400, 600, 600),
    ],
)
async def test_flapping_cannot_hold_tickets_for_ever(
    alone: Container,
    minutes_ago: int,
    lasted_seconds: int,
    cap_seconds: int,
    left_seconds: int,
) -> None:
    await _run(
        alone,
        "INSERT INTO gateway_outages (id, provider, opened_at, closed_at, cap_seconds) "
        "SELECT 'past', 'razorpay', at, at + make_interval(secs => :lasted), :cap "
        "FROM (SELECT clock_timestamp() - make_interval(mins => :ago) AS at) AS past",
        lasted=lasted_seconds,
        cap=cap_seconds,
        ago=minutes_ago,
    )
    assert await _begin(alone)
    cap = await _one(alone, "SELECT cap_seconds FROM gateway_outages WHERE closed_at IS NULL")
    # The minute between two statements of a slow machine may only add to what is left.
    assert left_seconds <= cap <= left_seconds + (60 if minutes_ago == 61 else 0)


async def test_of_many_who_open_an_outage_one_does(alone: Container) -> None:
    async def begin() -> bool:
        try:
            return await _begin(alone)
        except queries.LockContended:
            return False

    assert sum(await asyncio.gather(*(begin() for _ in range(6)))) == 1
    assert await _one(alone, "SELECT count(*) FROM gateway_outages") == 1


async def test_calls_from_before_the_end_of_an_outage_open_no_other(alone: Container) -> None:
    await _begin(alone)
    await _finish(alone)
    assert not await _begin(alone, failing_for=timedelta(minutes=5))
    assert await _begin(alone)


async def test_a_throttling_gateway_is_asked_less_and_pauses_no_payment(guarded: Guarded) -> None:
    guarded.vendor.error = ProviderThrottled("429", retry_after_seconds=30)
    before = guarded.vendor.calls
    await guarded.fail(ProviderThrottled("429", retry_after_seconds=30), 20)
    assert guarded.vendor.calls == before + 1
    assert not await guarded.outages.is_open()
    guarded.vendor.error = None
    assert await guarded.order()


async def test_failing_calls_pause_payments_in_every_process(
    alone: Container, guarded: Guarded
) -> None:
    other = Guarded(alone)
    await guarded.fail(ProviderUnavailable("down"), 5)
    with pytest.raises(PaymentsPaused) as paused:
        await other.outages.require_closed()
    assert paused.value.document()["code"] == "gateway_unavailable"
    assert paused.value.document()["retry_after_seconds"] == 5
    assert "clock is stopped" in paused.value.message
    for one in (guarded, other):
        reached = one.vendor.calls
        with pytest.raises(ProviderUnavailable):
            await one.order()
        assert one.vendor.calls == reached
    assert await other.gateway.order_payments("order_1") == []


async def test_beyond_the_cap_the_notice_does_not_claim_a_stopped_clock(
    alone: Container, guarded: Guarded
) -> None:
    await _begin(alone)
    await _run(alone, "UPDATE gateway_outages SET cap_seconds = 0")
    with pytest.raises(PaymentsPaused, match="clock runs again"):
        await guarded.outages.require_closed()


@pytest.mark.parametrize(
    "error", [ProviderOutcomeUnknown("?"), ProviderUnavailable("hangs", timed_out=True)]
)
async def test_three_silences_pause_payments(guarded: Guarded, error: Exception) -> None:
    await guarded.fail(error, 3)
    assert await guarded.outages.is_open()


async def test_a_gateway_that_refuses_us_is_not_out(guarded: Guarded) -> None:
    await guarded.fail(ProviderRejected("no"), 20)
    assert not await guarded.outages.is_open()


async def test_two_answers_in_a_row_end_the_outage(alone: Container, guarded: Guarded) -> None:
    await guarded.outages.probe()
    assert guarded.vendor.calls == 0
    await guarded.fail(ProviderUnavailable("down"), 5)
    for error in (None, ProviderUnavailable("down"), None):
        guarded.vendor.error = error
        await guarded.outages.probe()
        assert await _one(alone, "SELECT count(closed_at) FROM gateway_outages") == 0
    guarded.vendor.error = ProviderRejected("a wrong key is an answer")
    await guarded.outages.probe()
    assert await _one(alone, "SELECT count(closed_at) FROM gateway_outages") == 1
    guarded.vendor.error = None
    assert (await guarded.order()).id == "order_1"


async def test_whether_payments_are_paused_is_looked_up_once_a_second(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = 0
    inner = queries.current

    async def counted(session: Any) -> queries.OpenOutage | None:
        nonlocal looked
        looked += 1
        return await inner(session)

    monkeypatch.setattr(queries, "current", counted)
    monkeypatch.setattr("surge_app.services.vendors.circuit_breaker._RELOAD_EVERY_SECONDS", 3600)
    await asyncio.gather(*(guarded.outages.is_open() for _ in range(500)))
    assert looked == 1
