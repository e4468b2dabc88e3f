"""Each error carries its own text, so editing documentation cannot change the product."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import surge_app
from surge_app.errors import InvalidContact, SurgeError
from surge_app.languages import SUPPORTED, gettext, use
from surge_app.services.checkout.shortages import shortage_error

_PLACEHOLDER = re.compile(r"\{\w+\}")
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


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_is_written_in_each_language(error: type[SurgeError]) -> None:
    for tag in SUPPORTED:
        with use(tag):
            text = gettext(error.message)
        assert _PLACEHOLDER.findall(text) == _PLACEHOLDER.findall(error.message)
        assert (text == error.message) == (tag == "en"), f"{tag}: {text}"


def test_an_error_of_many_callers_is_written_for_the_one_who_reads_it() -> None:
    # One transaction serves many visitors, so it is raised outside of any language.
    refused = shortage_error("tier", free=3, is_held=False)
    fields = InvalidContact({"name": "Enter your name."})
    with use("hi"):
        assert refused.document()["title"] == "इस तरह के सिर्फ़ 3 टिकट बचे हैं।"
        assert refused.document()["code"] == "not_enough_left"
        assert fields.document()["fields"] == {"name": "अपना नाम लिखें।"}
    assert refused.text == "Only 3 tickets are left of this ticket type."
