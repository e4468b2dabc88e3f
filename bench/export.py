"""How fast 100,000 tickets leave as CSV and XLSX, and how much memory that takes."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import AsyncIterator

import psutil

from bench.audit import fill
from bench.harness import servers
from surge_app.container import running
from surge_app.settings import Settings

_UNITS = 100_002
_BOOKINGS = 33_334
_MIB = 1024 * 1024


def main() -> None:
    """Fill a database in bulk, then write both files and throw them away."""
    with servers() as settings:
        asyncio.run(_measure(settings))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await fill(services, units=_UNITS, bookings=_BOOKINGS)
        await _export("CSV", services.exports.participants_csv(sale.slug))
        await _export("XLSX", services.exports.participants_xlsx(sale.slug))


async def _export(kind: str, chunks: AsyncIterator[bytes]) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    started, size, highest = time.perf_counter(), 0, before
    async for chunk in chunks:
        size += len(chunk)
        highest = max(highest, process.memory_info().rss)
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{kind}: {_UNITS:,} rows in {seconds:.1f} s, {_UNITS / seconds:,.0f} rows per second, "
        f"{size / _MIB:.1f} MiB; memory grew by {(highest - before) / _MIB:.1f} MiB, "
        f"peak of the process {peak:.0f} MiB"
    )
