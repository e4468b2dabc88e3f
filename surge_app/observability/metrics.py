"""Prometheus metrics of one process.

Counters count events of this process. Levels (units, the queue, backlogs) are read from Postgres
and Redis on each scrape, so every process reports the same values.

The launcher sets `PROMETHEUS_MULTIPROC_DIR` for the web workers: their counters then live in
shared files, and each worker reports the sum.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ParamSpec, TypeAlias, TypeVar

import psutil
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from prometheus_client.registry import Collector

from surge_app.errors import SurgeError
from surge_app.observability.metric_files import FOLDER_VARIABLE

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")
_Call: TypeAlias = Callable[_Given, Awaitable[_Result]]

_LIVE_FILE = re.compile(r"gauge_live\w*_(\d+)\.db")

REQUESTS = Histogram(
    "surge_request_seconds",
    "Time until an answer begins, by kind of request and class of status.",
    ["route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
SOCKETS = Gauge("surge_sockets", "Live connections of pages.", multiprocess_mode="livesum")
HOLDS = Counter("surge_holds", "Asks for tickets, by what came of them.", ["outcome"])
SETTLEMENTS = Counter(
    "surge_settlements", "Payments settled, by what came of them; repeats count.", ["outcome"]
)
GATEWAY_CALLS = Histogram(
    "surge_gateway_seconds",
    "Calls to the payment gateway, by result.",
    ["result"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20),
)
POOL_IN_USE = Gauge(
    "surge_pool_connections_in_use",
    "Connections to Postgres that are at work.",
    multiprocess_mode="livesum",
)
POOL_SIZE = Gauge(
    "surge_pool_connections_most",
    "Connections to Postgres these processes may open.",
    multiprocess_mode="livesum",
)
POOL_REFUSALS = Counter(
    "surge_pool_refusals", "Requests refused because no connection became free."
)


def by_outcome(counter: Counter) -> Callable[[_Call[_Given, _Result]], _Call[_Given, _Result]]:
    """Count calls of a coroutine: `ok`, the code of a refusal, or `failed` for a bug.

    Args:
        counter: With the one label `outcome`.
    """

    def decorate(
        call: Callable[_Given, Awaitable[_Result]],
    ) -> Callable[_Given, Awaitable[_Result]]:
        @functools.wraps(call)
        async def counted(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            try:
                result = await call(*args, **kwargs)
            except SurgeError as error:
                counter.labels(error.code).inc()
                raise
            except Exception:
                counter.labels("failed").inc()
                raise
            counter.labels("ok").inc()
            return result

        return counted

    return decorate


def exposition(*read_now: Collector) -> bytes:
    """Return everything in the text form of Prometheus.

    Args:
        *read_now: Collectors of levels, read for this scrape.
    """
    registry = CollectorRegistry()
    folder = os.environ.get(FOLDER_VARIABLE)
    if folder:
        _forget_the_dead(Path(folder))
        multiprocess.MultiProcessCollector(registry, path=folder)
    else:
        registry.register(REGISTRY)
    for collector in read_now:
        registry.register(collector)
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of ended workers; their counters stay."""
    for path in folder.glob("gauge_live*.db"):
        found = _LIVE_FILE.fullmatch(path.name)
        if found and not psutil.pid_exists(int(found[1])):
            path.unlink(missing_ok=True)
