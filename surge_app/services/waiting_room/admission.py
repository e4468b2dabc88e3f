"""Joining the queue: limits, a check that costs a bot more than a person, then the number.

No claim of a client about itself admits it; a claim can only make the check harder.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from redis.exceptions import RedisError

from surge_app.errors import ChallengeRequired, NotFound, QueueUnavailable, RateLimited
from surge_app.kv.admission import JoinDecision, JoinStore, PowProof
from surge_app.kv.rate_limits import Limit, networks
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import MOVED
from surge_app.services.waiting_room.proof_of_work import ProofOfWork, Solution
from surge_app.services.waiting_room.service import WaitingRoom
from surge_app.services.waiting_room.views import QueueStatus

# Strict for a visitor, loose for an address: whole towns share one behind their carrier, and a
# phone has a new /64 out of a /48 of many thousands. Each visitor needs two calls.
_PER_VISITOR = Limit("join-visitor", per_minute=30, burst=20)
_PER_IPV4 = Limit("join-address", per_minute=3_000, burst=2_000)
_PER_SUBSCRIBER = Limit("join-address", per_minute=300, burst=200)
_PER_WIDE_NETWORK = Limit("join-network", per_minute=12_000, burst=8_000)
_PER_EVENT = Limit("join-event", per_minute=60_000, burst=10_000)
# Pages join with the cookie they were given before. A client that joins without one and keeps none
# takes a number with each call.
_WITHOUT_COOKIE = Limit("join-without-cookie", per_minute=300, burst=300)
# Refuses no one: a network that is further ahead of the pace of a household has to prove its work
# even when the event is calm, and more of it.
_CROWD = Limit("join-crowd", per_minute=30, burst=0)
_CROWD_OF_ONE_IPV4, _CROWD_OF_ONE_SUBSCRIBER, _NO_CROWD = 60, 12, 2**31

_MAX_SUSPICION = 2
_FASTEST_FORM_MS = 1_500
_LONGEST_OPEN_MS = 7 * 24 * 3600 * 1000
_SLOWEST_NETWORK_MS = 30_000
HASHES = 640
"""Hashes of an ordinary challenge; at most twice that for a person, four times that for a robot."""
_BUSY_PER_SECOND, _STORM_PER_SECOND = 50, 200


@dataclass(frozen=True, slots=True)
class JoinAttempt:
    """One attempt to join, and what came along with it.

    Attributes:
        slug: The event.
        visitor_id: From the signed cookie, or new.
        address: Of the client, as the gate determined it.
        is_new: Whether the visitor came without a cookie.
        is_ordinary: Whether the headers that every browser sends were there.
        solution: A solved challenge as base64, or empty.
        website: A field that no person sees.
        opened_ms: For how long the page has been open, as the client says.
        number: In this queue, as the visitor's cookie names it; 0 if none.
        had_pass: Whether a recent pass of this event came along.
    """

    slug: str
    visitor_id: str
    address: str
    is_ordinary: bool = True
    is_new: bool = False
    solution: str = ""
    website: str = ""
    opened_ms: float | None = None
    number: int = 0
    had_pass: bool = False


class JoinService:
    """Admits visitors to the queue."""

    def __init__(
        self,
        store: JoinStore,
        proof_of_work: ProofOfWork,
        waiting_room: WaitingRoom,
        *,
        has_limits: bool,
    ) -> None:
        self._store = store
        self._proof_of_work = proof_of_work
        self._waiting_room = waiting_room
        self._has_limits = has_limits

    async def join(self, attempt: JoinAttempt) -> QueueStatus:
        """Take a number, or keep the one the visitor has; a refused attempt uses up none.

        Raises:
            NotFound: If no such event is known to the queue.
            RateLimited: If this visitor, network or event is too fast; nothing was counted.
            ChallengeRequired: If a proof of work is needed and none that counts was sent. Forged,
                foreign, used and expired solutions are answered like a missing one.
            QueueUnavailable: If Redis does not answer.
        """
        solved = self._verified(attempt)
        is_bot = _is_bot(attempt, solved)
        decision = await self._decide(attempt, _proof(attempt, solved, is_bot=is_bot))
        if decision.outcome == "unknown":
            raise NotFound
        if decision.outcome == "limited":
            raise RateLimited(math.ceil(decision.wait_ms / 1000))
        visitor = Visitor(attempt.visitor_id, {attempt.slug: attempt.number})
        if decision.outcome == "challenge" and await self._was_inside(attempt):
            # A visitor who had a number before the queue was lost, or whose place moved, need not
            # solve it again.
            queue = await self._waiting_room.poll(attempt.slug, visitor, had_pass=attempt.had_pass)
            if queue.number is not None or queue.state == "admitted" or queue.note == MOVED:
                return queue
        if decision.outcome == "challenge":
            suspicion = _MAX_SUSPICION if is_bot else _suspicion(attempt, decision)
            raise ChallengeRequired(self._challenge(attempt, decision.per_second, suspicion))
        # Without limits, rehearsals and tests may come from one machine.
        network = networks(attempt.address).wide if self._has_limits else ""
        queue = await self._waiting_room.join(
            attempt.slug, visitor, had_pass=attempt.had_pass, network=network
        )
        if decision.outcome == "proved" and queue.number is None and queue.state != "admitted":
            await self._remember_proof(attempt)
        return queue

    async def _was_inside(self, attempt: JoinAttempt) -> bool:
        if attempt.number or attempt.had_pass:
            return True
        if attempt.is_new:
            return False
        return await self._waiting_room.successor(attempt.slug, attempt.visitor_id) is not None

    async def _decide(self, attempt: JoinAttempt, proof: PowProof | None) -> JoinDecision:
        network = networks(attempt.address)
        max_backlog = _max_backlog(attempt) if self._has_limits else _NO_CROWD
        own = [(_PER_VISITOR, attempt.visitor_id)]
        shared = [
            (_PER_IPV4 if network.is_shared else _PER_SUBSCRIBER, network.narrow),
            (_PER_WIDE_NETWORK, network.wide),
            (_PER_EVENT, "all"),
        ]
        if attempt.is_new:
            shared.append((_WITHOUT_COOKIE, network.narrow))
        if not self._has_limits:
            own, shared = [], []
        try:
            return await self._store.check_join(
                attempt.slug,
                attempt.visitor_id,
                proof,
                own,
                [*shared, (_CROWD, network.narrow)],
                max_backlog=max_backlog,
            )
        except RedisError as error:
            raise QueueUnavailable from error

    def _verified(self, attempt: JoinAttempt) -> Solution | None:
        if not attempt.solution:
            return None
        return self._proof_of_work.verify(attempt.slug, attempt.visitor_id, attempt.solution)

    def _challenge(
        self, attempt: JoinAttempt, per_second: int, suspicion: int
    ) -> dict[str, object]:
        rush = sum(per_second >= pace for pace in (_BUSY_PER_SECOND, _STORM_PER_SECOND))
        return self._proof_of_work.issue(
            attempt.slug,
            attempt.visitor_id,
            hashes=HASHES * 2**suspicion * (2 + rush) // 2,
            suspicion=suspicion,
        )

    async def _remember_proof(self, attempt: JoinAttempt) -> None:
        # Before the opening there are no numbers yet: who has proved need not prove again then.
        try:
            await self._store.remember_proof(attempt.slug, attempt.visitor_id)
        except RedisError as error:
            raise QueueUnavailable from error


def _proof(attempt: JoinAttempt, solved: Solution | None, *, is_bot: bool) -> PowProof | None:
    """Return what goes to the queue; None sends a robot on to a harder challenge."""
    if not attempt.solution:
        return None
    if solved is None:
        return PowProof()
    is_too_easy = is_bot and solved.suspicion < _MAX_SUSPICION
    return None if is_too_easy else PowProof(solved.digest, solved.window, solved.valid_for)


def _is_bot(attempt: JoinAttempt, solved: Solution | None) -> bool:
    """Return whether what came along cannot come from the page as a person sees it."""
    if attempt.website:
        return True
    if attempt.opened_ms is None:
        return False
    # A page that was given a challenge has been open since then; the call itself may take long.
    since = solved.age.total_seconds() * 1000 - _SLOWEST_NETWORK_MS if solved else 0.0
    return not max(0.0, since) <= attempt.opened_ms <= _LONGEST_OPEN_MS


def _max_backlog(attempt: JoinAttempt) -> int:
    is_shared = networks(attempt.address).is_shared
    return _CROWD_OF_ONE_IPV4 if is_shared else _CROWD_OF_ONE_SUBSCRIBER


def _suspicion(attempt: JoinAttempt, decision: JoinDecision) -> int:
    signs = (
        attempt.opened_ms is None or attempt.opened_ms < _FASTEST_FORM_MS,
        not attempt.is_ordinary,
        decision.backlog[-1] > _max_backlog(attempt),
    )
    return min(_MAX_SUSPICION, sum(signs))
