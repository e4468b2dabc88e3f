"""One process leads the jobs; when it is killed another does, and a pooler is never trusted."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from surge_app.jobs.leader_election import session_name
from surge_app.settings import Settings
from tests.conftest import ROOT, eventually

_LEADERS = """
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND a.application_name LIKE 'surge-leader %'
"""
_NOBODY = "postgresql://nobody@127.0.0.1:1/none"

StartJobs = Callable[..., Awaitable[asyncio.subprocess.Process]]


async def _leading(settings: Settings) -> list[int]:
    """Return the process ids of those that hold the lock of the jobs."""
    async with await psycopg.AsyncConnection.connect(settings.direct_url or "") as connection:
        rows = await (await connection.execute(_LEADERS)).fetchall()
    return [int(str(name).split()[1]) for (name,) in rows]


@pytest.fixture
def jobs_log(tmp_path: Path) -> Path:
    """The file that takes what the processes say."""
    return tmp_path / "jobs.log"


@pytest_asyncio.fixture(loop_scope="session")
async def start_jobs(backing: Settings, jobs_log: Path) -> AsyncGenerator[StartJobs]:
    """Start processes of the jobs alone, and end those that still run."""
    started: list[asyncio.subprocess.Process] = []
    known = {
        "DATABASE_URL": backing.database_url or "",
        "REDIS_URL": backing.redis_url or "",
        "SURGE_SECRET_KEY": ",".join(backing.secret_key),
        "SURGE_DATA_DIR": str(backing.data_dir),
    }

    async def start(**changes: str) -> asyncio.subprocess.Process:
        # A pipe that nobody empties would hold a process up that has much to say.
        with jobs_log.open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "surge_app", "jobs"),
                cwd=ROOT,
                env={**os.environ, **known, **changes},
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def test_a_killed_leader_is_replaced_and_there_is_never_more_than_one(
    backing: Settings, start_jobs: StartJobs
) -> None:
    both = await asyncio.gather(start_jobs(), start_jobs())
    ids = {process.pid for process in both}
    seen: list[int] = []

    async def someone_leads() -> bool:
        seen[:] = await _leading(backing)
        assert len(seen) <= 1
        return seen != []

    await eventually(someone_leads, about="a leader")
    first = seen[0]
    assert first in ids
    next(process for process in both if process.pid == first).kill()

    async def another_leads() -> bool:
        return await someone_leads() and seen[0] != first

    await eventually(another_leads, about="another leader")
    assert seen[0] in ids - {first}


async def test_an_unreachable_direct_address_is_named(
    start_jobs: StartJobs, jobs_log: Path
) -> None:
    process = await start_jobs(SURGE_DATABASE_DIRECT_URL=_NOBODY)
    assert await process.wait() == 2
    with jobs_log.open(encoding="utf-8") as log:
        named, refused = log
    assert named.startswith("Database: ")
    assert refused.startswith("SURGE_DATABASE_DIRECT_URL: Postgres cannot be reached")


@pytest.mark.parametrize("length", [8, 200])
def test_the_name_of_a_leaders_session_fits_into_what_postgres_keeps(
    monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h" * length)
    name = session_name()
    assert name.startswith(f"surge-leader {os.getpid()} h")
    assert len(name) <= 63
