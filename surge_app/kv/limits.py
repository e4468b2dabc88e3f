"""Rate limits, counted in Redis so that all workers and machines share them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from redis.asyncio import Redis

from surge_app.errors import RateLimited
from surge_app.kv import keys
from surge_app.kv.client import Script

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """A pace: `per_minute` steadily, `burst` at once. `scope` names it in Redis."""

    scope: str
    per_minute: int
    burst: int


class RateLimiter:
    """Counts calls by scope and subject."""

    def __init__(self, redis: Redis, *, enabled: bool) -> None:
        """Prepare the script; with `enabled` false every call passes."""
        self._script = Script(redis, "limit")
        self._enabled = enabled

    async def check(self, limit: Limit, subject: str) -> None:
        """Count one call.

        Args:
            limit: The pace to keep.
            subject: Who is counted: an address, a visitor, a name.

        Raises:
            RateLimited: If the subject is too fast; the call was not counted.
        """
        if not self._enabled:
            return
        interval_us = 60 * _MICROSECONDS // limit.per_minute
        wait_ms = int(
            await self._script.run([keys.limit(limit.scope, subject)], interval_us, limit.burst)
        )
        if wait_ms:
            raise RateLimited(math.ceil(wait_ms / 1000))
