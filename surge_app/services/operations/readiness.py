"""Whether a sale could go on here: Postgres answers, and Redis takes writes."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from surge_app.db.engine import Database
from surge_app.errors import Busy
from surge_app.kv.client import takes_writes

_PATIENCE_SECONDS: Final = 3
# A balancer asks every few seconds. Anyone else may ask too, and each check takes a connection.
_LIFE_SECONDS: Final = 1.0


class Readiness:
    """Checks both servers at most once a second, however many ask."""

    def __init__(
        self, database: Database, redis: Redis, *, life_seconds: float = _LIFE_SECONDS
    ) -> None:
        self._database, self._redis = database, redis
        self._life_seconds = life_seconds
        self._checking = asyncio.Lock()
        self._missing: list[str] = []
        self._checked_at = float("-inf")

    async def missing(self) -> list[str]:
        """Return the servers that were missing when they were last checked."""
        async with self._checking:
            if time.monotonic() - self._checked_at >= self._life_seconds:
                checks = {"postgres": self._has_postgres(), "redis": self._has_redis()}
                found = zip(checks, await asyncio.gather(*checks.values()), strict=True)
                self._missing = [name for name, is_ready in found if not is_ready]
                self._checked_at = time.monotonic()
            return self._missing

    async def _has_postgres(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS), self._database.transaction() as session:
                await session.execute(text("SELECT 1"))
        except (Busy, SQLAlchemyError, TimeoutError, OSError):
            return False
        return True

    async def _has_redis(self) -> bool:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await takes_writes(self._redis)
        except TimeoutError:
            return False
