"""Count browsers that open an event's pages, in memory first; no cookie and no id is read.

A browser reports itself once for each event. One network adds a bounded number a second.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import suppress

from redis.exceptions import RedisError

from surge_app.kv.rate_limits import networks
from surge_app.kv.visits import VisitStore
from surge_app.observability.log import get_logger

_log = get_logger(__name__)

_FLUSH_SECONDS = 1.0
# Of one /24 or /48: a carrier's customers arrive together, a script is not to fill the funnel.
_MAX_OF_NETWORK = 50
_MAX_NETWORKS = 20_000


class Visits:
    """Collects the visits of a second and adds them to Redis in one call."""

    def __init__(self, store: VisitStore) -> None:
        self._store = store
        self._counts: Counter[str] = Counter()
        self._of_networks: Counter[str] = Counter()
        self._flushing: asyncio.Task[None] | None = None
        self._closed = asyncio.Event()

    def add(self, slug: str, address: str) -> None:
        """Count a visit; `slug` is that of an existing event."""
        network = networks(address).wide
        # Indexing a Counter stores nothing for a missing key.
        of_network = self._of_networks[network]
        is_full = not of_network and len(self._of_networks) >= _MAX_NETWORKS
        if is_full or of_network >= _MAX_OF_NETWORK:
            return
        self._of_networks[network] += 1
        self._counts[slug] += 1
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())

    async def count(self, slug: str) -> int:
        """Return the visits of an event; raises RedisError."""
        return await self._store.count(slug)

    async def close(self) -> None:
        """Add what is counted to Redis, without the wait."""
        self._closed.set()
        if self._flushing is not None:
            await asyncio.wait([self._flushing])

    async def _flush(self) -> None:
        # One call at a time: a slow Redis slows the flushes down, and none pile up.
        while self._counts:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), _FLUSH_SECONDS)
            counts, self._counts = self._counts, Counter()
            self._of_networks.clear()
            try:
                await self._store.add(counts)
            except RedisError as error:
                # Redis may have added them before the error: a retry could count them twice.
                _log.warning("visits_lost", error=str(error))
