"""Keeping the queues in Redis true to Postgres, and opening them again when Redis has lost them.

Numbers are issued by Redis, but only below a ceiling that was written to Postgres before, in
large steps. A queue is opened again when it is gone, and after each end of the server, which may
have lost its last seconds. It then starts above every number that may have been issued, and none
is ever issued twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, queue_numbers as queries, units
from surge_app.kv.queue import QueueLimits, QueueState, QueueStock, QueueStore
from surge_app.models import Event, Tier
from surge_app.observability.log import get_logger
from surge_app.services.waiting_room.lottery import RANDOM, commitment, positions, shuffle

_log = get_logger(__name__)

# As many numbers may be issued before the ceiling is raised again. A gap is two or three times as
# long, and costs eight bytes a number in Redis.
_MIN_RESERVE, _MAX_RESERVE = 10_000, 50_000
_RETENTION = timedelta(days=30)
LEASE_SLACK = timedelta(seconds=60)
"""How much longer than a hold its visitor's pass lasts, so that the pass never ends first."""
_MAX_CONCURRENT = 8
# A queue that no one uses is read again by its next visitor, and seldom otherwise.
_REREAD_SECONDS, _RESEND_SECONDS = 300.0, 3600.0
_BUSY_SECONDS, _IDLE_SECONDS = 1.0, 5.0
# The clock of Postgres, which opens a tier, may differ from the one here.
_NEAR = timedelta(seconds=5)
_Facts: TypeAlias = tuple[QueueLimits, QueueStock | None, int]


class QueueSync:
    """Tells the queues what Postgres knows, and does what is due once a second."""

    def __init__(self, database: Database, store: QueueStore, *, personal_below: int) -> None:
        self._database = database
        self._store = store
        self._personal_below = personal_below
        self._sent: dict[str, tuple[float, int, _Facts]] = {}
        # By slug, the id of each event and when its sale is about to change.
        self._changes: dict[str, tuple[str, float]] = {}
        self._next_at = self._read_at = float("-inf")
        self._sales_version: int | None = None
        self._read_version: int | None = None
        self._runs = set[str]()
        self.is_idle = False
        self.used: set[str] = set()
        """Queues that were in use since this was last emptied."""

    def seconds_until_due(self, sales_version: int | None) -> float:
        """Return how long the queues need nothing.

        Args:
            sales_version: Changes with every event and tier.
        """
        if sales_version != self._sales_version:
            self._sales_version, self._next_at = sales_version, float("-inf")
        return max(0.0, self._next_at - time.monotonic())

    async def run(self) -> None:
        """Look after the queue of every event whose end is not long past."""
        begun_at, version, now = time.monotonic(), self._sales_version, utc_now()
        await self._notice_restart()
        async with self._database.transaction() as session:
            events = await catalog_queries.events_closing_after(session, now - _RETENTION)
        self._changes = {event.slug: (event.id, float("inf")) for event in events}
        self._sent = {slug: self._sent[slug] for slug in self._sent if slug in self._changes}
        await self._look_after(events, now)
        self._read_at, self._read_version = begun_at, version
        self._plan(begun_at, version)

    async def run_due(self) -> None:
        """Look after the queues that visitors use, and those whose sale is about to change.

        All are looked after when an event or a tier was changed, and now and then.
        """
        begun_at, version = time.monotonic(), self._sales_version
        if version != self._read_version or begun_at - self._read_at >= _REREAD_SECONDS:
            await self.run()
            return
        await self._notice_restart()
        called = await self._store.last_calls(list(self._sent))
        # Another run may have begun meanwhile and be about to send one of them anew.
        unused = {
            slug for slug, at in called.items() if slug in self._sent and at < self._sent[slug][1]
        }
        ids = [
            event_id
            for slug, (event_id, changes_at) in self._changes.items()
            if slug not in unused or changes_at <= begun_at
        ]
        if ids:
            async with self._database.transaction() as session:
                events = await catalog_queries.events_by_ids(session, ids)
            await self._look_after(events, utc_now())
        self._plan(begun_at, version)

    async def _notice_restart(self) -> None:
        runs = await self._store.server_runs()
        if runs != self._runs:
            # Each queue has to be opened again, also one that no one uses.
            self._sent.clear()
            self._runs = runs

    async def _look_after(self, events: Sequence[Event], now: datetime) -> None:
        self._next_at = float("-inf")
        ids = [event.id for event in events]
        async with self._database.transaction() as session:
            tiers = await catalog_queries.tiers(session, ids)
            stock = {item.slug: item for item in await units.stock(session, ids)}
        some = asyncio.Semaphore(_MAX_CONCURRENT)
        wanted: dict[str, tuple[Event, _Facts]] = {}
        for event in events:
            counts = stock.get(event.slug)
            rules = _rules(
                event, _opens_at(event, tiers.get(event.id, []), counts), self._personal_below
            )
            wanted[event.slug] = event, (rules, _stock(counts), event.line_floor)
            seconds = _seconds_until_change(event, tiers.get(event.id, []), now)
            self._changes[event.slug] = event.id, time.monotonic() + seconds
            if seconds <= 0:
                self._sent.pop(event.slug, None)
        current = [slug for slug in wanted if self._is_current(*wanted[slug])]
        called = await self._store.last_calls(current)
        # Another run may have begun meanwhile and be about to send one of them anew.
        settled = {
            slug for slug, at in called.items() if slug in self._sent and at < self._sent[slug][1]
        }

        async def _sync_one(event: Event, facts: _Facts) -> None:
            async with some:
                await self._sync(event, *facts)

        # What fails for one event keeps none of the others waiting.
        done = await asyncio.gather(
            *(_sync_one(*wanted[slug]) for slug in wanted if slug not in settled),
            return_exceptions=True,
        )
        for outcome in done:
            if isinstance(outcome, BaseException):
                raise outcome

    def _plan(self, begun_at: float, version: int | None) -> None:
        self.is_idle = all(slug in self._sent for slug in self._changes)
        if version != self._sales_version:
            return
        next_change = min((at for _, at in self._changes.values()), default=float("inf"))
        pause = _BUSY_SECONDS
        if self.is_idle:
            pause = min(_IDLE_SECONDS, max(_BUSY_SECONDS, next_change - begun_at))
        self._next_at = begun_at + pause

    def _is_current(self, event: Event, facts: _Facts) -> bool:
        at, _, before = self._sent.get(event.slug, (float("-inf"), 0, None))
        return before == facts and time.monotonic() - at < _RESEND_SECONDS

    async def _sync(
        self, event: Event, rules: QueueLimits, stock: QueueStock | None, floor: int
    ) -> None:
        self._sent.pop(event.slug, None)
        self.used.add(event.slug)
        queue = await self._store.sync(event.slug, rules, stock, ceiling=floor)
        if queue.start is None:
            await self._open(event)
            queue = await self._store.sync(event.slug, rules, stock, ceiling=event.line_floor)
            if queue.start is None:
                # Another process is opening it.
                return
        ceiling = queue.ceiling or 0
        # Postgres may be older than Redis: restored, or a replica that took over too soon.
        if ceiling - queue.issued < _reserve(queue) or ceiling > event.line_floor:
            await self._raise_floor(event, max(ceiling, event.line_floor) + 2 * _reserve(queue))
            queue = await self._store.sync(event.slug, rules, stock, ceiling=event.line_floor)
        if rules.queue_order == RANDOM and queue.early is not None:
            await self._draw(event, queue, seed=rules.seed)
        if queue.is_quiet:
            facts = (rules, stock, event.line_floor)
            self._sent[event.slug] = time.monotonic(), queue.now_ms, facts

    async def _open(self, event: Event) -> None:
        floor = event.line_floor
        if not await self._raise_floor(event, floor + 2 * _MIN_RESERVE):
            # Another process is opening it.
            return
        start = await self._store.open(
            event.slug, start=floor, ceiling=event.line_floor, early=event.line_early
        )
        if not start:
            return
        _log.warning("line_opened_again", event_slug=event.slug, above=start)
        async with self._database.transaction() as session:
            holders = await queries.holders(session, event.id)
        for holder in holders:
            lease = max(holder.until - utc_now(), timedelta(0)) + LEASE_SLACK
            await self._store.grant(event.slug, holder.visitor_id, lease)

    async def _raise_floor(self, event: Event, to: int) -> bool:
        floor = event.line_floor
        async with self._database.transaction() as session:
            is_ours = await queries.raise_floor(session, event_id=event.id, floor=floor, to=to)
        if is_ours:
            event.line_floor = to
        return is_ours

    async def _draw(self, event: Event, queue: QueueState, *, seed: str) -> None:
        early = queue.early or 0
        if event.line_early is None:
            async with self._database.transaction() as session:
                await queries.note_early(session, event_id=event.id, early=early)
        if queue.is_drawn:
            return
        numbers = await asyncio.to_thread(shuffle, seed, early)
        if await self._store.draw_order(event.slug, positions=positions(numbers), numbers=numbers):
            _log.info("line_drawn", event_slug=event.slug, early=early)


