"""Odds of a ticket: of a hundred visitors who read 1 in 5, about twenty find one."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace

from hypothesis import given, strategies as st

from surge_app.kv.queue import QueueState
from surge_app.services.waiting_room.estimates import odds
from tests.queue_factory import queue_state
from tests.unit.waiting_room.simulated_sale import SimulatedSale, SimulatedVisitor

_SALES = 500
_BUCKETS = 10
_SECONDS_BETWEEN = 8


def _asked(seed: int) -> list[tuple[float, SimulatedVisitor]]:
    """Return what visitors of one sale were told; one who leaves the queue learns nothing."""
    sale, draw = SimulatedSale.drawn(seed), random.Random(seed)
    found: list[tuple[float, SimulatedVisitor]] = []
    for queue in sale.play():
        if not sale.waiting or not queue.admitted or sale.now % _SECONDS_BETWEEN:
            continue
        ahead = draw.randrange(len(sale.waiting))
        visitor, chance = sale.waiting[ahead], odds(queue, ahead)
        if visitor.leaves_at == float("inf"):
            found.append((1.0 if chance is None else chance, visitor))
    return found


def test_over_five_hundred_sales_each_tenth_comes_as_often_as_told() -> None:
    buckets: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for seed in range(_SALES):
        for chance, visitor in _asked(seed):
            bucket = min(_BUCKETS - 1, int(chance * _BUCKETS))
            buckets[bucket].append((chance, visitor.found))
    assert set(buckets) == set(range(_BUCKETS))
    for bucket, told in sorted(buckets.items()):
        expected = sum(chance for chance, _ in told) / len(told)
        seen = sum(found for _, found in told) / len(told)
        assert len(told) >= 100, bucket
        assert abs(seen - expected) <= 0.1, (bucket, expected, seen)


def test_far_behind_the_last_ticket_there_is_practically_no_chance_and_it_is_said_early() -> None:
    rules = {"inside": 55, "limit": 55, "holders": 28, "available": 40, "held": 55}
    queue = queue_state(**rules, waiting=3_000, issued=3_155, admitted=155, served=80)
    assert (odds(queue, 2_000) or 0) < 0.02
    assert odds(queue_state(**{**rules, "available": 5_000}), 100) is None


def test_visitors_who_left_before_a_gap_count_as_before_it() -> None:
    rules = {"inside": 100, "limit": 100, "holders": 100, "available": 700, "held": 200}
    queue = queue_state(**rules, waiting=2_000, issued=6_000, admitted=1_600, served=1_000)
    cut = replace(queue, start=30_000, issued=30_000, gap=24_000)
    assert _chance(cut, 800) == _chance(queue, 800) == 1
    # If none had left, many of those ahead would find no ticket.
    assert _chance(replace(cut, gap=30_000 - 2_000 - 1_600), 800) < 0.1


@st.composite
def _queues(draw: st.DrawFn) -> QueueState:
    holders, deciding = draw(st.integers(0, 100)), draw(st.integers(0, 200))
    finished, inside = draw(st.integers(0, 2_000)), holders + deciding
    return queue_state(
        inside=inside,
        limit=inside,
        holders=holders,
        available=draw(st.integers(1, 2_000)),
        held=draw(st.integers(0, 300)) if holders else 0,
        admitted=finished + inside,
        served=draw(st.integers(0, finished)),
        waiting=200_000,
        issued=200_000 + finished + inside + draw(st.integers(0, 50_000)),
    )


@given(queue=_queues(), ahead=st.integers(0, 50_000), further=st.integers(1, 50_000))
def test_nearer_to_the_head_or_with_more_tickets_the_chance_is_no_worse(
    queue: QueueState, ahead: int, further: int
) -> None:
    chance = _chance(queue, ahead)
    assert 0 <= chance <= 0.9 or chance == 1
    # Where there is practically none, one is as good as another.
    assert chance >= _chance(queue, ahead + further) - 0.02
    more = replace(queue, available=(queue.available or 0) + 10)
    assert _chance(more, ahead) >= chance


def _chance(queue: QueueState, ahead: int) -> float:
    found = odds(queue, ahead)
    return 1.0 if found is None else found


def test_a_sale_without_an_end_or_without_tickets_has_no_odds() -> None:
    assert odds(queue_state(available=None), 500) is None
    assert odds(queue_state(available=0, held=0), 500) is None
    assert odds(queue_state(available=1), None) is None
