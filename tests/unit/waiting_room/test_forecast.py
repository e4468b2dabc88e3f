"""What a change of the queue does to the wait of the last in the queue."""

from __future__ import annotations

from surge_app.services.waiting_room.forecast import QueueFacts, QueueRules, forecast

NOW = QueueRules(is_paused=False, concurrent_buyers=100, admissions_per_minute=None)
FULL = QueueFacts(waiting=1_000, inside=100, pace=50.0)


def _then(**changes: object) -> QueueRules:
    values = {"is_paused": False, "concurrent_buyers": 100, "admissions_per_minute": None}
    return QueueRules(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def test_without_a_change_the_wait_is_the_line_by_the_pace() -> None:
    seen = forecast(FULL, NOW, NOW)
    assert seen.now_seconds == seen.then_seconds == 1_200


def test_twice_the_room_lets_some_in_at_once_and_the_rest_twice_as_fast() -> None:
    seen = forecast(FULL, NOW, _then(concurrent_buyers=200))
    assert seen.then_seconds == 540


def test_a_limit_per_minute_below_the_pace_makes_it_longer() -> None:
    seen = forecast(FULL, NOW, _then(admissions_per_minute=10))
    assert seen.then_seconds == 6_000


def test_a_limit_per_minute_above_the_pace_changes_nothing() -> None:
    seen = forecast(FULL, NOW, _then(admissions_per_minute=500))
    assert seen.then_seconds == 1_200


def test_a_pause_has_no_end_and_resuming_has_one() -> None:
    paused = _then(is_paused=True)
    assert forecast(FULL, NOW, paused).then_seconds is None
    resumed = forecast(FULL, paused, NOW)
    assert (resumed.now_seconds, resumed.then_seconds) == (None, 1_200)


def test_nobody_waits_in_an_empty_line() -> None:
    seen = forecast(QueueFacts(0, 3, None), NOW, _then(is_paused=True))
    assert (seen.now_seconds, seen.then_seconds) == (0, 0)


def test_nothing_is_said_before_anything_was_measured() -> None:
    unknown = QueueFacts(waiting=1_000, inside=100, pace=None)
    assert forecast(unknown, NOW, NOW).now_seconds is None
    # A limit is known without a measurement.
    assert forecast(unknown, NOW, _then(admissions_per_minute=100)).then_seconds == 600
