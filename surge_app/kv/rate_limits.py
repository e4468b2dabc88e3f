"""Rate limits, counted in Redis so that all workers and machines share them."""

from __future__ import annotations

import asyncio
import ipaddress
import math
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from redis.asyncio import Redis
from redis.exceptions import RedisError

from surge_app.errors import QueueUnavailable, RateLimited
from surge_app.kv import keys
from surge_app.kv.client import Script

_MICROSECONDS = 1_000_000
_PATIENCE_SECONDS = 0.5
# A success on another worker may take a failure back, so a refusal is not remembered for longer.
_REMEMBER_SECONDS = 1.0
_MAX_REMEMBERED = 4096


@dataclass(frozen=True, slots=True)
class Limit:
    """A pace: `per_minute` steadily, `burst` at once. `scope` names it in Redis.

    A `strict` limit refuses everyone while Redis is away; others let everyone pass. A burst of 0
    refuses no one, and only measures where the caller looks at the measure.
    """

    scope: str
    per_minute: int
    burst: int
    strict: bool = False

    def pace(self) -> tuple[int, int]:
        """Return what the scripts take: microseconds between two calls, and the burst."""
        return 60 * _MICROSECONDS // self.per_minute, self.burst


class RateLimiter:
    """Counts calls by scope and subject."""

    def __init__(self, redis: Redis, *, enabled: bool) -> None:
        self._script = Script(redis, "gcra", "limit")
        self._redis = redis
        self._forgive = Script(redis, "gcra", "forgive")
        self._enabled = enabled
        self._refused: OrderedDict[str, float] = OrderedDict()

    async def check(self, limit: Limit, subject: str) -> None:
        """Count one call.

        Args:
            limit: The pace to keep.
            subject: The counted address, visitor or name.

        Raises:
            RateLimited: If the subject is too fast; the call was not counted.
            QueueUnavailable: If Redis does not answer and the limit is strict.
        """
        await self.check_all(subject, (limit, subject))

    async def check_all(self, group: str, *counted: tuple[Limit, str]) -> None:
        """Count one call with several limits, or with none of them; raises like `check`.

        Args:
            group: What the limits have in common; keeps their keys on one node of a cluster.
            *counted: Each limit with its subject. One that is strict makes all so.
        """
        if not self._enabled:
            return
        names = [keys.limit(group, limit.scope, subject) for limit, subject in counted]
        paces = [number for limit, _ in counted for number in limit.pace()]
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                wait_ms, strictest = await self._script.run(names, *paces)
        except (RedisError, TimeoutError):
            # Counting is no reason to keep money or tickets from anyone; where guessing must be
            # slow, the caller asks for `strict`.
            if any(limit.strict for limit, _ in counted):
                raise QueueUnavailable from None
            return
        if wait_ms:
            self._remember(names[int(strictest) - 1], wait_ms / 1000)
            raise RateLimited(math.ceil(wait_ms / 1000))

    def check_refused(self, group: str, *counted: tuple[Limit, str]) -> None:
        """Refuse a call that this process was just told to refuse, without a call to Redis.

        Raises:
            RateLimited: If one of the limits refused its subject within the last second.
        """
        now = time.monotonic()
        for limit, subject in counted:
            left = self._refused.get(keys.limit(group, limit.scope, subject), 0.0) - now
            if left > 0:
                raise RateLimited(math.ceil(left))

    def _remember(self, name: str, seconds: float) -> None:
        self._refused[name] = time.monotonic() + min(seconds, _REMEMBER_SECONDS)
        self._refused.move_to_end(name)
        while len(self._refused) > _MAX_REMEMBERED:
            self._refused.popitem(last=False)

    async def mark(self, group: str, subject: str, life: timedelta) -> None:
        """Remember a subject, such as a network that has signed in, for some time."""
        if self._enabled:
            with suppress(RedisError, TimeoutError):
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._redis.set(keys.limit(group, "known", subject), 1, ex=life)

    async def is_marked(self, group: str, subject: str) -> bool:
        """Return whether `mark` remembers a subject; False while Redis is away."""
        if not self._enabled:
            return False
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return bool(await self._redis.exists(keys.limit(group, "known", subject)))
        except (RedisError, TimeoutError):
            return False

    async def forgive(self, group: str, *counted: tuple[Limit, str]) -> None:
        """Take back one call that `check_all` counted, where only failures shall count."""
        if not self._enabled:
            return
        names = [keys.limit(group, limit.scope, subject) for limit, subject in counted]
        for name in names:
            self._refused.pop(name, None)
        intervals = [limit.pace()[0] for limit, _ in counted]
        with suppress(RedisError, TimeoutError):
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._forgive.run(names, *intervals)


@dataclass(frozen=True, slots=True)
class Networks:
    """Whom an address may belong to: `narrow` a household or one carrier's gate, `wide` around it.

    An IPv6 subscriber has a whole /64 to choose addresses from, so the address alone counts
    no one; a single IPv4 address may be shared by thousands behind their carrier.
    """

    narrow: str
    wide: str
    is_shared: bool


@lru_cache(maxsize=4096)
def networks(address: str) -> Networks:
    """Return the networks of a client's address: /32 and /24, or /64 and /48 of IPv6.

    An IPv4 address in IPv6 form counts as IPv4. What is no address counts as itself.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return Networks(address, address, is_shared=True)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    narrow, wide = (32, 24) if found.version == 4 else (64, 48)  # noqa: PLR2004  IP versions
    return Networks(
        str(ipaddress.ip_network((found, narrow), strict=False)),
        str(ipaddress.ip_network((found, wide), strict=False)),
        is_shared=found.version == 4,  # noqa: PLR2004
    )
