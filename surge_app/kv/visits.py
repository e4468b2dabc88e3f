"""Counts of the browsers that opened the pages of an event: one number each."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from redis.asyncio import Redis

from surge_app.kv import keys

_RETENTION = timedelta(days=400)


class VisitStore:
    """Reads and adds to the counts of visits."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def add(self, counts: Mapping[str, int]) -> None:
        """Add counts by event slug."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for slug, count in counts.items():
                pipe.incrby(keys.visits(slug), count)
                pipe.expire(keys.visits(slug), _RETENTION)
            await pipe.execute()

    async def count(self, slug: str) -> int:
        """Return the visits of an event."""
        return int(await self._redis.get(keys.visits(slug)) or 0)
