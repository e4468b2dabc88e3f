"""The board of a sale: stock, money, line, messages and gateway at one moment, and their course."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
_COURSE_FRESH_SECONDS = 5.0
_COURSE = timedelta(hours=1)
_KEPT = timedelta(days=2)
_MOST_POINTS = 120
_AROUND_A_SALE = timedelta(hours=1)
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """Where the sale stood; `sold_per_minute` is the pace since the point before."""

    at: datetime
    sold: int
    held: int
    waiting: int
    inside: int
    admitted: int
    revenue_paise: int
    sold_per_minute: float
    admitted_per_minute: float


@dataclass(frozen=True, slots=True)
class BoardView:
    """All of the board. Money is paise; `line` is None while the waiting room is away.

    `cash_paise` is the part of the revenue that was taken at the counter.

    Attributes:
        course: The last hour, the oldest first, at most 120 points.
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
    tiers: tuple[TierStats, ...]
    bookings: int
    bookings_last_minute: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    messages_pending: int
    messages_dead: int
    gateway_down_since: datetime | None
    line: QueueCounts | None
    course: tuple[HistoryPoint, ...]
    at: datetime


class Dashboard:
    """Reads boards, at most a second old and shared by everyone who looks, and samples them."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        """Keep the collaborators."""
        self._database = database
        self._waiting_room = waiting_room
        self._totals: dict[str, Totals] = {}
        self._seen: dict[str, tuple[float, BoardView]] = {}
        self._courses: dict[str, tuple[float, tuple[HistoryPoint, ...]]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def view(self, slug: str) -> BoardView:
        """Return the board of an event, drafts included; raises NotFound."""
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
        """Write down where each sale stands that is open or was a while ago; returns how many."""
        now = utc_now()
        async with self._database.transaction() as session:
            events = [one for one in await catalog_queries.events(session) if _is_on(one, now)]
            await queries.prune(session, keep=_KEPT)
        rows: list[HistorySample] = []
        for event in events:
            seen = await self._read(event.slug, with_course=False)
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
                    waiting=line.waiting + line.absent,
                    inside=line.inside,
                    admitted=line.admitted,
                )
            )
        async with self._database.transaction() as session:
            await insert_many(session, rows, on_conflict="ON CONFLICT DO NOTHING")
        self._courses.clear()
        return len(rows)

    async def _read(self, slug: str, *, with_course: bool = True) -> BoardView:
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
            if event is None:
                raise NotFound
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            found = await self._figures(session, event, tiers)
            if with_course:
                found = replace(found, course=await self._course(session, event.id))
        line = await self._line(slug)
        if line is None:
            return found
        return replace(found, line=line)

    async def _figures(self, session: AsyncSession, event: Event, tiers: list[Tier]) -> BoardView:
        now = utc_now()
        counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
        known = self._totals.get(event.id, Totals(_LONG_AGO))
        money, self._totals[event.id] = await queries.money(session, event.id, known)
        pending, dead = await queries.messages(session, event.id)
        outage = await gateway_outages.current(session)
        rows = tuple(_tier(tier, counts.get(tier.id, units.Counts())) for tier in tiers)
        return BoardView(
            slug=event.slug,
            name=event.name,
            venue=event.venue,
            time_zone=event.time_zone,
            starts_at=event.starts_at,
            sales_open_at=event.sales_open_at,
            status=event_status(event, event_view(event, tiers, counts, now).tiers, now),
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
            bookings=money.bookings,
            bookings_last_minute=money.bookings_last_minute,
            revenue_paise=money.revenue_paise,
            fees_paise=money.fees_paise,
            cash_paise=money.cash_paise,
            messages_pending=pending,
            messages_dead=dead,
            gateway_down_since=outage and outage.opened_at,
            line=None,
            course=(),
            at=now,
        )

    async def _course(self, session: AsyncSession, event_id: str) -> tuple[HistoryPoint, ...]:
        """Return the course of a sale: thousands of rows a day, and one more every ten seconds."""
        read_at, found = self._courses.get(event_id, (float("-inf"), ()))
        if time.monotonic() - read_at >= _COURSE_FRESH_SECONDS:
            found = _course(await queries.samples(session, event_id, since=_COURSE))
            self._courses[event_id] = time.monotonic(), found
        return found

    async def _line(self, slug: str) -> QueueCounts | None:
        try:
            return await self._waiting_room.stats(slug)
        except SurgeError:
            # The board must stay readable while the line is away.
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


def _course(samples: Sequence[HistorySample]) -> tuple[HistoryPoint, ...]:
    """Thin samples out to what a chart can show, and say how fast it went between them."""
    step = max(1, -(-len(samples) // _MOST_POINTS))
    # Counted from the newest, which is always shown.
    kept = list(samples[::-1][::step])[::-1]
    points: list[HistoryPoint] = []
    for before, sample in zip([None, *kept], kept, strict=False):
        minutes = (sample.at - before.at).total_seconds() / 60 if before else 0
        points.append(
            HistoryPoint(
                at=sample.at,
                sold=sample.sold,
                held=sample.held,
                waiting=sample.waiting,
                inside=sample.inside,
                admitted=sample.admitted,
                revenue_paise=sample.revenue_paise,
                sold_per_minute=_pace(before and before.sold, sample.sold, minutes),
                admitted_per_minute=_pace(before and before.admitted, sample.admitted, minutes),
            )
        )
    return tuple(points)


def _pace(before: int | None, after: int, minutes: float) -> float:
    return round(max(0, after - before) / minutes, 1) if before is not None and minutes else 0.0
