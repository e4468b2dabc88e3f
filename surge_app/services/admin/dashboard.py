"""The dashboard of a sale: stock, money, queue, messages and gateway now, and their history."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.admin import dashboard as queries
from surge_app.db.admin.dashboard import Totals
from surge_app.db.bulk_insert import insert_many
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.payments import gateway_outages
from surge_app.errors import NotFound, SurgeError
from surge_app.models import Event, EventPhase, HistorySample, Tier
from surge_app.services.admin.views import TierStats
from surge_app.services.events.catalog import event_status, event_view
from surge_app.services.waiting_room.service import WaitingRoom
from surge_app.services.waiting_room.views import QueueCounts

_FRESH_SECONDS = 0.75
_HISTORY_FRESH_SECONDS = 5.0
_HISTORY = timedelta(hours=1)
_KEPT = timedelta(days=2)
_AROUND_A_SALE = timedelta(hours=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """Where the sale stood at the end of a minute, and what that minute added."""

    at: datetime
    sold: int
    held: int
    waiting: int
    inside: int
    admitted: int
    revenue_paise: int
    sold_per_minute: int
    admitted_per_minute: int


@dataclass(frozen=True, slots=True)
class DashboardView:
    """Everything the dashboard shows. Money is paise.

    Attributes:
        withheld: Sold units whose ticket was cancelled and that are not back on sale.
        gross_paise: What was ever taken; `revenue_paise` is what is left of it after refunds.
        cash_paise: The part of the revenue that was taken at the box office.
        cash_owed_paise: Cash refunds that were not handed over yet.
        line: The queue; None while the waiting room does not respond.
        history: The last hour, a point for each minute, the oldest first.
    """

    slug: str
    name: str
    venue: str
    time_zone: str
    starts_at: datetime
    sales_open_at: datetime | None
    status: str
    phase: str
    is_paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None
    challenge: str
    queue_message: str
    capacity: int
    available: int
    held: int
    sold: int
    withheld: int
    tiers: tuple[TierStats, ...]
    bookings: int
    bookings_last_minute: int
    gross_paise: int
    refunded_paise: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    cash_owed_paise: int
    messages_pending: int
    messages_dead: int
    gateway_down_since: datetime | None
    line: QueueCounts | None
    history: tuple[HistoryPoint, ...]
    at: datetime


class Dashboard:
    """Reads sales, at most a second old and shared by all who watch, and samples them."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._totals: dict[str, Totals] = {}
        self._seen: dict[str, tuple[float, DashboardView]] = {}
        self._histories: dict[str, tuple[float, tuple[HistoryPoint, ...]]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def view(self, slug: str) -> DashboardView:
        """Return the figures of an event, drafts included; raises NotFound."""
        async with self._locks.setdefault(slug, asyncio.Lock()):
            read_at, found = self._seen.get(slug, (0.0, None))
            if found is not None and time.monotonic() - read_at < _FRESH_SECONDS:
                return found
            started = time.monotonic()
            try:
                found = await self._read(slug)
            except NotFound:
                del self._locks[slug]
                raise
            self._seen[slug] = (started, found)
            return found

    def forget(self, slug: str) -> None:
        """Read an event anew next time; called after a change."""
        self._seen.pop(slug, None)

    async def sample(self) -> int:
        """Store a sample of each sale that is open or closed recently; returns how many."""
        now = utc_now()
        async with self._database.transaction() as session:
            events = [one for one in await catalog_queries.events(session) if _is_on(one, now)]
            await queries.prune(session, keep=_KEPT)
        rows: list[HistorySample] = []
        for event in events:
            seen = await self._read(event.slug, with_history=False)
            line = seen.line or QueueCounts()
            rows.append(
                HistorySample(
                    event_id=event.id,
                    at=seen.at,
                    sold=seen.sold,
                    held=seen.held,
                    available=seen.available,
                    bookings=seen.bookings,
                    revenue_paise=seen.revenue_paise,
                    waiting=line.waiting,
                    inside=line.inside,
                    admitted=line.admitted,
                )
            )
        async with self._database.transaction() as session:
            await insert_many(session, rows, on_conflict="ON CONFLICT DO NOTHING")
        self._histories.clear()
        return len(rows)

    async def _read(self, slug: str, *, with_history: bool = True) -> DashboardView:
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
            if event is None:
                raise NotFound
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            found = await self._figures(session, event, tiers)
            if with_history:
                found = replace(found, history=await self._history(session, event.id))
        line = await self._line(slug)
        if line is None:
            return found
        return replace(found, line=line)

    async def _figures(
        self, session: AsyncSession, event: Event, tiers: list[Tier]
    ) -> DashboardView:
        now = utc_now()
        counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
        known = self._totals.get(event.id, Totals(_LONG_AGO))
        money, self._totals[event.id] = await queries.money(session, event.id, known)
        pending, dead = await queries.messages(session, event.id)
        outage = await gateway_outages.current(session)
        rows = tuple(_tier(tier, counts.get(tier.id, units.Counts())) for tier in tiers)
        return DashboardView(
            slug=event.slug,
            name=event.name,
            venue=event.venue,
            time_zone=event.time_zone,
            starts_at=event.starts_at,
            sales_open_at=event.sales_open_at,
            status="draft"
            if event.phase == EventPhase.DRAFT
            else event_status(event, event_view(event, tiers, counts, now).tiers, now),
            phase=event.phase,
            is_paused=event.is_paused,
            concurrent_buyers=event.concurrent_buyers,
            admissions_per_minute=event.admissions_per_minute,
            challenge=event.challenge,
            queue_message=event.queue_message,
            capacity=sum(row.capacity for row in rows),
            available=sum(row.available for row in rows),
            held=sum(row.held for row in rows),
            sold=sum(row.sold for row in rows),
            tiers=rows,
            **asdict(money),
            messages_pending=pending,
            messages_dead=dead,
            gateway_down_since=outage and outage.opened_at,
            line=None,
            history=(),
            at=now,
        )

    async def _history(self, session: AsyncSession, event_id: str) -> tuple[HistoryPoint, ...]:
        read_at, found = self._histories.get(event_id, (float("-inf"), ()))
        if time.monotonic() - read_at >= _HISTORY_FRESH_SECONDS:
            found = _history(await queries.samples(session, event_id, since=_HISTORY))
            self._histories[event_id] = time.monotonic(), found
        return found

    async def _line(self, slug: str) -> QueueCounts | None:
        try:
            return await self._waiting_room.stats(slug)
        except SurgeError:
            # The dashboard stays readable while the waiting room does not respond.
            return None


def _is_on(event: Event, now: datetime) -> bool:
    opens = event.sales_open_at or event.created_at
    closes = event.sales_close_at or event.starts_at
    is_time = opens - _AROUND_A_SALE <= now <= closes + _AROUND_A_SALE
    return event.phase == EventPhase.PUBLISHED and is_time


def _tier(tier: Tier, counts: units.Counts) -> TierStats:
    return TierStats(
        name=tier.name,
        capacity=tier.capacity,
        available=counts.available,
        held=counts.held,
        sold=counts.sold,
    )


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
