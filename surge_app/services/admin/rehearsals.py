"""Rehearsals an organizer starts: a process of their own each, one at a time.

The process and the admin area share a row of the database, so any worker of any node can show it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError

from surge_app.clock import utc_now
from surge_app.db.admin import rehearsals as queries
from surge_app.db.engine import Database
from surge_app.errors import InvalidRequest, NotFound, RehearsalNeedsSandbox, RehearsalRuns
from surge_app.languages import N_, current, gettext as _
from surge_app.models import AuditEntry, Rehearsal, RehearsalStatus
from surge_app.settings import PROJECT, Settings

MAX_VISITORS = 3_000
MAX_UNITS = 3_000
_MAX_PERCENT = 90
_MAX_LISTED = 10
_ABANDONED_AFTER = timedelta(seconds=60)
_GONE = N_("Its process ended before it had a verdict.")
_STOPPED_BY = N_("{name} stopped it.")


@dataclass(frozen=True, slots=True)
class RehearsalRequest:
    """The organizer's choices; the defaults of the command decide the rest."""

    visitors: int = 300
    units: int = 100
    abandon_percent: int = 30
    has_bad_days: bool = True


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """A rehearsal as the admin area shows it.

    Attributes:
        progress: The last sample by name; empty before the first.
        broken: The invariants that were violated, in words.
        problem: Why there is no verdict, if there is none, in the reader's language.
    """

    id: str
    status: str
    started_by: str
    started_at: datetime
    request: RehearsalRequest
    progress: Mapping[str, Any]
    figures: Mapping[str, Any]
    broken: tuple[str, ...]
    problem: str

    @property
    def is_running(self) -> bool:
        """Return whether it goes on."""
        return self.status == RehearsalStatus.RUNNING

    @property
    def has_report(self) -> bool:
        """Return whether there is a page to read."""
        return self.status in {RehearsalStatus.PASSED, RehearsalStatus.BROKEN}


class Rehearsals:
    """Starts, watches and ends them."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._watching: set[asyncio.Task[None]] = set()

    @property
    def are_possible(self) -> bool:
        """Return whether every vendor is a sandbox; with a live one nothing is rehearsed."""
        settings = self._settings
        return (
            settings.uses_sandbox_payments
            and settings.uses_sandbox_mail
            and settings.uses_sandbox_sms
        )

    async def start(self, request: RehearsalRequest, *, actor: str) -> str:
        """Start a process that rehearses, and return the rehearsal's id.

        Raises:
            RehearsalNeedsSandbox: With a live vendor.
            InvalidRequest: If it is larger than a rehearsal from admin may be.
            RehearsalRuns: If one is running.
        """
        if not self.are_possible:
            raise RehearsalNeedsSandbox
        _check(request)
        row = Rehearsal(started_by=actor, request=asdict(request), seen_at=utc_now())
        try:
            async with self._database.transaction() as session:
                await queries.end_abandoned(session, silent_for=_ABANDONED_AFTER, problem=_GONE)
                session.add(row)
                session.add(
                    AuditEntry(
                        actor=actor, action="rehearsal.start", subject=row.id, after=row.request
                    )
                )
        except IntegrityError as error:
            raise RehearsalRuns from error
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "surge_app", "rehearse"),
            *("--started", row.id, "--language", current().tag),
            cwd=PROJECT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        # The loop keeps only weak references to tasks.
        task = asyncio.create_task(self._watch(row.id, process))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return row.id

    async def stop(self, rehearsal_id: str, *, actor: str) -> None:
        """End a rehearsal; its process notices within seconds. Raises NotFound if none runs."""
        async with self._database.transaction() as session:
            if not await queries.update_running(
                session,
                rehearsal_id,
                status=RehearsalStatus.STOPPED,
                problem=_STOPPED_BY.format(name=actor),
            ):
                raise NotFound
            session.add(AuditEntry(actor=actor, action="rehearsal.stop", subject=rehearsal_id))

    async def latest(self) -> list[RehearsalView]:
        """Return the newest, the last one first."""
        async with self._database.transaction() as session:
            await queries.end_abandoned(session, silent_for=_ABANDONED_AFTER, problem=_GONE)
            return [_view(row) for row in await queries.latest(session, most=_MAX_LISTED)]

    async def page(self, rehearsal_id: str) -> str:
        """Return the report of a rehearsal as HTML; raises NotFound if there is none."""
        async with self._database.transaction() as session:
            row = await queries.one(session, rehearsal_id)
        if row is None or not row.page:
            raise NotFound
        return row.page

    async def request(self, rehearsal_id: str) -> RehearsalRequest:
        """Return what was asked for; raises NotFound if it does not run."""
        async with self._database.transaction() as session:
            row = await queries.one(session, rehearsal_id)
        if row is None or row.status != RehearsalStatus.RUNNING:
            raise NotFound
        return RehearsalRequest(**row.request)

    async def record_progress(self, rehearsal_id: str, progress: Mapping[str, Any]) -> bool:
        """Store the progress; return whether the rehearsal should go on."""
        return await self._update(rehearsal_id, progress=dict(progress))

    async def finish(
        self, rehearsal_id: str, *, is_good: bool, report: Mapping[str, Any], page: str
    ) -> None:
        """Store the verdict."""
        status = RehearsalStatus.PASSED if is_good else RehearsalStatus.BROKEN
        await self._update(rehearsal_id, status=status, report=dict(report), page=page)

    async def mark_failed(self, rehearsal_id: str, problem: str) -> None:
        """Store why there is no verdict, unless there is one."""
        await self._update(rehearsal_id, status=RehearsalStatus.STOPPED, problem=problem)

    async def close(self) -> None:
        """End what this process has started."""
        watching = list(self._watching)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)

    async def _update(self, rehearsal_id: str, **values: Any) -> bool:
        async with self._database.transaction() as session:
            return await queries.update_running(session, rehearsal_id, **values)

    async def _watch(self, rehearsal_id: str, process: asyncio.subprocess.Process) -> None:
        try:
            await process.wait()
        except asyncio.CancelledError:
            process.terminate()
            await process.wait()
            raise
        finally:
            await self.mark_failed(rehearsal_id, _GONE)


def _check(request: RehearsalRequest) -> None:
    if not (
        1 <= request.visitors <= MAX_VISITORS
        and 1 <= request.units <= MAX_UNITS
        and 0 <= request.abandon_percent <= _MAX_PERCENT
    ):
        msg = _(
            "Nothing was started. Enter 1 to {visitors} visitors, 1 to {tickets} tickets, and up "
            "to {percent} % who leave.",
            visitors=f"{MAX_VISITORS:,}",
            tickets=f"{MAX_UNITS:,}",
            percent=_MAX_PERCENT,
        )
        raise InvalidRequest(msg)


def _view(row: Rehearsal) -> RehearsalView:
    report = row.report or {}
    return RehearsalView(
        id=row.id,
        status=row.status,
        started_by=row.started_by,
        started_at=row.created_at,
        request=RehearsalRequest(**row.request),
        progress=row.progress or {},
        figures=report.get("figures", {}),
        broken=tuple(report.get("broken", ())),
        problem=_problem(row.problem),
    )


def _problem(stored: str) -> str:
    """Return why there is no verdict, in the reader's language."""
    end = _STOPPED_BY.removeprefix("{name}")
    return _(_STOPPED_BY, name=stored.removesuffix(end)) if stored.endswith(end) else _(stored)
