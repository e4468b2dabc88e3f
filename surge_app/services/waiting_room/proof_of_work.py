"""Proof of work: puzzles that a browser solves automatically, so that joining in bulk has a price.

The puzzles are those of ALTCHA (`altcha` on PyPI, its worker from npm): find the counter whose
PBKDF2 hash begins as asked. The counter is chosen here, so a puzzle never takes longer than
meant, and a solution is checked by one HMAC instead of a hash.
"""

# altcha types its plain dicts only in part.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import hmac
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from altcha import Challenge, Payload, create_challenge, solve_challenge, verify_solution

from surge_app.kv.admission import PROOF_WINDOW

VALID_FOR = timedelta(minutes=5)

_ALGORITHM = "PBKDF2/SHA-256"
_ROUNDS = 1_000
_PURPOSE = "join"
_MAX_LENGTH = 4_096
_CLOCKS_DIFFER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Solution:
    """A challenge that was solved; it may have been used before, which only Redis knows.

    Attributes:
        digest: The same for every copy of the challenge.
        window: When the challenge expires, in units of `PROOF_WINDOW`.
        suspicion: Of the visitor, when the challenge was made.
        age: Since the challenge was made.
        valid_for: Until it expires by the clock of every machine.
    """

    digest: str
    window: int
    suspicion: int
    age: timedelta
    valid_for: timedelta


class ProofOfWork:
    """Makes and checks challenges. Each is bound to one event and one visitor, and expires."""

    def __init__(self, secret_keys: tuple[str, ...]) -> None:
        self._keys = [(_derive(key, "puzzle"), _derive(key, "answer")) for key in secret_keys]

    def issue(self, slug: str, visitor_id: str, *, hashes: int, suspicion: int) -> dict[str, Any]:
        """Return a challenge as the browser's worker takes it.

        Args:
            slug: The event it is for.
            visitor_id: The visitor it is for; only a digest goes into the challenge.
            hashes: Hashes of about a third of a millisecond; it takes at most half as many more.
            suspicion: Kept in the challenge, signed.
        """
        now = time.time()
        puzzle, answer = self._keys[0]
        challenge = create_challenge(
            _ALGORITHM,
            _ROUNDS,
            # From the first hash on: a range that began later would let bots skip its beginning.
            counter=1 + secrets.randbelow(hashes * 3 // 2),
            expires_at=int(now + VALID_FOR.total_seconds()),
            data={
                "purpose": _PURPOSE,
                "event": slug,
                "visitor": _digest(visitor_id),
                "suspicion": suspicion,
                "made_ms": int(now * 1000),
            },
            hmac_secret=puzzle,
            hmac_key_secret=answer,
        )
        return challenge.to_dict()

    def verify(self, slug: str, visitor_id: str, solution: str) -> Solution | None:
        """Return what a solution is worth, None if it was not made for this event and visitor.

        Forged, foreign, expired and unreadable ones are all the same: None.
        """
        if not solution.isascii() or len(solution) > _MAX_LENGTH:
            return None
        if not any(
            verify_solution(solution, puzzle, hmac_key_secret=answer).verified
            for puzzle, answer in self._keys
        ):
            return None
        challenge = Payload.from_base64(solution).challenge
        data = challenge.parameters.data or {}
        wanted = {"purpose": _PURPOSE, "event": slug, "visitor": _digest(visitor_id)}
        if any(data.get(name) != value for name, value in wanted.items()):
            return None
        now, expires_at = time.time(), challenge.parameters.expires_at or 0
        return Solution(
            digest=sha256(str(challenge.signature).encode()).hexdigest()[:16],
            window=int(expires_at // PROOF_WINDOW.total_seconds()),
            suspicion=int(data["suspicion"]),
            age=timedelta(seconds=max(0.0, now - data["made_ms"] / 1000)),
            valid_for=timedelta(seconds=expires_at - now) + _CLOCKS_DIFFER,
        )


def solve(challenge: dict[str, Any]) -> str:
    """Do the work of a browser and return the solution; for rehearsals and tests."""
    puzzle = Challenge.from_dict(challenge)
    found = solve_challenge(puzzle)
    return Payload(puzzle, found).to_base64() if found else ""


def _derive(key: str, use: str) -> bytes:
    return hmac.digest(key.encode(), f"surge.challenge.{use}".encode(), "sha256")


def _digest(visitor_id: str) -> str:
    return sha256(f"surge.challenge:{visitor_id}".encode()).hexdigest()[:32]
