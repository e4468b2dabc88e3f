"""Rate limits, counted in Redis so that all workers and machines share them."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from redis.asyncio import Redis
from redis.exceptions import RedisError

from surge_app.errors import LineUnavailable, RateLimited
from surge_app.kv import keys
from surge_app.kv.client import Script

_MICROSECONDS = 1_000_000
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Limit:
    """A pace: `per_minute` steadily, `burst` at once. `scope` names it in Redis.

    A `strict` limit refuses everyone while Redis is away; others let everyone pass.
    """

    scope: str
    per_minute: int
    burst: int
    strict: bool = False


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
            LineUnavailable: If Redis does not answer and the limit is strict.
        """
        if not self._enabled:
            return
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                wait_ms = await self._count(limit, subject)
        except (RedisError, TimeoutError):
            # Counting is no reason to keep money or tickets from anyone; where guessing must be
            # slow, the caller asks for `strict`.
            if limit.strict:
                raise LineUnavailable from None
            return
        if wait_ms:
            raise RateLimited(math.ceil(wait_ms / 1000))

    async def _count(self, limit: Limit, subject: str) -> int:
        interval_us = 60 * _MICROSECONDS // limit.per_minute
        return int(
            await self._script.run([keys.limit(limit.scope, subject)], interval_us, limit.burst)
        )
