"""Typed callers of the scripts of the waiting room. All state of the line is in Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script, write_hash


@dataclass(frozen=True, slots=True)
class LineRules:
    """What the line must know of an event; times are milliseconds since the epoch."""

    phase: str
    opens_at_ms: int | None
    closes_at_ms: int | None
    paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None
    message: str
    challenge: str = "off"

    def as_hash(self) -> dict[str, str]:
        """Return the fields as `line.lua` reads them; an empty string means "not set"."""
        return {
            "phase": self.phase,
            "opens_at_ms": str(self.opens_at_ms or ""),
            "closes_at_ms": str(self.closes_at_ms or ""),
            "paused": "1" if self.paused else "0",
            "concurrent_buyers": str(self.concurrent_buyers),
            "admissions_per_minute": str(self.admissions_per_minute or ""),
            "message": self.message,
            "challenge": self.challenge,
        }


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """What the scripts answer, with -1 turned into None.

    Attributes:
        state: As in the JSON contract, or `unknown` when no rules are known.
        admitted_last_minute: The measured pace.
        waiting: How many have a number and are not inside yet.
    """

    state: str
    number: int | None
    ahead: int | None
    pass_ends_ms: int | None
    admitted_last_minute: int
    available: int
    held: int
    message: str
    now_ms: int
    waiting: int
    opens_at_ms: int | None


@dataclass(frozen=True, slots=True)
class RawStats:
    """Counts of a line."""

    waiting: int
    inside: int
    admitted: int
    left: int
    issued: int


class LineStore:
    """The lines of all events."""

    def __init__(self, redis: Redis) -> None:
        """Prepare the scripts; nothing connects yet."""
        self._redis = redis
        self._join = Script(redis, "line", "join")
        self._poll = Script(redis, "line", "poll")
        self._leave = Script(redis, "line", "leave")
        self._renew = Script(redis, "line", "renew")
        self._grant = Script(redis, "line", "grant")
        self._stats = Script(redis, "line", "stats")

    async def join(self, slug: str, visitor_id: str) -> RawAnswer:
        """Take a number, or keep the one the visitor has."""
        return _parse(await self._join.run(keys.line(slug), visitor_id))

    async def poll(self, slug: str, visitor_id: str) -> RawAnswer:
        """Keep the place and tell where it is."""
        return _parse(await self._poll.run(keys.line(slug), visitor_id))

    async def leave(self, slug: str, visitor_id: str, *, is_served: bool = False) -> bool:
        """Give up the place or the pass; the next in line is admitted at once.

        Args:
            slug: The event.
            visitor_id: Who goes.
            is_served: Goes with tickets; else counted as having left without.
        """
        counter = "served" if is_served else "left"
        return bool(await self._leave.run(keys.line(slug), visitor_id, counter))

    async def renew(self, slug: str, visitor_ids: Sequence[str], lease: timedelta) -> list[int]:
        """Make passes last at least `lease` from now.

        Returns:
            For each visitor the end of the lease in milliseconds since the epoch, 0 without a
            pass.
        """
        lease_ms = int(lease.total_seconds() * 1000)
        ends = await self._renew.run(keys.line(slug), lease_ms, *visitor_ids)
        return [int(end) for end in ends]

    async def grant(self, slug: str, visitor_id: str, lease: timedelta) -> int:
        """Let a visitor in past the line; returns the end of the lease, as `renew`."""
        lease_ms = int(lease.total_seconds() * 1000)
        return int(await self._grant.run(keys.line(slug), lease_ms, visitor_id))

    async def stats(self, slug: str) -> RawStats:
        """Count a line."""
        return RawStats(*(int(value) for value in await self._stats.run(keys.line(slug))))

    async def publish_rules(self, slug: str, rules: LineRules) -> None:
        """Tell the line the rules of an event."""
        await write_hash(self._redis, keys.rules(slug), rules.as_hash())

    async def publish_stock(
        self, slug: str, *, available: int, held: int, sold: int, holders: int
    ) -> None:
        """Tell the line how many units there are, and how many visitors hold some."""
        await write_hash(
            self._redis,
            keys.stock(slug),
            {"available": available, "held": held, "sold": sold, "holders": holders},
        )


def _parse(raw: list[str | int]) -> RawAnswer:
    state, number, ahead, ends, pace, available, held, message, now, waiting, opens = raw
    return RawAnswer(
        state=str(state),
        number=_known(number),
        ahead=_known(ahead),
        pass_ends_ms=_known(ends),
        admitted_last_minute=int(pace),
        available=max(0, int(available)),
        held=max(0, int(held)),
        message=str(message),
        now_ms=int(now),
        waiting=int(waiting),
        opens_at_ms=_known(opens),
    )


def _known(value: str | int) -> int | None:
    return None if int(value) < 0 else int(value)
