"""The checks of the house style find what they are for, and leave the rest alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture import house_style


@pytest.mark.parametrize(
    "line",
    [
        "Who waits asks again.",
        "Nothing is lost. Whoever comes back finds the place.",
        "- What cannot be sent is tried again.",
        "It goes on by itself.",
        "Nobody is told.",
    ],
)
def test_a_riddle_is_found(line: str) -> None:
    assert list(house_style.english_faults(line)) == [(1, line)]


@pytest.mark.parametrize(
    "line",
    [
        "A visitor who waits polls again.",
        "What happens when Redis is away?",
        "The job `Who waits` runs automatically.",
    ],
)
def test_plain_english_passes(line: str) -> None:
    assert list(house_style.english_faults(line)) == []


def test_a_docstring_on_a_constructor_is_found() -> None:
    source = 'class A:\n    def __init__(self) -> None:\n        """Keep it."""\n'
    assert list(house_style.constructor_docstrings(source)) == [2]
    assert list(house_style.constructor_docstrings(source.replace('"""Keep it."""', "..."))) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""What the pages share."""',
        "#: It goes on by itself.",
        'TEXT = "Nobody is here."',
        "# Who waits is called.",
        'TEXT = """Do it.\n\n    actor: Who asks.\n"""',
    ],
)
def test_a_riddle_in_a_module_is_found(source: str) -> None:
    assert len(list(house_style.source_faults(source))) == 1


def test_names_of_users_are_no_sentences() -> None:
    source = '"""Share `nobody` with pages."""\nUSER = "nobody"\n'
    assert list(house_style.source_faults(source)) == []


def test_old_words_in_names_are_found() -> None:
    source = (
        "class DoorList:\n    def told(self, wish, gate): kept_at = self.seats = _MOST_UNITS = 1\n"
    )
    found = list(house_style.old_names(source, "surge_app/pages/desk.py"))
    assert found == ["DoorList", "_MOST_UNITS", "desk", "kept_at", "seats", "told", "wish"]
    assert list(house_style.old_names("def mostly(doors_open_at): indoors = 1\n")) == []


def test_code_that_nothing_uses_is_found(tmp_path: Path) -> None:
    for folder in ("surge_app", "tests", "bench"):
        (tmp_path / folder).mkdir()
    (tmp_path / "rxconfig.py").write_text("from surge_app.a import used\nused()\n")
    (tmp_path / "surge_app" / "a.py").write_text("def used(): ...\ndef unused(): ...\n")
    assert house_style.dead_code(tmp_path) == ["surge_app/a.py:2: unused function 'unused'"]
