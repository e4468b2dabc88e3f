"""Store the status of jobs in Redis, for a day."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import read_hash, takes_writes, write_hash


class JobStatusStore:
    """Stores in Redis what the jobs report, so that every process can show it."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def write(self, notes: Mapping[str, dict[str, Any]]) -> None:
        """Replace the notes of these names by other JSON documents."""
        documents = {name: json.dumps(note) for name, note in notes.items()}
        await write_hash(self._redis, keys.job_status(), documents)

    async def takes_writes(self) -> bool:
        """Return whether Redis would store a note now."""
        return await takes_writes(self._redis)

    async def read(self) -> dict[str, dict[str, Any]]:
        """Return every note by its name."""
        found = await read_hash(self._redis, keys.job_status())
        return {name: json.loads(note) for name, note in found.items()}
