"""The verifier of the command finds in each log of the vectors what the browser's finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surge_app.services.access.signing_keys import read_jwk_set
from surge_app.services.queue_log_sentences import EVENTS, PROBLEMS
from surge_app.services.waiting_room.log_verification import read_receipt, verify_log
from tests.unit.waiting_room.log_vectors import FILE, document

_VECTORS: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
_CASES: list[dict[str, Any]] = _VECTORS["cases"]


def test_the_vectors_are_those_of_the_code() -> None:
    assert FILE.read_text("utf-8") == document()


@pytest.mark.parametrize("case", _CASES, ids=[case["name"] for case in _CASES])
def test_a_log_of_the_vectors_shows_what_is_known_of_it(case: dict[str, Any]) -> None:
    keys = read_jwk_set(_VECTORS["keys"])
    receipt = read_receipt(case["receipt"], keys) if case["receipt"] else None
    assert (receipt is not None) == (case["is_genuine"] and bool(case["receipt"]))
    report = verify_log(case["lines"], keys, receipt)
    found = sorted([problem.line, problem.code] for problem in report.problems)
    assert found == sorted(case["problems"])
    assert [event.code for event in report.events] == case["events"]
    assert all("{" not in one.text for one in [*report.problems, *report.events])


def test_the_vectors_show_every_problem_and_event() -> None:
    problems = {code for case in _CASES for _, code in case["problems"]}
    events = {code for case in _CASES for code in case["events"]}
    assert problems == PROBLEMS.keys()
    assert events | {"l"} == EVENTS.keys()
