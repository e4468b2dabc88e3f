"""Leader election by a Postgres advisory lock: the holder runs the jobs.

The lock lives on its own connection and ends with it, so a killed leader is replaced within
seconds. A leader that was suspended may overlap with the next one; the jobs tolerate that. The
connection bypasses any pooler, which would share the lock between clients.
"""

# APScheduler 3 has no types.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import psycopg
import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from psycopg import sql

from surge_app.clock import new_id
from surge_app.container import Container
from surge_app.jobs.schedule import Job, jobs_of
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.services.messaging.dispatcher import Dispatcher
from surge_app.services.operations.telemetry import Telemetry
from surge_app.settings import SESSION_OPTIONS

_log = get_logger(__name__)

_LOCK_NAME = "surge-jobs"
_HEARTBEAT_SECONDS = 2.0
_PATIENCE_SECONDS = 5.0
_FINISH_SECONDS = 10.0


class _Runner:
    """The scheduler, active while this process leads, and the message dispatcher."""

    def __init__(self, jobs: list[Job], dispatcher: Dispatcher, telemetry: Telemetry) -> None:
        self.dispatcher = dispatcher
        self._telemetry = telemetry
        self._dispatching = asyncio.create_task(self.dispatcher.run())
        self._busy = 0
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
            self._busy += 1
            self._idle.clear()
            begun_at = time.monotonic()
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
                self._busy -= 1
                if not self._busy:
                    self._idle.set()
            await self._telemetry.record_job_run(
                job.name,
                every_seconds=job.every_seconds,
                took_seconds=time.monotonic() - begun_at,
                has_failed=has_failed,
            )

        return run

    def lead(self) -> None:
        """Start the jobs."""
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


@asynccontextmanager
async def jobs_running(services: Container) -> AsyncGenerator[None]:
    """Take part in the election during the block, and run the jobs while leading."""
    runner = _Runner(jobs_of(services), services.dispatcher, services.telemetry)
    runner.scheduler.start(paused=True)
    task = asyncio.create_task(_take_part(runner, services.settings.direct_url or ""))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await runner.stop()


async def _take_part(runner: _Runner, url: str) -> None:
    while True:
        try:
            connection = await psycopg.AsyncConnection.connect(
                url,
                autocommit=True,
                application_name=session_name(),
                connect_timeout=5,
                options=SESSION_OPTIONS,
            )
            async with connection:
                await _lead_when_possible(runner, connection)
        except (psycopg.Error, OSError, TimeoutError) as error:
            _log.warning("leadership_lost", error=str(error))
        finally:
            runner.rest()
        await asyncio.sleep(_HEARTBEAT_SECONDS)


async def _lead_when_possible(
    runner: _Runner, connection: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    is_leader = False
    channel = sql.Identifier(runner.dispatcher.hears)
    await connection.execute(sql.SQL("LISTEN {}").format(channel))
    while True:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            if is_leader:
                await connection.execute("SELECT 1")
            else:
                cursor = await connection.execute(
                    "SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (_LOCK_NAME,)
                )
                row = await cursor.fetchone()
                if row is not None and row[0]:
                    is_leader = True
                    runner.lead()
                    _log.info("leading_jobs")
        # The lock's connection also LISTENs for new messages, which saves a second one.
        async for _ in connection.notifies(timeout=_HEARTBEAT_SECONDS):
            runner.dispatcher.notify()


def session_name() -> str:
    """Return the name of this process and machine for `pg_stat_activity`."""
    return f"surge-leader {os.getpid()} {socket.gethostname()}"[:63]
