"""Languages that code makes from English: they show what is hard-coded, cut or overlapping."""

from __future__ import annotations

import re

_ACCENTED, _RIGHT_TO_LEFT = "en-XA", "ar-XB"
_PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ACCENTS = str.maketrans(_PLAIN, "ÅƁÇÐÉƑĜĤÎĴĶĻṀÑÖÞǪŔŠŢÛṼŴẊÝŽåƀçðéƒĝĥîĵķļɱñöþǫŕšţûṽŵẋýž")
_VOWEL = re.compile(r"[aeiouAEIOU]")
_PLACEHOLDER = re.compile(r"(\{\w+\})")
_WORD = re.compile(r"[A-Za-z][\w'’]*")


def is_pseudo(tag: str) -> bool:
    """Return whether code makes this language."""
    return tag in {_ACCENTED, _RIGHT_TO_LEFT}


def transform(text: str, tag: str) -> str:
    """Return an English sentence in a pseudo-language; its `{names}` stay.

    One has an accent on each letter and each vowel twice; the other turns each word around.
    """
    change = _accent if tag == _ACCENTED else _turn
    parts = _PLACEHOLDER.split(text)
    return "".join(part if index % 2 else change(part) for index, part in enumerate(parts))


def _accent(text: str) -> str:
    return _VOWEL.sub(lambda vowel: vowel[0] + vowel[0].lower(), text).translate(_ACCENTS)


def _turn(text: str) -> str:
    return _WORD.sub(lambda word: f"\u202e{word[0]}\u202c", text)
