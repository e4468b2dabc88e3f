"""The texts of one event that its organizer writes in several languages.

It is one text, so that a form, the API and the command line take it as any other fact:

    hi name: मॉनसून बीट्स
    hi description: दो दिन, बारह कलाकार।
    The lines below belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from itertools import zip_longest
from typing import TypeAlias

from surge_app.languages import SUPPORTED

Translations: TypeAlias = Mapping[str, Mapping[str, str]]
"""Texts by the tag of their language and the name of their fact."""
_BEGINS = re.compile(r"^([a-z]{2}) ([a-z_]+):[ \t]*", re.MULTILINE)
_INDENTED = r" \g<0>"


def read_translations(text: str, names: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the texts by language and fact; what begins with no known line is left out.

    Args:
        text: As typed.
        names: The facts that may have another text in each language.
    """
    found: dict[str, dict[str, str]] = {}
    begun = [one for one in _BEGINS.finditer(text) if one[1] in SUPPORTED and one[2] in names]
    for one, following in zip_longest(begun, begun[1:]):
        words = text[one.end() : following.start() if following else len(text)].strip()
        if words:
            found.setdefault(one[1], {})[one[2]] = words
    return found


def write_translations(texts: Translations) -> str:
    """Return texts as `read_translations` reads them; empty ones are left out."""
    return "\n".join(
        # A line of prose that looks like the beginning of a text is none behind a blank.
        f"{tag} {name}: {_BEGINS.sub(_INDENTED, words)}"
        for tag, named in texts.items()
        for name, words in named.items()
        if words
    )


def unknown_line(text: str, names: Collection[str]) -> str:
    """Return the first line that belongs to no text; empty if there is none."""
    for number, line in enumerate(text.strip().splitlines()):
        begins = _BEGINS.match(line)
        is_known = begins is not None and begins[1] in SUPPORTED and begins[2] in names
        # Prose may hold a colon; one of our words beside it is a slip of the pen.
        is_meant = begins is not None and (begins[1] in SUPPORTED or begins[2] in names)
        if not is_known and (number == 0 or is_meant):
            return line
    return ""
