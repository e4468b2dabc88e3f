"""Leader election by a Postgres advisory lock: the holder runs the jobs.

The lock lives on its own connection and ends with it, so a killed leader is replaced within
seconds. A leader that was suspended may overlap with the next one; the jobs tolerate that. The
connection bypasses any pooler, which would share the lock between clients.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import psycopg
from psycopg import sql

from surge_app.container import Container
from surge_app.db import due_work
from surge_app.jobs import schedule
from surge_app.jobs.runner import Runner
from surge_app.observability.log import get_logger
from surge_app.services.concurrency import in_background
from surge_app.settings import SESSION_OPTIONS

_log = get_logger(__name__)

# The shortest hold is longer than both, so each is planned before it ends.
_LOOK_SECONDS, _IDLE_LOOK_SECONDS = 2.0, 4.0
_FOLLOW_SECONDS = 3.0
_PATIENCE_SECONDS = 5.0
_COLLECT_SECONDS = 0.05
# Messages that are late by so much are more than the leader can send alone.
_LATE_SECONDS = 5.0


@asynccontextmanager
async def jobs_running(services: Container) -> AsyncGenerator[None]:
    """Take part in the election during the block, and run the jobs while leading."""
    runner = Runner(schedule.jobs_of(services), services.dispatcher, services.telemetry)
    runner.scheduler.start(paused=True)
    try:
        async with in_background(_take_part(runner, services.settings.direct_url or "")):
            yield
    finally:
        await runner.stop()


async def _take_part(runner: Runner, url: str) -> None:
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
        await asyncio.sleep(_LOOK_SECONDS)


async def _lead_when_possible(
    runner: Runner, connection: psycopg.AsyncConnection[tuple[object, ...]]
) -> None:
    is_leader = False
    channel = sql.Identifier(runner.dispatcher.hears)
    await connection.execute(sql.SQL("LISTEN {}").format(channel))
    while True:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            if not is_leader:
                is_leader, is_late = await due_work.try_to_lead(
                    connection, late_seconds=_LATE_SECONDS
                )
                if is_leader:
                    runner.lead()
                    _log.info("leading_jobs")
                elif is_late:
                    runner.dispatcher.help()
            work = await due_work.read(connection) if is_leader else None
        if work is not None:
            runner.schedule(work)
        # The lock's connection also LISTENs for new messages, which saves a second one.
        is_idle = work is not None and not work.moments
        pause = _IDLE_LOOK_SECONDS if is_idle else _LOOK_SECONDS if is_leader else _FOLLOW_SECONDS
        async for _ in _notifications(connection, pause):
            runner.dispatcher.notify()


async def _notifications(
    connection: psycopg.AsyncConnection[tuple[object, ...]], seconds: float
) -> AsyncGenerator[None]:
    """Yield for each notification until the time is over, and sleep between them.

    The driver alone would wake ten times a second.
    """
    ends_at = time.monotonic() + seconds
    is_ready = True
    while is_ready:
        async for _ in connection.notifies(timeout=_COLLECT_SECONDS):
            yield
        is_ready = await _is_readable(connection.fileno(), ends_at - time.monotonic())


async def _is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until there is something to read; returns False if nothing came in time."""
    loop, has_input = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, has_input.set)
    try:
        async with asyncio.timeout(seconds):
            await has_input.wait()
    except TimeoutError:
        return False
    else:
        return True
    finally:
        loop.remove_reader(descriptor)


def session_name() -> str:
    """Return the name of this process and machine for `pg_stat_activity`."""
    return f"surge-leader {os.getpid()} {socket.gethostname()}"[:63]
