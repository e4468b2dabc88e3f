"""Values read a moment ago, so that all who watch the same share one read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class RecentValues(Generic[_Value]):
    """Keeps the values of some keys for a while.

    Args:
        read: Reads the value of a key.
        seconds: How old a value may be; its age counts from the start of its read.
    """

    def __init__(self, read: Callable[[str], Awaitable[_Value]], *, seconds: float) -> None:
        self._read = read
        self._seconds = seconds
        self._found: dict[str, tuple[float, _Value]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> _Value:
        """Return a value as it was after all changes that were made before the call.

        It raises what its read raises.
        """
        while True:
            lock = self._locks.setdefault(key, asyncio.Lock())
            async with lock:
                # A change has taken the lock away: those who waited for it share the next one.
                if self._locks.get(key) is not lock:
                    continue
                return await self._get(key, lock)

    async def _get(self, key: str, lock: asyncio.Lock) -> _Value:
        started = time.monotonic()
        if (found := self._found.get(key)) and started - found[0] < self._seconds:
            return found[1]
        try:
            value = await self._read(key)
        except BaseException:
            # A stranger may ask for any number of keys that nothing has.
            self._forget(key, lock)
            raise
        # This read may have begun before a change.
        if self._locks.get(key) is lock:
            self._found[key] = started, value
        return value

    def invalidate(self, key: str) -> None:
        """Read a value anew next time, also if a read is on its way; called after a change."""
        self._locks.pop(key, None)
        self._found.pop(key, None)

    def invalidate_all(self) -> None:
        """Read every value anew next time."""
        self._locks.clear()
        self._found.clear()

    def _forget(self, key: str, lock: asyncio.Lock) -> None:
        if self._locks.get(key) is lock:
            del self._locks[key]
