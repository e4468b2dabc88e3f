"""The public log: whatever is changed in it is found, and where."""

from __future__ import annotations

import itertools
import json

from hypothesis import given, strategies as st

from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.log_verification import (
    LogReport,
    Receipt,
    read_receipt,
    verify_log,
)
from surge_app.services.waiting_room.public_log import line_hash, pack_steps

KEYS = SigningKeys(("k" * 40,))
OTHER = SigningKeys(("o" * 40,))


def _log(*contents: dict[str, object], keys: SigningKeys = KEYS) -> list[str]:
    lines: list[str] = []
    for seq, content in enumerate(contents, start=1):
        previous = line_hash(lines[-1] if lines else None)
        whole = {
            "event": "gala",
            "seq": seq,
            "at_ms": seq * 60_000,
            "previous": previous,
            **content,
        }
        document = json.dumps(whole)
        lines.append(f"{document} {keys.sign_document(document.encode())}")
    return lines


def _problems(*contents: dict[str, object]) -> list[tuple[int, str]]:
    return [(one.line, one.text) for one in verify_log(_log(*contents), KEYS.public).problems]


LINES = _log(
    {"issued": [1, 50], "steps": "c1-5 l6 c7"},
    {"issued": [51, 90], "steps": "s8-9 c10-12 r8 c8"},
    {"steps": "l13-20 c21"},
    {"issued": [91, 91]},
)


def test_an_untouched_log_holds() -> None:
    report = verify_log(LINES, KEYS.public)
    assert (report.problems, report.issued, report.called) == ([], 91, 11)
    assert (report.skipped, report.returned, report.left) == (2, 1, 9)


@given(st.integers(0, sum(len(line) + 1 for line in LINES) - 1), st.integers(1, 255))
def test_one_flipped_byte_is_found_in_its_line(at: int, change: int) -> None:
    raw = bytearray("".join(f"{line}\n" for line in LINES).encode())
    line = raw[:at].count(b"\n") + 1
    raw[at] ^= change
    text = raw.decode("utf-8", "replace").removesuffix("\n")
    found = verify_log(text.split("\n"), KEYS.public).problems
    assert found
    assert found[0].line == line


@given(st.permutations(range(len(LINES))))
def test_lines_that_were_moved_are_found_from_the_first_on(order: list[int]) -> None:
    found = verify_log([LINES[index] for index in order], KEYS.public).problems
    moved = [line for line, index in enumerate(order, start=1) if line != index + 1]
    assert [one.line for one in found[:1]] == moved[:1]


def test_a_missing_line_is_found_where_it_is_missing() -> None:
    for missing in range(len(LINES) - 1):
        found = verify_log(LINES[:missing] + LINES[missing + 1 :], KEYS.public).problems
        assert found[0].line == missing + 1


@given(st.permutations([2, 3, 4, 5, 6]))
def test_a_turn_out_of_order_is_found_with_who_waited(order: list[int]) -> None:
    steps = " ".join(f"c{position}" for position in [1, *order])
    found = _problems({"issued": [1, 6]}, {"steps": steps})
    in_order = all(before < after for before, after in itertools.pairwise(order))
    assert (not found) == in_order
    assert all(line == 2 for line, _ in found)


def test_every_other_step_needs_its_reason() -> None:
    for steps, words in {
        "c2": "called before 1",
        "s2": "skipped before 1",
        "c1 c1": "called, but did not wait",
        "r1": "returned, but was not away",
        "l9": "left, but did not wait",
        "x1": "cannot be read",
        "c1-99999999999": "cannot be read",
        "c3-1": "out of range",
    }.items():
        found = _problems({"issued": [1, 3]}, {"steps": steps})
        assert any(words in text for _, text in found), steps


def test_a_number_is_issued_once() -> None:
    assert _problems({"issued": [1, 3]}, {"issued": [3, 4]})
    assert _problems({"issued": [2, 3]})


def test_a_log_of_another_shop_is_refused_line_by_line() -> None:
    report = verify_log(_log({"issued": [1, 3]}, {}, keys=OTHER), KEYS.public)
    assert {one.line for one in report.problems} == {1, 2}


@given(st.lists(st.tuples(st.sampled_from("csrl"), st.integers(1, 30)), max_size=60))
def test_packed_steps_are_the_same_steps(steps: list[tuple[str, int]]) -> None:
    unpacked: list[tuple[str, int]] = []
    for word in pack_steps(steps).split():
        first, _, last = word[1:].partition("-")
        unpacked += [(word[0], value) for value in range(int(first), int(last or first) + 1)]
    assert unpacked == steps


def test_a_receipt_leads_to_what_happened_to_its_number() -> None:
    document = json.dumps({"event": "gala", "number": 8, "at_ms": 70_000})
    line = f"{document} {KEYS.sign_document(document.encode())}"
    receipt = read_receipt(f"{line}\n", KEYS.public)
    assert receipt == Receipt("gala", 8, 70_000)
    assert read_receipt(line, OTHER.public) is None
    assert read_receipt(line.replace("8", "9", 1), KEYS.public) is None
    report: LogReport = verify_log(LINES, KEYS.public, receipt)
    assert [one.text for one in report.events] == [
        "Number 8 was issued, with 7 ahead",
        "Skipped for silence",
        "Returned",
        "Called",
    ]


def test_a_day_of_a_busy_sale_stays_below_a_megabyte() -> None:
    # In each of 1,440 minutes sixty are let in, and of those who wait every twentieth leaves.
    contents: list[dict[str, object]] = []
    for minute in range(1_440):
        first = minute * 60 + 1
        steps = [("l" if n % 20 == 0 else "c", n) for n in range(first, first + 60)]
        contents.append({"issued": [first, first + 59], "steps": pack_steps(steps)})
    lines = _log(*contents)
    assert verify_log(lines, KEYS.public).problems == []
    assert sum(len(line) + 1 for line in lines) < 1_000_000
