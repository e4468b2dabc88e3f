"""Figures of sales: stock, money, queue, messages and gateway now, and their history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.admin import dashboard as queries
from surge_app.db.bulk_insert import insert_many
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.payments import gateway_outages
from surge_app.errors import SurgeError
from surge_app.models import Event, EventPhase, HistorySample
from surge_app.services.admin.views import EventStats, HistoryPoint, TierStats
from surge_app.services.events.catalog import event_view
from surge_app.services.events.facts import read_facts
from surge_app.services.recent_values import RecentValues
from surge_app.services.waiting_room.service import WaitingRoom
from surge_app.services.waiting_room.views import QueueCounts

_FRESH_SECONDS = 0.75
_HISTORY_FRESH_SECONDS = 5.0
_HISTORY = timedelta(hours=1)
_RETENTION = timedelta(days=2)
_AROUND_A_SALE = timedelta(hours=1)
_FACTS = (
    *("name", "venue", "time_zone", "starts_at", "sales_open_at"),
    *("concurrent_buyers", "admissions_per_minute", "slow_payment_percent"),
    *("challenge", "queue_message"),
)


class Dashboard:
    """Reads the figures of sales, and samples them for their history."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._money = queries.MoneyReader()
        self._recent = RecentValues(self.stats, seconds=_FRESH_SECONDS)
        self._histories: dict[str, tuple[float, tuple[HistoryPoint, ...]]] = {}

    async def overview(self) -> list[EventStats]:
        """Return every event but rehearsals, drafts included, the soonest first."""
        async with self._database.transaction() as session:
            events = await catalog_queries.events(session)
            found = await self._read(session, [one for one in events if not one.is_rehearsal])
        return await self._with_queues(found)

    async def stats(self, slug: str) -> EventStats:
        """Return the figures of an event now, drafts included; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            (found,) = await self._read(session, [event])
            found = replace(found, history=await self._history(session, event.id))
        (found,) = await self._with_queues([found])
        return found

    async def recent(self, slug: str) -> EventStats:
        """Return figures that are at most a second old, read once for all who watch."""
        return await self._recent.get(slug)

    def invalidate(self, slug: str) -> None:
        """Let the next `recent` read an event again; called after a change."""
        self._recent.invalidate(slug)

    async def sample(self) -> int:
        """Store a sample of each sale that is open or closed recently; returns how many."""
        now = utc_now()
        async with self._database.transaction() as session:
            events = await catalog_queries.events_closing_after(session, now - _AROUND_A_SALE)
            sales = {one.slug: one.id for one in events if _is_on(one, now)}
            found = await self._read(session, [one for one in events if one.slug in sales])
            await queries.prune(session, keep=_RETENTION)
        rows: list[HistorySample] = []
        for stats in await self._with_queues(found):
            queue = stats.queue or QueueCounts()
            rows.append(
                HistorySample(
                    event_id=sales[stats.slug],
                    at=stats.at,
                    sold=stats.sold,
                    held=stats.held,
                    available=stats.available,
                    bookings=stats.bookings,
                    revenue_paise=stats.revenue_paise,
                    waiting=queue.waiting,
                    inside=queue.inside,
                    admitted=queue.admitted,
                    visits=queue.visits,
                )
            )
        async with self._database.transaction() as session:
            await insert_many(session, rows, on_conflict="ON CONFLICT DO NOTHING")
        self._histories.clear()
        return len(rows)

    async def _read(self, session: AsyncSession, events: Sequence[Event]) -> list[EventStats]:
        """Read what Postgres knows of events, in a few queries for all of them."""
        now, ids = utc_now(), [event.id for event in events]
        tiers = await catalog_queries.tiers(session, ids)
        counts = await units.counts_by_tier(
            session, [tier.id for some in tiers.values() for tier in some]
        )
        money = await self._money.read(session, ids)
        messages = await queries.messages(session, ids)
        outage = await gateway_outages.current(session)
        found: list[EventStats] = []
        for event in events:
            view = event_view(event, tiers.get(event.id, []), counts, now)
            rows = tuple(
                TierStats(tier.name, tier.capacity, tier.available, tier.held, tier.sold)
                for tier in view.tiers
            )
            is_draft = event.phase == EventPhase.DRAFT
            pending, dead = messages[event.id]
            found.append(
                EventStats(
                    slug=event.slug,
                    status="draft" if is_draft else view.status,
                    phase=event.phase,
                    is_paused=event.is_paused,
                    capacity=sum(row.capacity for row in rows),
                    available=view.available,
                    held=sum(row.held for row in rows),
                    sold=sum(row.sold for row in rows),
                    tiers=rows,
                    **asdict(money[event.id]),
                    **read_facts(event, _FACTS),
                    messages_pending=pending,
                    messages_dead=dead,
                    gateway_down_since=outage and outage.opened_at,
                    at=now,
                )
            )
        return found

    async def _with_queues(self, found: Sequence[EventStats]) -> list[EventStats]:
        # Redis is read after the connection is returned: it may be slow to respond.
        queues = await asyncio.gather(*(self._queue(stats.slug) for stats in found))
        return [replace(stats, queue=queue) for stats, queue in zip(found, queues, strict=True)]

    async def _history(self, session: AsyncSession, event_id: str) -> tuple[HistoryPoint, ...]:
        read_at, found = self._histories.get(event_id, (float("-inf"), ()))
        if time.monotonic() - read_at >= _HISTORY_FRESH_SECONDS:
            found = _history(await queries.samples(session, event_id, since=_HISTORY))
            self._histories[event_id] = time.monotonic(), found
        return found

    async def _queue(self, slug: str) -> QueueCounts | None:
        try:
            return await self._waiting_room.stats(slug)
        except SurgeError:
            # The figures stay readable while the waiting room does not respond.
            return None


def _is_on(event: Event, now: datetime) -> bool:
    opens = event.sales_open_at or event.created_at
    closes = event.sales_close_at or event.starts_at
    is_time = opens - _AROUND_A_SALE <= now <= closes + _AROUND_A_SALE
    return event.phase == EventPhase.PUBLISHED and is_time


def _history(samples: Sequence[HistorySample]) -> tuple[HistoryPoint, ...]:
    """Keep the last sample of each minute, with what was added since the one before."""
    minutes = {sample.at.replace(second=0, microsecond=0): sample for sample in samples}
    points: list[HistoryPoint] = []
    # The first minute adds to the sample it began with.
    for before, (minute, sample) in zip(
        [*samples[:1], *minutes.values()], minutes.items(), strict=False
    ):
        points.append(
            HistoryPoint(
                at=minute,
                sold=sample.sold,
                held=sample.held,
                waiting=sample.waiting,
                inside=sample.inside,
                admitted=sample.admitted,
                revenue_paise=sample.revenue_paise,
                sold_per_minute=max(0, sample.sold - before.sold),
                admitted_per_minute=max(0, sample.admitted - before.admitted),
            )
        )
    return tuple(points)
