"""Judge the fairness of the queue from the answers that visitors got."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from surge_app.rehearsal.recorder import Wait

# A poll may be answered from a snapshot of this age; a call since then comes with the next.
_OLDEST_VIEW_SECONDS = 1.0
_MAX_POINTS = 400


@dataclass(frozen=True, slots=True)
class Fairness:
    """The fairness of a queue.

    Attributes:
        inversions: Visitors who polled on time and were kept waiting after someone behind them had
            been let in.
        examples: Pairs of numbers, the one overtaken first.
        behaved: Waits without a missed poll, and so of those let in.
        waited_seconds: By arrival order, `(number, seconds)`, of those who behaved and got in.
        twice: Numbers that two visitors had.
    """

    inversions: int
    examples: tuple[tuple[int, int], ...]
    waits: int
    behaved: int
    admitted: int
    waited_seconds: tuple[tuple[int, float], ...]
    twice: tuple[int, ...]

    def percentile(self, percent: int) -> float:
        """Return a percentile of the waits of visitors who polled on time."""
        ordered = sorted(seconds for _, seconds in self.waited_seconds)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def judge(waits: Sequence[Wait]) -> Fairness:
    """Look at every wait.

    The question was sent after the answer that let the other one in had come, and more than the
    age of a view later, so what counts here did happen in that order.
    """
    admitted = sorted((wait.admitted, wait.number) for wait in waits if wait.admitted is not None)
    moments = [moment for moment, _ in admitted]
    highest = list(accumulate((number for _, number in admitted), max))
    overtaken: list[tuple[int, int]] = []
    for wait in waits:
        before = bisect_left(moments, wait.queued_at - _OLDEST_VIEW_SECONDS)
        if wait.behaved and before and highest[before - 1] > wait.number:
            overtaken.append((wait.number, highest[before - 1]))
    inside = [wait for wait in waits if wait.behaved and wait.admitted is not None]
    points = sorted((wait.number, round((wait.admitted or 0) - wait.joined, 2)) for wait in inside)
    owners: dict[int, int] = {}
    twice = [
        wait.number
        for wait in waits
        if wait.number and owners.setdefault(wait.number, wait.visitor) != wait.visitor
    ]
    return Fairness(
        inversions=len(overtaken),
        examples=tuple(overtaken[:10]),
        waits=len(waits),
        behaved=sum(wait.behaved for wait in waits),
        admitted=len(admitted),
        waited_seconds=tuple(points),
        twice=tuple(sorted(set(twice))[:10]),
    )
