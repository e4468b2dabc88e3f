"""Views read a moment ago, so that a crowd that asks for the same is one read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_View = TypeVar("_View")

_FRESH_SECONDS = 1.0
# Between two looks for what is not there: a stranger may ask for as much of that as they like.
_PAUSE_SECONDS = 0.25


class RecentViews(Generic[_Key, _View]):
    """Keeps views for a second, and reads the requested ones that are older in one statement.

    Args:
        load: Reads the views of some keys; what does not exist is missing from the answer.
        most: How many views are kept; the one read longest ago goes first.
    """

    def __init__(
        self, load: Callable[[frozenset[_Key]], Awaitable[Mapping[_Key, _View]]], *, most: int
    ) -> None:
        self._load = load
        self._most = most
        self._views: dict[_Key, tuple[float, _View]] = {}
        self._asked: set[_Key] = set()
        self._next: asyncio.Task[Mapping[_Key, _View]] | None = None
        self._turn = asyncio.Lock()
        self._stale_before = self._missed_at = float("-inf")

    async def get(self, key: _Key) -> _View | None:
        """Return a view that is at most a second old, or None if there is none now."""
        read_at, view = self._views.get(key, (float("-inf"), None))
        if read_at > max(self._stale_before, time.monotonic() - _FRESH_SECONDS):
            return view
        if view is None:
            await asyncio.sleep(self._missed_at + _PAUSE_SECONDS - time.monotonic())
        if self._next is None:
            self._asked = set()
            self._next = asyncio.create_task(self._read())
        self._asked.add(key)
        # A caller that leaves must not end the read of the others.
        return (await asyncio.shield(self._next)).get(key)

    def invalidate(self) -> None:
        """Read everything anew next time; called after a change."""
        self._stale_before = time.monotonic()

    async def _read(self) -> Mapping[_Key, _View]:
        async with self._turn:
            # From here on a caller waits for the next read: this one may be too early for it.
            asked, self._next = frozenset(self._asked), None
            started = time.monotonic()
            found = await self._load(asked)
        if len(found) < len(asked):
            self._missed_at = started
        for key, view in found.items():
            self._views.pop(key, None)
            self._views[key] = started, view
        while len(self._views) > self._most:
            del self._views[next(iter(self._views))]
        return found
