"""Typed callers of the scripts that move a place in the queue to another device."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script

MoveOutcome = Literal["wrong", "same", "occupied", "ready", "moved"]
MoveMode = Literal["look", "take", "replace"]


@dataclass(frozen=True, slots=True)
class MoveSecret:
    """One of the two codes of a move: its digest, and what was typed, sealed with the code."""

    digest: str
    sealed: str


@dataclass(frozen=True, slots=True)
class MoveAnswer:
    """The answer of `take_move.lua`.

    Attributes:
        outcome: What the script decided.
        visitor_id: The visitor who had the place; empty for a wrong code.
        sealed: What they had typed, sealed with the code.
        has_pass: Whether there may be a hold to move along.
    """

    outcome: MoveOutcome
    visitor_id: str
    sealed: str
    has_pass: bool


class MoveStore:
    """The moves of places in all queues."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._offer = Script(redis, "queue", "offer_move")
        self._take = Script(redis, "queue", "take_move")
        self._withdraw = Script(redis, "queue", "withdraw_move")

    async def offer(
        self, slug: str, visitor_id: str, link: MoveSecret, short: MoveSecret, *, life: timedelta
    ) -> bool:
        """Make two codes valid in place of any before; return whether the visitor has a place."""
        secrets = (link, short)
        names = [*keys.queue(slug), *(keys.move_code(slug, one.digest) for one in secrets)]
        life_ms = int(life.total_seconds() * 1000)
        made = await self._offer.run(
            names,
            visitor_id,
            *(one.digest for one in secrets),
            life_ms,
            *(one.sealed for one in secrets),
        )
        return bool(made)

    async def take(self, slug: str, digest: str, visitor_id: str, mode: MoveMode) -> MoveAnswer:
        """Move the place that a code stands for to a visitor; repeating it changes nothing."""
        names = [*keys.queue(slug), keys.move_code(slug, digest)]
        *found, has_pass = await self._take.run(names, digest, visitor_id, mode)
        return MoveAnswer(*found, has_pass=bool(has_pass))

    async def withdraw(self, slug: str, visitor_id: str) -> None:
        """Void the codes of a visitor whose place has not moved."""
        await self._withdraw.run(keys.queue(slug), visitor_id)

    async def successor(self, slug: str, visitor_id: str) -> str | None:
        """Return the visitor to whom the place of this one has moved."""
        found = self._redis.hget(keys.part(slug, "moves"), visitor_id)
        entry = await cast("Awaitable[str | None]", found)
        return entry[1:].partition(":")[0] if entry and entry.startswith(">") else None
