"""The sentences of one language, as tests look for them on pages."""

from __future__ import annotations

import os
import re

import pytest

from surge_app.languages import gettext, ngettext, use
from surge_app.languages.catalogue import catalogue

_TAGS = ("en", "hi", "en-XA")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Words:
    """The catalogue of one language, by its English sentences."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.query = "" if tag == "en" else f"?lang={tag}"

    def __call__(self, message: str, **values: object) -> str:
        """Return a sentence; a test that names one outside the catalogue fails."""
        assert self.tag == "en" or message in catalogue(self.tag).texts, message
        with use(self.tag):
            return gettext(message, **values)

    def tickets(self, number: int) -> str:
        """Return a number of tickets."""
        with use(self.tag):
            return ngettext("{count} ticket", "{count} tickets", number)

    def like(self, message: str, **values: object) -> re.Pattern[str]:
        """Return a pattern of what begins with a sentence; other values may be anything."""
        parts = _PLACEHOLDER.split(self(message))
        for index in range(1, len(parts), 2):
            value = values.get(parts[index])
            parts[index] = ".*" if value is None else f"{re.escape(str(value))}.*?"
        parts[::2] = [re.escape(part) for part in parts[::2]]
        return re.compile(f"^{''.join(parts)}")


ENGLISH = Words("en")


def in_turn(number: int) -> pytest.MarkDecorator:
    """Run a test in one of the languages, and at night in the others as well.

    Pictures are taken of the English pages.
    """
    mine = "en" if os.environ.get("PICTURES") else _TAGS[number % len(_TAGS)]
    languages = [
        pytest.param(Words(tag), id=tag, marks=() if tag == mine else pytest.mark.nightly)
        for tag in _TAGS
    ]
    return pytest.mark.parametrize("words", languages)
