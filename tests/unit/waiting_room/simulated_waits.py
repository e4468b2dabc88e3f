"""A queue in virtual time in which everyone waits and polls, and leaves when admitted.

As `rehearse --waiting` plays it: visitors learn of their turn with their next poll, so how often
they poll decides how fast turns come.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter, deque
from dataclasses import dataclass, field

from surge_app.kv.queue import QueueState
from surge_app.services.waiting_room import answers
from surge_app.services.waiting_room.estimates import Pace, PaceMeter, eta_seconds
from tests.queue_factory import queue_state

_MINUTE, _TICK_SECONDS = 60, 0.25
_STAGES = ("start", "middle", "head")
# As in `rehearsal.reporting.calibration` and `rehearsal.recorder`.
_POLL_SECONDS, _NEAREST, _NEAR_SHARE = 2.0, 3, 0.1


@dataclass
class SimulatedWaits:
    """One queue; `play` counts estimates and those that came true.

    Attributes:
        lag: Seconds that a request takes at most.
        rush: How many times as long as that it takes in the first moment, when everyone arrives.
    """

    seed: int
    visitors: int = 4_000
    arrive_seconds: float = 60.0
    room: int = 100
    per_minute: int | None = None
    lag: float = 0.5
    rush: float = 3.0
    told: Counter[str] = field(default_factory=Counter[str])
    kept: Counter[str] = field(default_factory=Counter[str])

    def __post_init__(self) -> None:
        """Draw who arrives."""
        self._draw = random.Random(self.seed)
        self._meter, self._pace = PaceMeter(), Pace()
        self._events: list[tuple[float, int, str, int]] = []
        self._waiting: deque[int] = deque()
        self._called: set[int] = set()
        self._inside = self._issued = self._admitted = 0
        self._recent: deque[float] = deque()
        self._ahead: dict[int, int] = {}
        self._first: dict[int, int] = {}
        self._estimates: dict[int, dict[str, tuple[float, int, int]]] = {}
        self._queue = self._state(0)
        for visitor in range(self.visitors):
            self._plan(self.arrive_seconds * self._draw.random() ** 2, "join", visitor)
        self._plan(0, "tick")

    def play(self, seconds: float = 150) -> SimulatedWaits:
        """Play so many seconds, with pauses between polls drawn from the seed."""
        chance, answers.random = answers.random, self._draw
        try:
            while self._events[0][0] < seconds:
                now, _, kind, visitor = heapq.heappop(self._events)
                getattr(self, f"_{kind}")(now, visitor)
                self._admit(now)
        finally:
            answers.random = chance
        return self

    def _plan(self, at: float, kind: str, visitor: int = -1) -> None:
        heapq.heappush(self._events, (at, len(self._events), kind, visitor))

    def _answered(self, now: float) -> float:
        crowd = max(0.0, 1 - now / (self.arrive_seconds / 4))
        return now + self._draw.uniform(0.02, self.lag * (1 + (self.rush - 1) * crowd))

    def _tick(self, now: float, _visitor: int) -> None:
        self._queue = self._state(now)
        self._pace = self._meter.measure(self._queue)
        self._ahead |= {visitor: ahead for ahead, visitor in enumerate(self._waiting)}
        self._plan(now + _TICK_SECONDS, "tick")

    def _join(self, now: float, visitor: int) -> None:
        self._issued += 1
        self._ahead[visitor] = len(self._waiting)
        self._waiting.append(visitor)
        self._plan(self._answered(now), "poll", visitor)

    def _leave(self, _now: float, _visitor: int) -> None:
        self._inside -= 1

    def _poll(self, now: float, visitor: int) -> None:
        if visitor in self._called:
            self._called.remove(visitor)
            self._inside += 1
            self._judge(now, visitor)
            self._plan(self._answered(now), "leave")
            return
        ahead = self._ahead[visitor]
        eta = eta_seconds(self._queue, ahead, self._pace)
        if eta is not None:
            first = self._first.setdefault(visitor, ahead)
            mosts = first, first / 2, max(_NEAREST, first * _NEAR_SHARE)
            noted = self._estimates.setdefault(visitor, {})
            for stage, most in zip(_STAGES, mosts, strict=True):
                if ahead <= most:
                    noted.setdefault(stage, (now, *eta))
        turns = answers.polling_pace(self._queue, self._pace)
        pause = answers.retry_after_ms("waiting", ahead, None, turns) / 1000
        self._plan(self._answered(now + pause), "poll", visitor)

    def _judge(self, now: float, visitor: int) -> None:
        for stage, (at, low, high) in self._estimates.get(visitor, {}).items():
            self.told[stage] += 1
            self.kept[stage] += low - _POLL_SECONDS <= now - at <= high + _POLL_SECONDS

    def _admit(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - _MINUTE:
            self._recent.popleft()
        free = self.room - self._inside - len(self._called)
        if self.per_minute is not None:
            free = min(free, self.per_minute - len(self._recent))
        for _ in range(min(free, len(self._waiting))):
            self._called.add(self._waiting.popleft())
            self._recent.append(now)
            self._admitted += 1

    def _state(self, now: float) -> QueueState:
        return queue_state(
            now_ms=int(now * 1000),
            issued=self._issued,
            waiting=len(self._waiting),
            inside=self._inside,
            called=len(self._called),
            limit=self.room,
            available=1_000_000,
            held=0,
            admitted_last_minute=len(self._recent),
            first_admission_ms=int(self._recent[0] * 1000) if self._recent else None,
            max_per_minute=self.per_minute,
            admitted=self._admitted,
            served=0,
            holders=0,
        )
