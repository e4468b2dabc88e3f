"""What parts of a purchase cost alone: processor time of this process, each the mean of a loop.

A whole purchase cannot cost less than its parts. Postgres and Redis are the embedded ones, and
their own time is not in these figures.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import LiteralString

from surge_app.db.engine import Database
from surge_app.kv.client import clock_seconds, connect
from surge_app.launcher.embedded_servers import backing_services
from surge_app.observability.log import configure_logging, get_logger
from surge_app.services.bookings.pdf import draw_tickets
from surge_app.services.bookings.qr import qr_modules, qr_png
from surge_app.settings import load_settings
from tests.state.samples import booking

_TIMES = 500
# As long as a signed ticket.
_TEXT = "SURGE1:K7QF.8XQ2." + "A7" * 45
_LISTS: LiteralString = """
SELECT count(*) FROM unnest(%(a)s::text[], %(b)s::text[], %(c)s::text[], %(d)s::text[],
    %(e)s::text[], %(f)s::text[], %(g)s::text[], %(at)s::timestamptz[])
"""


def main() -> None:
    """Print what each part costs."""
    with (
        tempfile.TemporaryDirectory(prefix="surge-parts-") as folder,
        Path("/dev/null").open("w") as nowhere,  # a line costs the same wherever it goes
        backing_services(load_settings(data_dir=Path(folder))) as settings,
    ):
        log, view = get_logger(__name__), booking()
        _print("the modules of a code", lambda: qr_modules.__wrapped__(_TEXT))
        _print("its picture", lambda: qr_png(_TEXT))
        _print("a ticket on paper", lambda: draw_tickets(view), times=50)
        for json in (True, False):
            configure_logging(json=json, stream=nowhere)
            kind = "as JSON" if json else "for a terminal"
            _print(f"a line of the log {kind}", lambda: log.info("fee", intent="i", paise=2500))
        asyncio.run(_calls(settings.database_url or "", settings.redis_url or ""))


async def _calls(database_url: str, redis_url: str) -> None:
    database, redis = Database(database_url, pool_size=1), connect(redis_url)
    lists = {name: ["01M8K1RF7PE5N7SF9HW6GTRVMK"] for name in "abcdefg"}
    values = {**lists, "at": [datetime(2026, 11, 29, tzinfo=UTC)]}
    await _await("a command of Redis", lambda: clock_seconds(redis))
    await _await("a statement", lambda: database.rows("SELECT 1", {}))
    await _await("a statement with eight lists", lambda: database.rows(_LISTS, values))
    await redis.aclose()
    await database.close()


def _print(name: str, work: Callable[[], object], *, times: int = _TIMES) -> None:
    work()
    started = time.process_time()
    for _ in range(times):
        work()
    _tell(name, started, times)


async def _await(name: str, work: Callable[[], Awaitable[object]]) -> None:
    await work()
    started = time.process_time()
    for _ in range(_TIMES):
        await work()
    _tell(name, started, _TIMES)


def _tell(name: str, started: float, times: int) -> None:
    took = (time.process_time() - started) / times * 1e6
    print(f"{name:32} {took:7.0f} µs", flush=True)


if __name__ == "__main__":
    main()
