"""Browsers keep their connections open while their people wait; each of them is a visitor."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from surge_app.launcher.processes import open_more_files
from tests.conftest import Surge

_REQUEST = b"GET /api/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
_ASK = "from surge_app.launcher.processes import open_more_files as f; print(f(), f())"


@asynccontextmanager
async def _connected(url: str, count: int) -> AsyncGenerator[list[bytes]]:
    """Ask once over each of so many connections, and keep all of them open."""
    parts = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writers.append(writer)
        writer.write(_REQUEST)
        return await reader.readline()

    try:
        yield [await asyncio.wait_for(ask(), 20) for _ in range(count)]
    finally:
        for writer in writers:
            writer.close()


async def test_who_comes_after_thousands_of_browsers_that_wait_is_answered(surge: Surge) -> None:
    assert open_more_files() > 3_000
    async with _connected(surge.url, 2_500) as lines:
        assert {line.split()[1] for line in lines} == {b"200"}


@pytest.mark.parametrize(("soft", "hard"), [(64, 600), (600, 600), (64, 70_000)])
def test_a_process_opens_as_many_files_as_it_may(soft: int, hard: int) -> None:
    limits = f"import resource as r; most = min({hard}, r.getrlimit(r.RLIMIT_NOFILE)[1]); "
    limits += f"r.setrlimit(r.RLIMIT_NOFILE, (min({soft}, most), most)); print(most); "
    done = subprocess.run(
        [sys.executable, "-c", limits + _ASK], capture_output=True, text=True, check=True
    )
    most, *found = map(int, done.stdout.split())
    assert found == [min(most, 65_536)] * 2
