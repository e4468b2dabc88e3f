"""Figures for operators: stock, queue, holds, backlogs, jobs, invariants.

They are read on request from Postgres and Redis, so each process of each node reports the same.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from surge_app.clock import utc_now
from surge_app.db.admin import telemetry as queries
from surge_app.db.admin.dashboard import MoneyReader
from surge_app.db.admin.telemetry import Backlog, LiveIntents, SaleCounts, Waiting
from surge_app.db.engine import Database
from surge_app.db.payments import gateway_outages as outage_queries
from surge_app.errors import Busy, SurgeError
from surge_app.kv.job_status import JobStatusStore
from surge_app.observability.log import get_logger
from surge_app.services.operations.invariants import Audit
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_WATCHED = timedelta(days=2)
_PATIENCE_SECONDS = 5.0
_SAVE_SECONDS = 10.0
_JOB, _INVARIANTS = "job:", "promises"


@dataclass(frozen=True, slots=True)
class SaleFigures:
    """An event: units, money confirmed (paise) and, unless Redis is away, its queue."""

    units: SaleCounts
    bookings: int
    revenue_paise: int
    waiting: int | None = None
    inside: int | None = None
    admitted: int | None = None
    left: int | None = None


@dataclass(frozen=True, slots=True)
class JobFigures:
    """The last run of a job: its age, duration and failure."""

    name: str
    every_seconds: float
    age_seconds: float
    took_seconds: float
    has_failed: bool


@dataclass(frozen=True, slots=True)
class InvariantResults:
    """The last audit by the jobs: its age, and the rows that violate each invariant."""

    age_seconds: float
    took_seconds: float
    broken: dict[str, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """All figures. A part that could not be read is empty, and its `has_…` is False."""

    has_postgres: bool = False
    has_redis: bool = False
    is_gateway_up: bool = True
    leaders: int = 0
    sales: tuple[SaleFigures, ...] = ()
    holds: tuple[LiveIntents, ...] = ()
    messages: tuple[Waiting, ...] = ()
    backlogs: tuple[Backlog, ...] = ()
    jobs: tuple[JobFigures, ...] = ()
    invariants: InvariantResults | None = None


class Telemetry:
    """Reads the figures, and keeps what the jobs tell about themselves."""

    def __init__(
        self, database: Database, notes: JobStatusStore, waiting_room: WaitingRoom, audit: Audit
    ) -> None:
        self._database = database
        self._notes = notes
        self._waiting_room = waiting_room
        self._audit = audit
        self._money = MoneyReader()
        self._reading = asyncio.Lock()
        self._runs: dict[str, dict[str, Any]] = {}
        self._saved_at = float("-inf")

    async def figures(self) -> Figures:
        """Read everything; a server that does not answer within a few seconds counts as down."""
        async with self._reading:
            stored, notes, takes_writes = await asyncio.gather(
                self._stored(), self._noted(), self._notes.takes_writes()
            )
            if stored is None:
                stored = Figures()
            queues = await asyncio.gather(*(self._queue(sale) for sale in stored.sales))
        jobs, invariants = notes if notes is not None else ((), None)
        return Figures(
            has_postgres=stored.has_postgres,
            has_redis=notes is not None and takes_writes,
            is_gateway_up=stored.is_gateway_up,
            leaders=stored.leaders,
            sales=tuple(queues),
            holds=stored.holds,
            messages=stored.messages,
            backlogs=stored.backlogs,
            jobs=jobs,
            invariants=invariants,
        )

    def record_job_run(
        self, job: str, *, every_seconds: float, took_seconds: float, has_failed: bool
    ) -> None:
        """Take in how a run of a job went, for `save_job_runs`."""
        if has_failed != self._runs.get(_JOB + job, {}).get("failed", False):
            self._saved_at = float("-inf")
        self._runs[_JOB + job] = {
            "at": utc_now().timestamp(),
            "every": every_seconds,
            "took": round(took_seconds, 3),
            "failed": has_failed,
        }

    def record_idle_job(self, job: str, *, every_seconds: float) -> None:
        """Take in that a job has nothing to do, which is as good as a run."""
        last = self._runs.get(_JOB + job, {"took": 0.0, "failed": False})
        self._runs[_JOB + job] = {**last, "at": utc_now().timestamp(), "every": every_seconds}

    async def save_job_runs(self) -> None:
        """Store the runs every few seconds, a changed outcome at once; Redis may lose them."""
        now = time.monotonic()
        if not self._runs or now - self._saved_at < _SAVE_SECONDS:
            return
        self._saved_at = now
        try:
            await self._notes.write(self._runs)
        except (RedisError, OSError) as error:
            _log.warning("job_runs_not_saved", error=str(error))

    async def check_invariants(self) -> None:
        """Run the audit over all events, and keep what it found."""
        begun_at = time.monotonic()
        results = await self._audit.run()
        broken = {result.code: len(result.offending) for result in results}
        took = round(time.monotonic() - begun_at, 3)
        await self._notes.write(
            {_INVARIANTS: {"at": utc_now().timestamp(), "took": took, "broken": broken}}
        )
        for result in results:
            if not result.holds:
                _log.error("promise_broken", code=result.code, rows=list(result.offending))

    async def _stored(self) -> Figures | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.transaction() as session:
                sales = await queries.sales(session, since=_WATCHED)
                money = await self._money.read(session, [sale.event_id for sale in sales])
                return Figures(
                    has_postgres=True,
                    is_gateway_up=await outage_queries.current(session) is None,
                    leaders=await queries.leaders(session),
                    sales=tuple(
                        SaleFigures(sale, paid.bookings, paid.revenue_paise)
                        for sale in sales
                        for paid in [money[sale.event_id]]
                    ),
                    holds=tuple(await queries.live_intents(session)),
                    messages=tuple(await queries.messages(session)),
                    backlogs=tuple(await queries.backlogs(session)),
                )
        except (Busy, SQLAlchemyError, TimeoutError, OSError) as error:
            _log.warning("figures_unread", error=str(error))
            return None

    async def _queue(self, sale: SaleFigures) -> SaleFigures:
        try:
            counts = await self._waiting_room.stats(sale.units.slug)
        except SurgeError:
            return sale
        return replace(
            sale,
            waiting=counts.waiting,
            inside=counts.inside,
            admitted=counts.admitted,
            left=counts.left,
        )

    async def _noted(self) -> tuple[tuple[JobFigures, ...], InvariantResults | None] | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                notes = await self._notes.read()
        except (RedisError, TimeoutError, OSError):
            return None
        now = utc_now().timestamp()
        jobs = tuple(
            JobFigures(
                name=name.removeprefix(_JOB),
                every_seconds=note["every"],
                age_seconds=max(0.0, now - note["at"]),
                took_seconds=note["took"],
                has_failed=note["failed"],
            )
            for name, note in sorted(notes.items())
            if name.startswith(_JOB)
        )
        status = notes.get(_INVARIANTS)
        if status is None:
            return jobs, None
        return jobs, InvariantResults(
            max(0.0, now - status["at"]), status["took"], status["broken"]
        )
