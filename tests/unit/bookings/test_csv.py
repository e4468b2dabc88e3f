"""The list of participants as a spreadsheet reads it: text stays text."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, strategies as st

from surge_app.services.bookings.exports import COLUMNS, _csv_lines

FORMULA_STARTS = "=+-@\t\r\n＝＋－＠"


def _read(line: bytes) -> list[str]:
    (row,) = csv.reader(io.StringIO(line.decode(), newline=""))
    return row


@pytest.mark.parametrize(
    "value",
    [
        "=1+1",
        "+919876543210",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "＝1+1",
        "＋919876543210",
        "－1",
        "＠SUM(A1)",
        " =1+1",
        "    +91",
        '=HYPERLINK("http://evil";"x")',
        "=cmd|' /C calc'!A0",
        "\n=1+1",
        "  \n=1+1",
    ],
)
def test_what_a_spreadsheet_takes_for_a_formula_is_led_by_an_apostrophe(value: str) -> None:
    assert _read(_csv_lines([(value,)])) == [f"'{value}"]


@pytest.mark.parametrize(
    "value", ["Asha Rao", "asha@example.com", "O'Brien", "12", "a=b", "", "x-1"]
)
def test_plain_text_stays_as_it_is(value: str) -> None:
    assert _read(_csv_lines([(value,)])) == [value]


def test_every_field_is_quoted_and_quotes_are_doubled() -> None:
    assert _csv_lines([('say "hi"', 7, "a,b", "two\nlines")]) == (
        b'"say ""hi""","7","a,b","two\nlines"\r\n'
    )


def test_the_columns_are_named_once_each() -> None:
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert _read(_csv_lines([COLUMNS])) == list(COLUMNS)


FIELDS = st.builds(
    "{}{}".format, st.sampled_from(["", " ", "   ", *FORMULA_STARTS]), st.text(max_size=20)
)


@given(st.lists(FIELDS, min_size=1, max_size=6))
def test_no_field_starts_as_a_formula_and_none_is_lost(values: list[str]) -> None:
    read = _read(_csv_lines([tuple(values)]))
    assert len(read) == len(values)
    for kept, value in zip(read, values, strict=True):
        assert kept in {value, f"'{value}"}
        assert not kept.lstrip(" ").startswith(tuple(FORMULA_STARTS))
