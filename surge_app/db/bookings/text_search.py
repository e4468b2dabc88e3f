"""Searching bookings as people type: any order of words, without accents, in one place."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_QUOTES = "’‘`´"
_PHONE = re.compile(r"[\d\s+()-]+")
# Fewer digits say nothing: they end many numbers.
_MIN_DIGITS = 4
# An Indian number as it is dialled: 0 98765 43210.
_WITH_TRUNK_PREFIX = 11


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A search text, taken apart for `condition`.

    Attributes:
        words: All of them must occur, in any order.
        digits: A LIKE pattern for the end of a mobile number; None matches none.
        ref: A booking reference, with its prefix.
    """

    words: list[str]
    digits: str | None
    ref: str
    exact: str

    @classmethod
    def parse(cls, text: str) -> TextQuery:
        """Read what was typed."""
        exact = text.strip()
        digits = "".join(one for one in exact if one.isdecimal())
        if len(digits) == _WITH_TRUNK_PREFIX:
            digits = digits.removeprefix("0")
        is_phone = _PHONE.fullmatch(exact) is not None and len(digits) >= _MIN_DIGITS
        ref = exact.upper()
        return cls(
            words=_fold(exact).split(),
            digits=f"%{digits}" if is_phone else None,
            ref=ref if ref.startswith("SRG-") else f"SRG-{ref}",
            exact=exact,
        )

    def values(self) -> dict[str, object]:
        """Return the parameters of `condition`."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def condition(*columns: str) -> str:
    """Return the SQL that matches a `TextQuery`: `b` is a booking, the columns hold names."""
    quotes = "''" * len(_QUOTES)
    text = f"translate(concat_ws(' ', {', '.join(columns)}), '{_QUOTES}', '{quotes}')"
    # Combining marks go, so that "é" is found by "e" however it was typed.
    folded = f"regexp_replace(normalize(lower({text}), NFKD), '[\u0300-\u036f]', '', 'g')"
    return f"""(
        (cardinality(CAST(:words AS text[])) > 0 AND NOT EXISTS (
            SELECT FROM unnest(CAST(:words AS text[])) AS word
            WHERE position(word IN {folded}) = 0))
        OR b.phone LIKE CAST(:digits AS text) OR b.ref = CAST(:ref AS text)
        OR EXISTS (SELECT FROM payments paid
            WHERE paid.intent_id = b.intent_id AND paid.id = CAST(:exact AS text))
    )"""  # noqa: S608  columns of ours


def _fold(text: str) -> str:
    plain = text.translate({ord(one): "'" for one in _QUOTES}).lower()
    letters = unicodedata.normalize("NFKD", plain)
    return "".join(one for one in letters if not "\u0300" <= one <= "\u036f")
