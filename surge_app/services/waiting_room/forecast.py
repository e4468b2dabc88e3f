"""Forecast the effect of a change of the queue rules on waits. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class QueueRules:
    """The rules of admission an organizer may turn."""

    is_paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """Measured figures of a queue.

    Attributes:
        pace: Recent admissions per minute; None while unknown.
    """

    waiting: int
    inside: int
    pace: float | None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The forecast wait of the last visitor in the queue, in seconds.

    None while the queue is paused, and while too little was measured to say.
    """

    now_seconds: int | None
    then_seconds: int | None


def forecast(facts: QueueFacts, now: QueueRules, then: QueueRules) -> Forecast:
    """Say what a change of the rules does to the wait of the last in the queue.

    The average stay follows from how many are inside and how fast they come: it does
    not change with the rules. Places that become free at once are filled at once.
    """
    stay = _stay(facts, now)
    return Forecast(_eta(facts, now, stay), _eta(facts, then, stay))


def _stay(facts: QueueFacts, rules: QueueRules) -> float | None:
    """Return the minutes one person stays inside, None if it cannot be told."""
    if not facts.pace:
        return None
    is_full = facts.inside >= rules.concurrent_buyers
    is_throttled = rules.admissions_per_minute is not None and not is_full
    # With room left inside, the limit per minute is what holds visitors back.
    return None if is_throttled and not facts.inside else facts.inside / facts.pace


def _eta(facts: QueueFacts, rules: QueueRules, stay: float | None) -> int | None:
    if facts.waiting == 0:
        return 0
    if rules.is_paused:
        return None
    at_once = max(0, rules.concurrent_buyers - facts.inside)
    limit = rules.admissions_per_minute
    if limit is not None:
        at_once = min(at_once, limit)
    rest = max(0, facts.waiting - at_once)
    if rest == 0:
        return 0
    by_room = rules.concurrent_buyers / stay if stay else None
    paces = [pace for pace in (by_room, limit) if pace is not None]
    return round(rest / min(paces) * _MINUTE) if paces else None
