"""Sales in virtual time: visitors who wait, choose, hold, buy or let go, from a seed."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field

from surge_app.kv.queue import QueueState
from tests.queue_factory import queue_state

_MINUTE, _TIME_TO_CHOOSE = 60, 120
_LONGEST = 4 * 3600
_RUSH_SECONDS, _QUICK = 30, 0.07


@dataclass(slots=True, eq=False)
class SimulatedVisitor:
    """One visitor; moments are seconds, None if it never came to that."""

    number: int
    joined: int
    leaves_at: float
    admitted: int | None = None
    found: bool = False


@dataclass(slots=True, eq=False)
class _Shopper:
    visitor: SimulatedVisitor
    decides_at: float
    pays_after: float
    quantity: int
    buys: bool
    held: int = 0
    goes_at: float = 0.0


@dataclass
class SimulatedSale:
    """One sale; `play` yields the state of its queue once a second.

    Attributes:
        quick_share: Part of those let in that goes again almost at once.
        rush: How much longer each step takes in the first moments, on a busy machine.
    """

    seed: int
    units: int = 500
    visitors: int = 1_500
    room: int = 100
    per_minute: int | None = None
    arrive_seconds: int = 120
    stay_seconds: float = 45.0
    abandon: float = 0.3
    leave_share: float = 0.05
    largest: int = 4
    quick_share: float = 0.0
    rush: float = 1.0
    waiting: deque[SimulatedVisitor] = field(default_factory=deque[SimulatedVisitor])
    issued: int = 0
    admitted: int = 0
    served: int = 0
    sold: int = 0
    held: int = 0
    holders: int = 0
    now: int = 0

    def __post_init__(self) -> None:
        """Draw who arrives."""
        self._draw = random.Random(self.seed)
        self._arrivals = sorted(
            int(self.arrive_seconds * self._draw.random() ** 2) for _ in range(self.visitors)
        )
        self._inside: list[_Shopper] = []
        self._recent: deque[int] = deque()
        self._leavers: list[SimulatedVisitor] = []

    @classmethod
    def drawn(cls, seed: int) -> SimulatedSale:
        """Return a sale of another size and crowd for each seed."""
        draw = random.Random(f"sale {seed}")
        units = draw.choice((60, 120, 300, 500, 800))
        return cls(
            seed=seed,
            units=units,
            visitors=int(units * draw.uniform(0.5, 3)),
            room=max(5, int(units * draw.uniform(0.05, 0.4))),
            arrive_seconds=draw.choice((20, 60, 180)),
            stay_seconds=draw.uniform(20, 120),
            abandon=draw.uniform(0.05, 0.5),
            leave_share=draw.uniform(0, 0.3),
            largest=draw.choice((1, 2, 4, 6)),
        )

    @property
    def available(self) -> int:
        """Tickets nobody holds."""
        return self.units - self.sold - self.held

    def play(self) -> Generator[QueueState]:
        """Play the sale to its end."""
        arrivals = deque(self._arrivals)
        while self.now < _LONGEST and (arrivals or self.waiting or self._inside):
            while arrivals and arrivals[0] <= self.now:
                arrivals.popleft()
                self._join()
            self._shop()
            self._leave()
            if self.available + self.held == 0:
                return
            self._admit()
            yield self._state()
            self.now += 1

    def _join(self) -> None:
        self.issued += 1
        leaves = self._draw.random() < self.leave_share
        patience = self._draw.expovariate(1 / 120) if leaves else float("inf")
        self.waiting.append(SimulatedVisitor(self.issued, self.now, self.now + patience))
        if leaves:
            self._leavers.append(self.waiting[-1])

    def _shop(self) -> None:
        for shopper in list(self._inside):
            if not shopper.held and shopper.decides_at <= self.now:
                shopper.held = min(shopper.quantity, self.available)
                shopper.visitor.found = shopper.held > 0
                shopper.goes_at = self.now + shopper.pays_after
                self.held += shopper.held
                self.holders += shopper.held > 0
                if not shopper.held and self.now - shopper.decides_at > _TIME_TO_CHOOSE:
                    self._inside.remove(shopper)
            elif shopper.held and shopper.goes_at <= self.now:
                self._inside.remove(shopper)
                self.held -= shopper.held
                self.holders -= 1
                if shopper.buys:
                    self.sold += shopper.held
                    self.served += 1

    def _leave(self) -> None:
        gone = [one for one in self._leavers if one.leaves_at <= self.now]
        for visitor in gone:
            self._leavers.remove(visitor)
            if visitor.admitted is None:
                self.waiting.remove(visitor)

    def _admit(self) -> None:
        while self._recent and self._recent[0] <= self.now - _MINUTE:
            self._recent.popleft()
        free = self._limit() - len(self._inside)
        if self.per_minute is not None:
            free = min(free, self.per_minute - len(self._recent))
        for _ in range(min(free, len(self.waiting))):
            visitor = self.waiting.popleft()
            visitor.admitted = self.now
            self.admitted += 1
            self._recent.append(self.now)
            stay = self._stay()
            decides = self.now + self._draw.uniform(0.1, 0.5) * stay
            self._inside.append(
                _Shopper(
                    visitor,
                    decides,
                    self._draw.uniform(0.2, 1.2) * stay,
                    self._draw.randint(1, self.largest),
                    self._draw.random() >= self.abandon,
                )
            )

    def _stay(self) -> float:
        stay = self.stay_seconds * (self.rush if self.now < _RUSH_SECONDS else 1)
        is_quick = self.quick_share and self._draw.random() < self.quick_share
        return stay * _QUICK if is_quick else stay

    def _limit(self) -> int:
        return min(self.room, self.holders + self.available)

    def _state(self) -> QueueState:
        return queue_state(
            now_ms=self.now * 1000,
            issued=self.issued,
            waiting=len(self.waiting),
            inside=len(self._inside),
            limit=self._limit(),
            available=self.available,
            held=self.held,
            admitted_last_minute=len(self._recent),
            first_admission_ms=self._recent[0] * 1000 if self._recent else None,
            max_per_minute=self.per_minute,
            admitted=self.admitted,
            served=self.served,
            holders=self.holders,
        )
