"""When failing calls are an outage, and when they are not."""

from __future__ import annotations

import pytest

from surge_app.services.vendors.circuit_breaker import CallResult, FailureWindow

OK, FAILED, SILENT = CallResult.ANSWERED, CallResult.FAILED, CallResult.SILENT


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def _told(window: FailureWindow, *results: CallResult) -> list[bool]:
    return [window.add(result, begun_at=999.0) is not None for result in results]


@pytest.mark.parametrize(
    "results",
    [
        [FAILED] * 4,
        [OK] * 6 + [FAILED] * 5,
        [FAILED, OK, FAILED, OK, FAILED, OK, FAILED, OK],
        [SILENT, SILENT, OK, SILENT, SILENT],
        [SILENT, FAILED, SILENT],
        [FAILED] * 4 + [OK],
    ],
)
def test_a_few_failures_are_no_outage(results: list[CallResult]) -> None:
    assert not any(_told(FailureWindow(Clock()), *results))


@pytest.mark.parametrize(
    "results",
    [
        [FAILED] * 5,
        [OK] * 5 + [FAILED] * 5,
        [SILENT] * 3,
        [OK] * 20 + [SILENT] * 3,
        [OK] * 5000 + [FAILED] * 10,
        [FAILED, OK] * 4 + [FAILED],
    ],
)
def test_half_of_the_last_calls_or_three_silences_in_a_row_are_one(
    results: list[CallResult],
) -> None:
    told = _told(FailureWindow(Clock()), *results)
    assert told[-1]
    assert not any(told[:-1])


def test_failures_of_long_ago_do_not_count() -> None:
    clock = Clock()
    window = FailureWindow(clock)
    assert not any(_told(window, *[FAILED] * 4))
    clock.now += 31
    assert _told(window, FAILED) == [False]


def test_an_answer_never_tells_of_an_outage() -> None:
    clock = Clock()
    window = FailureWindow(clock)
    _told(window, *[OK] * 8)
    clock.now += 29
    _told(window, *[FAILED] * 6)
    clock.now += 2
    assert _told(window, OK) == [False]


def test_the_age_is_that_of_the_first_call_that_failed_and_then_all_begins_anew() -> None:
    clock = Clock()
    window = FailureWindow(clock)
    window.add(OK, begun_at=900.0)
    window.add(SILENT, begun_at=990.0)
    window.add(SILENT, begun_at=995.0)
    assert window.add(SILENT, begun_at=992.0) == 10.0
    assert _told(window, SILENT, SILENT, SILENT) == [False, False, True]
