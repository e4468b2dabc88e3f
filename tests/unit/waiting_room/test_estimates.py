"""Estimates of waits: true for nine of ten visitors, and silent where no one can know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from surge_app.kv.queue import QueueState
from surge_app.services.waiting_room.estimates import Pace, PaceMeter, eta_seconds
from tests.queue_factory import queue_state
from tests.unit.waiting_room.simulated_sale import SimulatedSale
from tests.unit.waiting_room.simulated_waits import SimulatedWaits

_STEADY = Pace(per_second=2.0, turns=200)


def _queue(**changes: int | None) -> QueueState:
    full = {"inside": 100, "limit": 100, "holders": 100, "available": 5_000, "held": 200}
    return queue_state(**{"admitted": 5_000, "served": 3_500, **full, **changes})


def test_an_estimate_is_a_range_around_the_measured_pace_and_nothing_without_one() -> None:
    low, high = eta_seconds(_queue(), 99, _STEADY) or (0, 0)
    assert 30 < low < 50 < high < 75
    assert eta_seconds(_queue(), 99, Pace()) is None


def test_a_server_that_is_new_to_an_old_sale_tells_about_the_same_wait() -> None:
    # Elsewhere a longer one is told as a queue that has become slower.
    queue = _queue(admitted=2_100, admitted_last_minute=300)
    _, old = eta_seconds(queue, 600, Pace(5.0, 60, known_seconds=300)) or (0, 0)
    _, new = eta_seconds(queue, 600, Pace(5.0, 60, known_seconds=10)) or (0, 0)
    assert old < new < 1.25 * old


def test_with_twenty_a_minute_the_eightieth_is_not_told_two_minutes() -> None:
    # Twenty were let in at once, a second after the opening.
    rules = {"now_ms": 1_000, "first_admission_ms": 0, "max_per_minute": 20, "limit": 500}
    queue = _queue(inside=20, holders=0, admitted=20, served=0, admitted_last_minute=20, **rules)
    low, high = eta_seconds(queue, 79, PaceMeter().measure(queue)) or (0, 0)
    assert low <= 240 <= high
    assert low > 150


def test_filling_the_room_is_taken_for_no_pace() -> None:
    meter = PaceMeter()
    rules = {"limit": 100, "served": 0, "holders": 0, "first_admission_ms": 0}
    for second in range(20):
        queue = _queue(
            now_ms=second * 1_000, inside=100, admitted=100, admitted_last_minute=100, **rules
        )
        assert meter.measure(queue) == Pace()


def test_visitors_who_leave_ahead_shorten_the_wait() -> None:
    _, stays = eta_seconds(_queue(), 2_000, _STEADY) or (0, 0)
    _, leaves = eta_seconds(_queue(), 2_000, Pace(2.0, 200, leaving=0.001)) or (0, 0)
    assert 0 < leaves < stays


def test_where_the_free_tickets_may_go_to_those_ahead_there_is_no_estimate() -> None:
    assert eta_seconds(_queue(available=500), 200, _STEADY) is not None
    assert eta_seconds(_queue(available=500), 400, _STEADY) is None
    assert eta_seconds(_queue(available=0), 0, _STEADY) is None


def test_a_queue_that_begins_anew_is_measured_anew() -> None:
    meter = PaceMeter()
    for second in range(30):
        meter.measure(_queue(now_ms=second * 1_000, admitted=5_000 + 2 * second))
    assert meter.measure(_queue(now_ms=30_000, admitted=5_060)).per_second == 2.0
    assert meter.measure(_queue(now_ms=31_000, admitted=0)) == Pace()


def test_a_gap_in_the_numbers_is_taken_for_no_visitors_who_left() -> None:
    meter, queue, pace = PaceMeter(), _queue(), Pace()
    for second in range(90):
        # As many come as have their turn, and the numbers jump after a minute.
        gap = 15_000 if second > 60 else 0
        joined = {"waiting": 1_000, "issued": 6_000 + gap + second, "gap": gap}
        queue = _queue(now_ms=second * 1_000, admitted=5_000 + second, start=gap, **joined)
        pace = meter.measure(queue)
    assert (pace.per_second, pace.leaving) == (1.0, 0.0)
    low, high = eta_seconds(queue, 999, pace) or (0, 0)
    assert low < 1_000 < high


_KINDS: dict[str, Callable[[int], SimulatedSale]] = {
    "all kinds": SimulatedSale.drawn,
    "much stock": lambda seed: SimulatedSale(seed, units=3_000, room=60, stay_seconds=30),
    "20 a minute": lambda seed: SimulatedSale(seed, 900, 300, per_minute=20, stay_seconds=60),
    "60 a minute": lambda seed: SimulatedSale(seed, 900, 400, room=30, per_minute=60),
    "few inside": lambda seed: SimulatedSale(
        seed, 600, 500, room=8, stay_seconds=20, largest=1, quick_share=0.35
    ),
    "a busy opening": lambda seed: SimulatedSale(
        seed, 9_000, 3_000, stay_seconds=6, largest=1, quick_share=0.35, rush=1.6
    ),
}


@pytest.mark.parametrize(("kind", "sales"), [*zip(_KINDS, (32, 3, 3, 3, 3, 1), strict=True)])
def test_nine_of_ten_waits_end_inside_the_range_told(kind: str, sales: int) -> None:
    told, kept = Counter[str](), Counter[str]()
    for seed in range(sales):
        for stage, is_kept in _judged(_KINDS[kind](seed)):
            told[stage] += 1
            kept[stage] += is_kept
    shares = {stage: kept[stage] / told[stage] for stage in ("start", "middle", "head")}
    assert min(shares.values()) >= 0.9, shares
    assert min(told.values()) >= 40


@pytest.mark.parametrize(
    "rules",
    [
        {"lag": 0.1},
        {"lag": 1.0},
        {"lag": 2.5},
        {"lag": 0.3, "rush": 10.0, "room": 50},
        {"room": 20},
        {"per_minute": 600},
        {"per_minute": 300, "visitors": 1_000},
    ],
    ids=str,
)
def test_nine_of_ten_who_only_wait_get_their_turn_inside_the_range_told(
    rules: dict[str, Any],
) -> None:
    told, kept = Counter[str](), Counter[str]()
    for seed in range(4):
        queue = SimulatedWaits(seed, **rules).play()
        told += queue.told
        kept += queue.kept
    shares = {stage: kept[stage] / told[stage] for stage in ("start", "middle", "head")}
    assert min(shares.values()) >= 0.9, shares
    assert min(told.values()) >= 40


def _judged(sale: SimulatedSale) -> list[tuple[str, bool]]:
    """Return what every tenth visitor was told, by stage, and whether it came so."""
    meter = PaceMeter()
    told: dict[tuple[int, str], tuple[int, int, int]] = {}
    first: dict[int, int] = {}
    visitors = {}
    for queue in sale.play():
        pace = meter.measure(queue)
        for ahead, visitor in enumerate(sale.waiting):
            if visitor.number % 10:
                continue
            start = first.get(visitor.number, ahead)
            stages = {"start": start, "middle": start // 2, "head": max(3, start // 10)}
            reached = [
                (visitor.number, stage)
                for stage, most in stages.items()
                if ahead <= most and (visitor.number, stage) not in told
            ]
            # Who is told something in between is not judged by it.
            eta = eta_seconds(queue, ahead, pace) if reached else None
            if eta is None:
                continue
            visitors[visitor.number] = visitor
            first[visitor.number] = start
            told |= dict.fromkeys(reached, (sale.now, *eta))
    return [
        (stage, low - 1 <= (visitors[number].admitted or 0) - at <= high + 1)
        for (number, stage), (at, low, high) in told.items()
        if visitors[number].admitted is not None
    ]
