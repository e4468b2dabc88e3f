"""Run each job when it has something to do, and keep how its runs went."""

# APScheduler 3 has no types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, cast

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from surge_app.clock import new_id, utc_now
from surge_app.db.due_work import DueWork
from surge_app.jobs.schedule import Job
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.services.messaging.dispatcher import Dispatcher
from surge_app.services.operations.telemetry import Telemetry

_log = get_logger(__name__)

_FINISH_SECONDS = 10.0
# Closer than this to its time, a run is not planned anew.
_NEAR = timedelta(seconds=0.2)


class Runner:
    """The scheduler, active while this process leads, and the message dispatcher."""

    def __init__(self, jobs: list[Job], dispatcher: Dispatcher, telemetry: Telemetry) -> None:
        self.dispatcher = dispatcher
        self._jobs = jobs
        self._telemetry = telemetry
        self._dispatching = asyncio.create_task(self.dispatcher.run())
        self._work = DueWork({})
        self._saving: asyncio.Task[None] | None = None
        self._begun: dict[str, float] = {}
        self._running: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self.scheduler = AsyncIOScheduler(
            timezone="UTC",
            # Run late jobs, but collapse missed runs into one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for job in jobs:
            self.scheduler.add_job(
                self._guarded(job), "interval", seconds=job.every_seconds, id=job.name
            )

    def _guarded(self, job: Job) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            self._running.add(job.name)
            self._idle.clear()
            begun_at = self._begun[job.name] = time.monotonic()
            has_failed = True
            try:
                run_id = new_id()
                with (
                    structlog.contextvars.bound_contextvars(job=job.name, run_id=run_id),
                    tracing.span(f"job {job.name}", kind="consumer", run=run_id),
                ):
                    await job.run()
                has_failed = False
            except Exception:  # noqa: BLE001  see below
                # One failing job must not end the scheduler; its rows are tried again.
                _log.exception("job_failed", job=job.name)
            finally:
                self._running.discard(job.name)
                if not self._running:
                    self._idle.set()
            self._telemetry.record_job_run(
                job.name,
                every_seconds=job.every_seconds,
                took_seconds=time.monotonic() - begun_at,
                has_failed=has_failed,
            )
            self._plan(job)

        return run

    def schedule(self, work: DueWork) -> None:
        """Let each job run when it is due, and rest otherwise."""
        self._work = work
        for job in self._jobs:
            self._plan(job)
        if work.seconds_until("messages") == 0:
            # The announcement may have been lost.
            self.dispatcher.notify()
        if self._saving is None or self._saving.done():
            # Not awaited: a Redis that does not answer must not hold up the next look.
            self._saving = asyncio.create_task(self._telemetry.save_job_runs())

    def _plan(self, job: Job) -> None:
        """Set the next run by what is known to wait."""
        if job.name in self._running:
            return
        seconds, since = job.due(self._work), time.monotonic() - self._begun[job.name]
        pause = None
        if seconds is not None:
            pause = max(seconds, job.every_seconds - since)
        elif job.idle_seconds is not None:
            pause = job.idle_seconds - since
        else:
            self._telemetry.record_idle_job(job.name, every_seconds=job.every_seconds)
        planned = cast("Any", self.scheduler.get_job(job.name))
        if planned is None:
            return
        before = cast("datetime | None", planned.next_run_time)
        if pause is None:
            if before is not None:
                planned.pause()
            return
        at = utc_now() + timedelta(seconds=max(0.0, pause))
        if before is None or abs(at - before) > _NEAR:
            planned.modify(next_run_time=at)

    def lead(self) -> None:
        """Start the jobs, each after its interval."""
        self._begun = dict.fromkeys((job.name for job in self._jobs), time.monotonic())
        self.scheduler.resume()
        self.dispatcher.run_primary()

    def rest(self) -> None:
        """Stop starting jobs and only help with messages; running jobs finish."""
        self.scheduler.pause()
        self.dispatcher.run_helper()

    async def stop(self) -> None:
        """Stop starting jobs and let running ones finish; `shutdown` would cancel them."""
        self.rest()
        self._dispatching.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FINISH_SECONDS):
                await self._idle.wait()
                await self.dispatcher.finish()
        self.scheduler.shutdown(wait=False)
        await asyncio.sleep(0)