def _reserve(queue: QueueState) -> int:
    """Return how many numbers there should be left: a long queue grows faster."""
    return min(max(queue.issued - (queue.start or 0), _MIN_RESERVE), _MAX_RESERVE)


def _opens_at(
    event: Event, tiers: Sequence[Tier], counts: units.EventStock | None
) -> datetime | None:
    """Return when there is something to come in for; None if at any time.

    While nothing of the open tiers is left and another is to open, the sale waits for that one.
    """
    if counts is not None and counts.available + counts.held > 0:
        return event.sales_open_at
    now = utc_now()
    later = [
        tier.sales_open_at
        for tier in tiers
        if tier.capacity > 0 and tier.sales_open_at is not None and tier.sales_open_at > now
    ]
    return max(min(later), event.sales_open_at or now) if later else event.sales_open_at


def _seconds_until_change(event: Event, tiers: Sequence[Tier], now: datetime) -> float:
    """Return how long until an opening or a closing is near; 0 while one is."""
    moments = [event.sales_open_at, _closes_at(event)]
    for tier in tiers:
        moments += tier.sales_open_at, tier.sales_close_at
    ahead = [at - now for at in moments if at is not None and at - now > -_NEAR]
    return max(0.0, (min(ahead) - _NEAR).total_seconds()) if ahead else float("inf")


def _closes_at(event: Event) -> datetime:
    return event.sales_close_at or event.starts_at


def _rules(event: Event, opens_at: datetime | None, personal_below: int) -> QueueLimits:
    seed = event.queue_seed
    return QueueLimits(
        phase=event.phase,
        opens_at_ms=_epoch_ms(opens_at),
        closes_at_ms=_epoch_ms(_closes_at(event)),
        paused=event.is_paused,
        concurrent_buyers=event.concurrent_buyers,
        admissions_per_minute=event.admissions_per_minute,
        message=event.queue_message,
        queue_order=event.queue_order,
        seed=seed,
        commitment=commitment(seed) if seed else "",
        challenge=event.challenge,
        personal_below=personal_below,
    )


def _stock(counts: units.EventStock | None) -> QueueStock | None:
    return counts and QueueStock(
        counts.available,
        counts.held,
        counts.sold,
        counts.holders,
        ",".join(map(str, counts.by_tier)),
    )


def _epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
