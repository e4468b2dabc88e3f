"""Choose a typeface that has the letters of a text, on paper and in pictures."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import uharfbuzz  # pyright: ignore[reportMissingTypeStubs] - it has none

from surge_app.observability.log import get_logger

_log = get_logger(__name__)
_harfbuzz: Any = uharfbuzz

_FONTS = Path(__file__).parents[1] / "fonts"
LATIN: Final = "inter"
SHAPED: Final = frozenset(
    {
        "devanagari",
        "bengali",
        "gurmukhi",
        "gujarati",
        "oriya",
        "tamil",
        "telugu",
        "kannada",
        "malayalam",
        "arabic",
        "hebrew",
        "thai",
    }
)
"""Faces whose letters change with their neighbours, or run from right to left."""

FACES: Final = (LATIN, "inter-ext", "greek", "cyrillic", *sorted(SHAPED), "chinese")
MISSING: Final = "[?]"
"""Stands for letters that no face has."""

_LOGGED = 20


def face_file(face: str, weight: int) -> Path:
    """Return the file of a face; most have one weight."""
    path = _FONTS / f"{face}-{weight}.ttf"
    return path if path.is_file() else _FONTS / f"{face}-400.ttf"


@lru_cache(maxsize=4096)
def face_of(letter: str) -> str | None:
    """Return the first face that has a letter, None if none has."""
    return next((face for face in FACES if ord(letter) in _letters(face)), None)


def faces_of(text: str) -> list[str]:
    """Return the faces a text needs, in the order in which they are tried."""
    needed = {face_of(letter) for letter in text}
    return [face for face in FACES if face in needed]


def printable(text: str) -> str:
    """Return a text with a visible mark for each run of letters that no face has.

    Invisible marks are dropped instead. What is missing is logged: a face can be added.
    """
    composed = unicodedata.normalize("NFC", text)
    missing = {letter for letter in composed if face_of(letter) is None and not _is_mark(letter)}
    if missing:
        points = " ".join(sorted(f"U+{ord(letter):04X}" for letter in missing)[:_LOGGED])
        _log.warning("glyphs_missing", letters=points)
    return "".join(_shown(composed))


def runs(text: str) -> Iterator[tuple[str, str]]:
    """Split a printable text by the face its letters need; spaces and marks stay with the last."""
    face = LATIN

    def needed(letter: str) -> str:
        nonlocal face
        belongs = letter.isspace() or (_is_mark(letter) and ord(letter) in _letters(face))
        face = face if belongs else face_of(letter) or LATIN
        return face

    for name, letters in groupby(text, key=needed):
        yield name, "".join(letters)


def _shown(text: str) -> Iterator[str]:
    for is_there, letters in groupby(text, key=lambda letter: face_of(letter) is not None):
        run = "".join(letters)
        if is_there:
            yield run
        elif not all(map(_is_mark, run)):
            yield MISSING


def _is_mark(letter: str) -> bool:
    """Whether a letter is seen only with others: joiners, selectors, direction marks."""
    return unicodedata.category(letter) in {"Cf", "Cc", "Mn", "Me"}


@cache
def _letters(face: str) -> frozenset[int]:
    blob = _harfbuzz.Blob.from_file_path(face_file(face, 400))
    return frozenset(_harfbuzz.Face(blob).unicodes)
