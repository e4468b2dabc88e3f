"""The plan of a rehearsal: visitors, their arrivals and their decisions.

Everything is drawn beforehand from the seed, each visitor by a generator of their own, so the
same plan plays the same visitors however fast the machine is.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, TypeVar

from surge_app.errors import ConfigurationError
from surge_app.languages import N_

_T = TypeVar("_T")

Ending: TypeAlias = Literal["buy", "leave_line", "release", "expire", "walk_away"]

BAD_DAYS: Mapping[str, str] = {
    "duplicate": N_("every webhook twice, and the callback twice"),
    "delayed": N_("the webhooks come late"),
    "before_callback": N_("the webhooks overtake the browser"),
    "out_of_order": N_("the newest webhook comes first"),
    "no_webhook": N_("the browser alone tells of the payment"),
    "no_callback": N_("the browser closes before it tells; the webhook does"),
    "lost": N_("neither tells; Surge has to ask"),
    "forged": N_("a stranger signs the webhook"),
    "second_try": N_("a first attempt fails, the second is captured"),
    "failed_then_captured": N_("the bank says no, and later yes to the same payment"),
    "authorized": N_("the money is reserved and has to be captured"),
    "too_late": N_("paid after the time for it had ended"),
}
"""What may happen to a payment besides nothing unusual, by name."""

USUAL_DAYS: Mapping[str, float] = {
    "duplicate": 20,
    "delayed": 15,
    "before_callback": 5,
    "out_of_order": 5,
    "no_webhook": 4,
    "no_callback": 5,
    "lost": 2,
    "forged": 2,
    "second_try": 5,
    "failed_then_captured": 2,
    "authorized": 3,
    "too_late": 1,
}
"""Percent of the payments for each bad day; the rest goes as it should."""

MAX_VISITORS = 20_000
MAX_SECONDS = 3_600
_ABANDONS: tuple[tuple[Ending, int], ...] = (
    ("leave_line", 2),
    ("release", 3),
    ("expire", 4),
    ("walk_away", 1),
)
_QUANTITIES = ((1, 70), (2, 25), (3, 5))
_SHARES = ("abandon", "sockets", "two_tabs", "come_back")
_ALL_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Plan:
    """The parameters of a rehearsal. Shares are parts of 1, durations seconds.

    Attributes:
        event: Slug of the event whose queue they join.
        visitors: How many come.
        seed: The same seed plays the same visitors.
        arrive_seconds: The burst: all arrive within this time, most of them early.
        think_seconds: The average time for a decision.
        abandon: The share that leaves without buying: from the queue, or from a hold.
        sockets: How many of those let in open the live checkout, and keep it open.
        two_tabs: How many have the waiting room open twice.
        come_back: The share that is away for a while: from the queue, or after a hold expired.
        away_seconds: How long they are away from the queue.
        bad_days: Percent of the payments by name; see `BAD_DAYS`.
        late_seconds: How late a delayed webhook is.
        only_wait: No visitor buys: all wait and poll, and leave when admitted.
        patience_seconds: The longest wait in the queue.
        most_seconds: When the remaining visitors are stopped.
        settle_seconds: How long the last payments, refunds and expiries may take after that.
    """

    event: str
    visitors: int
    seed: int = 1
    arrive_seconds: float = 10.0
    think_seconds: float = 1.0
    abandon: float = 0.3
    sockets: float = 0.1
    two_tabs: float = 0.05
    come_back: float = 0.05
    away_seconds: float = 30.0
    bad_days: Mapping[str, float] = field(default_factory=lambda: USUAL_DAYS)
    late_seconds: float = 10.0
    only_wait: bool = False
    patience_seconds: float = 600.0
    most_seconds: float = 600.0
    settle_seconds: float = 180.0

    def __post_init__(self) -> None:
        """Refuse what cannot be played.

        Raises:
            ConfigurationError: The first thing that is wrong, in a sentence.
        """
        unknown = sorted(set(self.bad_days) - set(BAD_DAYS))
        total = sum(self.bad_days.values())
        shares = [getattr(self, name) for name in _SHARES]
        for problem, applies in {
            f"A rehearsal has 1 to {MAX_VISITORS:,} visitors.": not (
                1 <= self.visitors <= MAX_VISITORS
            ),
            f"A rehearsal lasts {MAX_SECONDS:,} seconds at most.": not (
                0 < self.most_seconds <= MAX_SECONDS and 0 < self.settle_seconds <= MAX_SECONDS
            ),
            "Shares are between 0 and 1.": not all(0 <= share <= 1 for share in shares),
            f"These bad days are not known: {', '.join(unknown)}.": bool(unknown),
            "Bad days are percentages, 100 in all at most.": not (
                0 <= total <= _ALL_PERCENT and min(self.bad_days.values(), default=0) >= 0
            ),
            "Durations are not negative.": min(
                self.arrive_seconds, self.think_seconds, self.away_seconds, self.late_seconds
            )
            < 0,
        }.items():
            if applies:
                raise ConfigurationError(problem)


@dataclass(frozen=True, slots=True)
class VisitorProfile:
    """The decisions of one visitor, all drawn before the arrival.

    Attributes:
        arrives_after: Seconds from the beginning.
        taste: Between 0 and 1; which tier they like.
        thinks: Between 0 and 1 for each decision, used again in turn.
        bad_day: What happens to their payment; empty if nothing unusual.
    """

    index: int
    arrives_after: float
    ending: Ending
    quantity: int
    taste: float
    thinks: tuple[float, ...]
    has_socket: bool
    has_two_tabs: bool
    comes_back: bool
    bad_day: str


def profiles(plan: Plan) -> list[VisitorProfile]:
    """Draw the profiles of all visitors."""
    return [_profile(plan, index) for index in range(plan.visitors)]


def _profile(plan: Plan, index: int) -> VisitorProfile:
    draw = random.Random(f"{plan.seed}:{index}")  # noqa: S311  visitors, no secrets
    abandons = draw.random() < plan.abandon
    leaving: Ending = _one_of(draw, _ABANDONS)
    ending: Ending = leaving if abandons else "buy"
    quantity = _one_of(draw, _QUANTITIES)
    bad_day = _one_of(draw, (*plan.bad_days.items(), ("", _ALL_PERCENT - _total(plan))))
    return VisitorProfile(
        index=index,
        # The square puts half of them into the first quarter, as when a sale opens.
        arrives_after=plan.arrive_seconds * draw.random() ** 2,
        ending=ending,
        quantity=quantity,
        taste=draw.random(),
        thinks=tuple(draw.random() for _ in range(6)),
        has_socket=draw.random() < plan.sockets,
        has_two_tabs=draw.random() < plan.two_tabs,
        comes_back=draw.random() < plan.come_back,
        bad_day=bad_day,
    )


def _total(plan: Plan) -> float:
    return sum(plan.bad_days.values())


def _one_of(draw: random.Random, weighted: tuple[tuple[_T, float], ...]) -> _T:
    values, weights = zip(*weighted, strict=True)
    return draw.choices(values, weights)[0]
