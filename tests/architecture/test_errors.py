"""Each error carries its own text, so editing documentation cannot change the product."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest

import surge_app
from surge_app.errors import SurgeError

_ENTRY_POINTS = {"surge_app.__main__", "surge_app.surge_app"}

for module in pkgutil.walk_packages(surge_app.__path__, "surge_app."):
    if module.name not in _ENTRY_POINTS:
        importlib.import_module(module.name)


def _subclasses(error: type[SurgeError]) -> list[type[SurgeError]]:
    return [found for child in error.__subclasses__() for found in (child, *_subclasses(child))]


ERRORS = [found for found in _subclasses(SurgeError) if found.__module__.startswith("surge_app.")]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_states_its_own_cause_and_what_to_do(error: type[SurgeError]) -> None:
    text = vars(error).get("message", "")
    assert text.count(". ") + text.count("? ") + text.count(", so ") >= 1, text
    assert text.endswith(".")
    assert text != error.__doc__


def test_every_code_stands_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "qa.md").read_text("utf-8")
    assert {error.code for error in ERRORS if f"`{error.code}`" not in guide} == set()


def test_an_errors_text_is_its_message_and_not_its_docstring() -> None:
    class Example(SurgeError):
        """Describe the class to a reader of the code."""

        message = "The example failed. Nothing was changed."

    assert Example().document()["title"] == "The example failed. Nothing was changed."
    assert str(Example("Another sentence.")) == "Another sentence."
