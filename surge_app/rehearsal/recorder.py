"""The record of a rehearsal, from which its report is made."""

from __future__ import annotations

import time
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from surge_app.languages import N_

POLL = N_("poll")
"""The step that waiting costs; its speed has a goal of its own."""

STEPS = (
    N_("page"),
    N_("join"),
    POLL,
    N_("leave"),
    N_("open checkout"),
    N_("event"),
    N_("hold"),
    N_("release"),
    N_("start payment"),
    N_("pay at the bank"),
    N_("callback"),
    N_("look at hold"),
    N_("tickets"),
    N_("ask the bank"),
    N_("watch"),
)
"""Every step in the order of a visit; the last two are those of the rehearsal itself."""

BOOKING_STEPS = ("event", "hold", "release", "start payment", "callback", "look at hold", "tickets")
"""The steps of an admitted visitor on the server; the sandbox's are not among them."""


STAGES = (N_("start"), N_("middle"), N_("head"))
"""The moments of a wait whose estimates are judged: the first one told, half of the way, near."""

_NEAR_SHARE, _NEAREST = 0.1, 3


@dataclass(frozen=True, slots=True)
class Estimate:
    """The wait as it was told at a moment, in seconds."""

    at: float
    low: float
    high: float


@dataclass(slots=True)
class Wait:
    """One wait in the queue, from joining to its end. Moments are seconds of one clock.

    Attributes:
        number: As the queue issued it.
        behaved: Whether every poll came when it was asked for.
        estimates: What was told, by stage.
        first_ahead: How many were ahead when the first estimate was told.
        queued_at: When the last question was sent that was answered with `waiting`.
        admitted: When the answer that let them in had come; None if none did.
    """

    visitor: int
    number: int
    joined: float
    behaved: bool = True
    queued_at: float = 0.0
    admitted: float | None = None
    estimates: dict[str, Estimate] = field(default_factory=dict[str, Estimate])
    first_ahead: int = 0

    def note_estimate(self, ahead: int, estimate: Estimate) -> None:
        """Keep an estimate if it is the first of its stage."""
        if not self.estimates:
            self.first_ahead = ahead
        near = max(_NEAREST, self.first_ahead * _NEAR_SHARE)
        for stage, most in zip(STAGES, (ahead, self.first_ahead / 2, near), strict=True):
            if ahead <= most:
                self.estimates.setdefault(stage, estimate)


@dataclass(slots=True)
class Payment:
    """Money a visitor has paid in the sandbox, and what it became as far as the visitor knows."""

    visitor: int
    intent_id: str
    order_id: str
    paise: int
    booking_ref: str = ""
    refunded: bool = False


@dataclass(slots=True)
class Step:
    """Every call of one step: how long it took, and how it was answered."""

    took_ms: array[float] = field(default_factory=lambda: array("f"))
    statuses: Counter[int] = field(default_factory=Counter[int])
    unanswered: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """The rehearsal at one moment; what callbacks get once a second.

    Attributes:
        seconds: Since the beginning.
        line: How many the server says are waiting.
        free: Units as the server says, like `held` and `sold`.
        booked: Bookings the visitors know of.
        requests: Answered so far.
        errors: Answers of 500 and above, and none at all, so far.
        lag_ms: How late the client's own loop was; its machine is full where this is high.
    """

    seconds: float
    arrived: int
    waiting: int
    inside: int
    queue: int
    free: int
    held: int
    sold: int
    booked: int
    requests: int
    errors: int
    lag_ms: float


@dataclass(slots=True)
class Notes:
    """The observations of one rehearsal."""

    started: float = field(default_factory=time.monotonic)
    steps: defaultdict[str, Step] = field(default_factory=lambda: defaultdict(Step))
    waits: list[Wait] = field(default_factory=list[Wait])
    payments: list[Payment] = field(default_factory=list[Payment])
    outcomes: Counter[str] = field(default_factory=Counter[str])
    bad_days: Counter[str] = field(default_factory=Counter[str])
    samples: list[Sample] = field(default_factory=list[Sample])
    broken: list[str] = field(default_factory=list[str])
    tickets: Counter[str] = field(default_factory=Counter[str])
    booked_at: list[float] = field(default_factory=list[float])
    arrived: int = 0
    waiting: int = 0
    inside: int = 0
    in_vain: int = 0
    sockets_opened: int = 0
    sockets_lost: int = 0
    second_tabs: int = 0
    came_back: int = 0
    solved: int = 0

    def clock(self) -> float:
        """Return the seconds since the beginning."""
        return time.monotonic() - self.started

    def answered(self, step: str, status: int, took_ms: float) -> None:
        """Write down one answer."""
        seen = self.steps[step]
        seen.took_ms.append(took_ms)
        seen.statuses[status] += 1

    def unanswered(self, step: str) -> None:
        """Write down a call that was never answered."""
        self.steps[step].unanswered += 1

    def record_fault(self, text: str) -> None:
        """Write down something a visitor saw that must not be; see `verdict`."""
        self.broken.append(text)

    def requests(self) -> int:
        """Count what was answered."""
        return sum(len(step.took_ms) for step in self.steps.values())

    def server_errors(self) -> int:
        """Count answers of 500 and above."""
        return sum(
            count
            for step in self.steps.values()
            for status, count in step.statuses.items()
            if status >= 500  # noqa: PLR2004  the server's own
        )

    def lost(self) -> int:
        """Count calls that were never answered."""
        return sum(step.unanswered for step in self.steps.values())
