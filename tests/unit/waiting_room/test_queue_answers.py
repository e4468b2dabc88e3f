"""How often to ask: soon at the head, seldom far behind, never all at once."""

from __future__ import annotations

from statistics import mean

import pytest

from surge_app.services.waiting_room.answers import polling_pace, retry_after_ms
from surge_app.services.waiting_room.estimates import Pace
from tests.queue_factory import queue_state


def _pauses(
    state: str, ahead: int, opens_in: int | None = None, turns_per_second: float = 0.0
) -> list[int]:
    return [retry_after_ms(state, ahead, opens_in, turns_per_second) for _ in range(300)]


def test_the_pause_between_two_polls_grows_with_the_distance_to_the_head() -> None:
    means = [mean(_pauses("waiting", ahead)) for ahead in (0, 20, 60, 140, 280)]
    assert means == sorted(means)
    assert all(1_000 <= pause <= 1_200 for pause in _pauses("waiting", 0))
    assert all(15_000 <= pause <= 20_000 for pause in _pauses("waiting", 300))
    assert all(30_000 <= pause <= 36_000 for pause in _pauses("waiting", 1_000_000))


@pytest.mark.parametrize("turns_per_second", [20.0, 100.0])
@pytest.mark.parametrize("ahead", [40, 300, 3_000])
def test_a_visitor_of_a_fast_queue_polls_again_before_the_turn(
    ahead: int, turns_per_second: float
) -> None:
    until_turn = ahead / turns_per_second * 1_000
    pauses = _pauses("waiting", ahead, None, turns_per_second)
    assert max(pauses) <= 1.2 * (1_000 + until_turn / 2)


def test_a_slow_queue_is_polled_no_more_often_than_one_of_unknown_pace() -> None:
    slow, unknown = _pauses("waiting", 280, None, 2.0), _pauses("waiting", 280)
    assert abs(mean(slow) - mean(unknown)) < 500
    assert mean(_pauses("sold_out", 280, None, 100.0)) == pytest.approx(
        mean(_pauses("sold_out", 280)), abs=500
    )


@pytest.mark.parametrize(
    ("queue", "measured", "expected"),
    [
        ({"limit": 200}, 0.0, 50.0),
        ({"limit": 200}, 3.0, 3.0),
        # What was assumed stays for minutes where those inside take long to choose.
        ({"limit": 2_000}, 0.0, 100.0),
        ({"limit": 200, "max_per_minute": 60}, 0.0, 1.0),
        # The measured pace leaves out the time in which the rule lets no one in.
        ({"limit": 200, "max_per_minute": 60}, 20.0, 1.0),
        ({"limit": 200, "available": 0, "held": 300}, 0.0, 0.0),
        ({"limit": 200, "available": 0, "held": 300}, 3.0, 3.0),
        ({"limit": 200, "is_paused": True}, 0.0, 0.0),
    ],
    ids=str,
)
def test_visitors_poll_for_as_many_turns_as_there_can_be(
    queue: dict[str, int], measured: float, expected: float
) -> None:
    assert polling_pace(queue_state(**queue), Pace(measured)) == expected


@pytest.mark.parametrize("ahead", [0, 100, 10_000])
def test_no_two_who_wait_side_by_side_ask_in_step(ahead: int) -> None:
    assert len(set(_pauses("waiting", ahead))) > 100


def test_the_last_poll_before_the_opening_comes_just_after_it_and_spread() -> None:
    pauses = _pauses("scheduled", 0, 4_000)
    assert min(pauses) >= 4_000
    assert len(set(pauses)) > 100
    assert all(15_000 <= pause <= 18_000 for pause in _pauses("scheduled", 0, 3_600_000))


def test_at_the_opening_the_first_in_line_ask_first_and_a_long_line_takes_longer() -> None:
    first, middle, last = (_pauses("scheduled", ahead, 4_000) for ahead in (0, 20_000, 900_000))
    assert max(first) <= 6_000
    assert 12_000 <= min(middle) <= max(middle) <= 14_000
    # None of them waits longer than between two other polls.
    assert set(last) == {19_000}
