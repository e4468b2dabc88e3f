"""The report of a rehearsal: figures and checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from surge_app.languages import gettext as _, ngettext
from surge_app.rehearsal.plan import Plan
from surge_app.rehearsal.recorder import BOOKING_STEPS, POLL, STEPS, Notes, Sample, Step
from surge_app.rehearsal.reporting.calibration import (
    LastTickets,
    StageCalibration,
    calibrate,
    calibration_text,
    last_tickets_sold,
)
from surge_app.rehearsal.reporting.fairness import Fairness, judge

POLL_GOAL_MS = 250.0
STEP_GOAL_MS = 1_000.0
_PERCENTS = (50, 90, 99)


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its result.

    Attributes:
        code: Stable, for programs.
        is_speed: Whether it is about speed, which also depends on the machine.
    """

    code: str
    text: str
    holds: bool
    found: str
    is_speed: bool = False


@dataclass(frozen=True, slots=True)
class StepFigures:
    """The latencies and answers of one step."""

    name: str
    calls: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    slowest_ms: float
    statuses: dict[str, int]
    unanswered: int


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a rehearsal, to be printed, stored and drawn."""

    plan: Plan
    checks: tuple[Check, ...]
    outcomes: dict[str, int]
    bad_days: dict[str, int]
    figures: dict[str, float]
    steps: tuple[StepFigures, ...]
    fairness: Fairness
    calibration: tuple[StageCalibration, ...]
    last_tickets: LastTickets | None
    samples: tuple[Sample, ...]
    booked_at: tuple[float, ...]

    @property
    def is_good(self) -> bool:
        """Return whether every check passed, those about speed included."""
        return all(check.holds for check in self.checks)

    @property
    def broken(self) -> tuple[Check, ...]:
        """The promises that did not hold."""
        return tuple(check for check in self.checks if not check.holds)

    def with_checks(self, more: Sequence[Check]) -> Report:
        """Return the report with further checks, such as those of the audit."""
        return replace(self, checks=(*self.checks, *more))

    def without_speed(self) -> Report:
        """Return the report without goals for speed, for a machine that has other work."""
        invariants = tuple(check for check in self.checks if not check.is_speed)
        return replace(self, checks=invariants)

    @property
    def last_tenth(self) -> str:
        """The sale of the last tickets, in two sentences; empty unless all were sold."""
        if self.last_tickets is None:
            return ""
        return _(
            "Time to sell the last 10 % of the tickets with {percent} % abandonment: {seconds} s. "
            "Each of them was free for {free} s on average before someone held it.",
            percent=round(self.plan.abandon * 100),
            seconds=round(self.last_tickets.seconds),
            free=self.last_tickets.free_seconds,
        )

    def document(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        found = asdict(self)
        found["plan"]["bad_days"] = dict(self.plan.bad_days)
        return {"ok": self.is_good, "last_tenth": self.last_tenth, **found}


def report_of(
    plan: Plan, notes: Notes, event: Mapping[str, Any], *, played_seconds: float
) -> Report:
    """Judge what was written down.

    Args:
        notes: What the visitors saw.
        event: The event as the server shows it in the end; empty if it does not answer.
        played_seconds: Until the last visitor had gone.
    """
    fairness = judge(notes.waits)
    return Report(
        plan=plan,
        checks=tuple(_checks(plan, notes, fairness, event)),
        outcomes=dict(sorted(notes.outcomes.items())),
        bad_days=dict(sorted(notes.bad_days.items())),
        figures=_figures(notes, fairness, played_seconds),
        steps=tuple(_step(name, notes.steps[name]) for name in STEPS if name in notes.steps),
        fairness=fairness,
        calibration=calibrate(notes.waits),
        last_tickets=last_tickets_sold(notes.samples),
        samples=tuple(notes.samples),
        booked_at=tuple(round(moment, 2) for moment in notes.booked_at),
    )


def _checks(plan: Plan, notes: Notes, fairness: Fairness, event: Mapping[str, Any]) -> list[Check]:
    tiers = event.get("tiers", [])
    sold, held, free, all_of = (
        sum(tier[name] for tier in tiers) for name in ("sold", "held", "available", "capacity")
    )
    open_payments = [one for one in notes.payments if not one.booking_ref and not one.refunded]
    twice = [code for code, count in notes.tickets.items() if count > 1]
    turned_away = notes.outcomes["sold_out"]
    errors, lost = notes.server_errors(), notes.lost()
    found = [
        Check(
            "answers",
            _("Surge answers in the end."),
            bool(tiers),
            ngettext("{count} ticket type", "{count} ticket types", len(tiers)),
        ),
        Check(
            "stock",
            _("Every place is sold, held or free, and none is sold twice."),
            sold + held + free == all_of and not twice and len(notes.tickets) <= all_of,
            _(
                "{sold} sold + {held} held + {free} free of {all}; {seen} tickets seen, {twice} "
                "twice",
                sold=sold,
                held=held,
                free=free,
                all=all_of,
                seen=len(notes.tickets),
                twice=len(twice),
            ),
        ),
        Check(
            "sold",
            _("No visitor is told that all is sold while tickets are left."),
            not turned_away or free + held == 0,
            _("{count} found it sold out, {left} left", count=turned_away, left=free + held),
        ),
        Check(
            "money",
            _("Every buyer who paid has tickets, or the money back."),
            not open_payments,
            _(
                "{paid} paid, {refunded} refunded, {neither} neither",
                paid=len(notes.payments),
                refunded=sum(one.refunded for one in notes.payments),
                neither=len(open_payments),
            ),
        ),
        Check(
            "order",
            _("No visitor who polls on time is overtaken, and no number is issued twice."),
            fairness.inversions == 0 and not fairness.twice,
            _(
                "{overtaken} overtaken in {waits} waits, {twice} numbers twice",
                overtaken=fairness.inversions,
                waits=fairness.waits,
                twice=len(fairness.twice),
            ),
        ),
        Check(
            "no_errors",
            _("No answer of 500 and above, and none missing."),
            errors == 0 and lost == 0,
            _(
                "{errors} errors, {lost} unanswered of {all}",
                errors=errors,
                lost=lost,
                all=notes.requests() + lost,
            ),
        ),
        Check(
            "no_surprise",
            _("No visitor sees anything a page could not explain, and none is turned away."),
            not notes.broken and not notes.outcomes["refused"],
            "; ".join(
                [
                    *sorted(set(notes.broken))[:5],
                    _("{count} turned away", count=notes.outcomes["refused"]),
                ]
            ),
        ),
        Check(
            "finished",
            _("The sale is over before the time for it is."),
            plan.only_wait or not notes.outcomes["sent home"],
            _("{count} were sent home", count=notes.outcomes["sent home"]),
        ),
        Check(
            "sockets",
            _("No open checkout is cut off."),
            notes.sockets_lost == 0,
            _("{count} of {all} cut off", count=notes.sockets_lost, all=notes.sockets_opened),
        ),
    ]
    return [*found, *_speed(plan, notes)]


def _speed(plan: Plan, notes: Notes) -> list[Check]:
    stages = calibrate(notes.waits)
    estimates = Check(
        "estimates",
        _(
            "Waits end inside the range that was told, 9 of 10 at the start, the middle and the "
            "head."
        ),
        all(stage.is_good for stage in stages),
        calibration_text(stages) or _("no estimate was told"),
        is_speed=True,
    )
    p99 = {name: percentile(step.took_ms, 99) for name, step in notes.steps.items()}
    text = _("Polls are answered within {ms} ms, 99 of 100.", ms=round(POLL_GOAL_MS))
    found = [estimates, _fast("polls", text, p99.get(POLL, 0.0), POLL_GOAL_MS, POLL)]
    if not plan.only_wait:
        slowest, name = max((p99.get(one, 0.0), one) for one in BOOKING_STEPS)
        text = _(
            "Steps of a booking are answered within {ms} ms, 99 of 100.", ms=round(STEP_GOAL_MS)
        )
        found.append(_fast("steps", text, slowest, STEP_GOAL_MS, name))
    return found


def _fast(code: str, text: str, p99: float, goal: float, step: str) -> Check:
    return Check(code, text, p99 <= goal, f"{p99:.0f} ms ({_(step)})", is_speed=True)


def _figures(notes: Notes, fairness: Fairness, played_seconds: float) -> dict[str, float]:
    seconds = max(played_seconds, 0.001)
    return {
        "played_seconds": round(played_seconds, 1),
        "seconds": round(notes.clock(), 1),
        "requests": notes.requests(),
        "requests_per_second": round(notes.requests() / max(notes.clock(), 0.001), 1),
        "bookings": len(notes.booked_at),
        "bookings_per_second": round(len(notes.booked_at) / seconds, 2),
        "most_bookings_in_a_second": _most_in_a_second(notes.booked_at),
        "longest_line": max((sample.queue for sample in notes.samples), default=0),
        "most_held": max((sample.held for sample in notes.samples), default=0),
        "wait_p50_seconds": fairness.percentile(50),
        "wait_p90_seconds": fairness.percentile(90),
        "let_in_to_find_nothing": notes.in_vain,
        "challenges_solved": notes.solved,
        "second_tabs": notes.second_tabs,
        "came_back": notes.came_back,
        "sockets": notes.sockets_opened,
        "client_lag_p99_ms": percentile([sample.lag_ms for sample in notes.samples], 99),
    }


def _most_in_a_second(moments: Sequence[float]) -> int:
    counts: dict[int, int] = {}
    for moment in moments:
        counts[int(moment)] = counts.get(int(moment), 0) + 1
    return max(counts.values(), default=0)


def _step(name: str, step: Step) -> StepFigures:
    p50, p90, p99 = (round(percentile(step.took_ms, percent), 1) for percent in _PERCENTS)
    return StepFigures(
        name=name,
        calls=len(step.took_ms),
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        slowest_ms=round(max(step.took_ms, default=0.0), 1),
        statuses={str(status): count for status, count in sorted(step.statuses.items())},
        unanswered=step.unanswered,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile; 0 of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0
