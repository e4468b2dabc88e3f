"""Typed caller of `check_join.lua`: decide who may join the queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, cast

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script
from surge_app.kv.rate_limits import Limit

JoinOutcome = Literal["unknown", "known", "limited", "challenge", "proved", "free"]

PROOF_WINDOW = timedelta(minutes=5)
"""Used solutions that expire within it share a key; one of their own would cost 160 bytes."""

_WRONG = -1
# How long who has proved may wait for the opening without having to prove again.
_PROVED_MS = 30 * 60 * 1000


@dataclass(frozen=True, slots=True)
class PowProof:
    """A solution whose signature was checked, or one that is none of ours.

    Attributes:
        digest: Of the challenge, the same for every copy of it.
        window: When the challenge expires, in units of `PROOF_WINDOW`.
        valid_for: Until the challenge expires; None for a wrong solution.
    """

    digest: str = ""
    window: int = 0
    valid_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class JoinDecision:
    """The answer of `check_join.lua`.

    Attributes:
        verdict: `unknown` (no such event), `known` (has a place or a pass), `limited`,
            `challenge` (a proof is needed, and there is none that counts), `proved` (it was needed
            and is used up now) or `free`.
        wait_ms: When it is worth trying again; only if limited.
        per_second: Newcomers of the event, over the last seconds.
        backlog: For each limit, how many calls its steady pace has not caught up with.
    """

    outcome: JoinOutcome
    wait_ms: int
    per_second: int
    backlog: tuple[int, ...]


class JoinStore:
    """The attempts to join, of all events."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = Script(redis, "gcra", "check_join")

    async def check_join(
        self,
        slug: str,
        visitor_id: str,
        proof: PowProof | None,
        own: Sequence[tuple[Limit, str]],
        shared: Sequence[tuple[Limit, str]],
        *,
        max_backlog: int = 0,
    ) -> JoinDecision:
        """Count an attempt with all limits and spend its proof, or do neither.

        Args:
            slug: The event.
            visitor_id: The visitor who joins.
            proof: What was sent along, if anything.
            own: Limits of this visitor alone, with their subjects.
            shared: Limits that do not apply to a visitor who is in the queue already.
            max_backlog: How far the last limit may be behind before its network needs a proof.
        """
        limits = [*own, *shared]
        names = [
            *(keys.part(slug, part) for part in ("rules", "numbers", "passes", "counters")),
            keys.pressure(slug),
            keys.proved(slug, visitor_id),
            keys.spent(slug, proof.window if proof else 0),
            *(keys.limit(slug, limit.scope, subject) for limit, subject in limits),
        ]
        paces = [number for limit, _ in limits for number in limit.pace()]
        digest = proof.digest if proof else ""
        found = await self._script.run(
            names, visitor_id, _validity_ms(proof), len(own), max_backlog, digest, *paces
        )
        outcome, wait_ms, per_second, *backlog = found
        return JoinDecision(
            cast("JoinOutcome", outcome), int(wait_ms), int(per_second), tuple(map(int, backlog))
        )

    async def remember_proof(self, slug: str, visitor_id: str) -> None:
        """Keep the proof of a visitor who got no place for it; it counts once more."""
        await self._redis.set(keys.proved(slug, visitor_id), "1", px=_PROVED_MS)


def _validity_ms(proof: PowProof | None) -> int:
    if proof is None:
        return 0
    if proof.valid_for is None:
        return _WRONG
    return max(1, int(proof.valid_for.total_seconds() * 1000))
