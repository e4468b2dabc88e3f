"""Search bookings: words in any order, accents or not, through one index.

`fold_text` and `text_grams` are functions of the database; an index holds the groups of three
letters of each booking, so that a million of them are searched without reading them.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_GRAM = 3
_QUOTES = "’‘`´"
_PHONE = re.compile(r"[\d\s+()-]+")
# Fewer digits say nothing: they end many numbers.
_MIN_DIGITS = 4
# An Indian number as it is dialled: 0 98765 43210.
_WITH_TRUNK_PREFIX = 11
_BOOKING = "fold_text(b.name, b.email, b.phone, b.ref)"
_NAME = "fold_text(b.name)"
_ATTENDEE = "fold_text(t.attendee_name)"


@dataclass(frozen=True, slots=True)
class TextQuery:
    """A search text, taken apart.

    Attributes:
        words: All of them must occur, in any order; a short one must begin a word.
        digits: A mobile number or a part of one, without signs; empty if it is none.
    """

    words: list[str]
    digits: str
    exact: str

    @classmethod
    def parse(cls, typed: str) -> TextQuery:
        """Read what was typed."""
        exact = typed.strip()
        digits = "".join(one for one in exact if one.isdecimal())
        if len(digits) == _WITH_TRUNK_PREFIX:
            digits = digits.removeprefix("0")
        is_phone = _PHONE.fullmatch(exact) is not None and len(digits) >= _MIN_DIGITS
        words = [digits] if is_phone else _fold(exact).split()
        return cls(
            words=[word if len(word) >= _GRAM else f" {word}" for word in words],
            digits=digits if is_phone else "",
            exact=exact,
        )

    def values(self) -> dict[str, object]:
        """Return the parameters of `for_organizer` and `for_scanner`."""
        ref = self.exact.upper()
        return {
            "words": self.words,
            "grams": _grams(self.words),
            "exact": self.exact,
            "digits": self.digits,
            "digit_grams": _grams([self.digits]),
            "ref": ref if ref.startswith("SRG-") else f"SRG-{ref}",
        }


def for_organizer(query: TextQuery) -> str:
    """Return the SQL for ids of bookings by any part of them, for organizers."""
    return " UNION ".join(
        (
            _ids(_matches(_BOOKING, query)),
            _by_attendee(query),
            _ids("p.id = :exact", "payments p JOIN bookings b ON b.intent_id = p.intent_id"),
            *_by_address(query),
        )
    )


def for_scanner(query: TextQuery) -> str:
    """Return the SQL for ids of bookings by a name, or by a whole address or reference.

    A part of a number or an address would let a scanner guess the rest of it.
    """
    # The index narrows the bookings; the name alone decides.
    found = [
        _ids(f"{_matches(_BOOKING, query)} AND {_has_words(_NAME)}"),
        _by_attendee(query),
        _ids("b.ref = :ref"),
    ]
    indexed = f"text_grams({_BOOKING}) @>"
    found += _by_address(query)
    if query.digits:
        whole = "b.phone IN ('+' || :digits, '+91' || :digits)"
        found.append(_ids(f"{indexed} CAST(:digit_grams AS text[]) AND {whole}"))
    return " UNION ".join(found)


def _ids(condition: str, source: str = "bookings b") -> str:
    return f"SELECT b.id FROM {source} WHERE b.event_id = :event_id AND {condition}"  # noqa: S608  constants of ours


def _by_address(query: TextQuery) -> list[str]:
    """Return the SQL for ids of bookings by any spelling of a whole email address."""
    if "@" not in query.exact:
        return []
    # The index of intents serves all but those whose contact was changed since.
    key = "email_key({}) = email_key(:exact)"
    unchanged = f"i.event_id = :event_id AND i.email IS NOT NULL AND {key.format('i.email')}"
    return [
        _ids(
            f"b.link_version IS NULL AND {unchanged}",
            "intents i JOIN bookings b ON b.intent_id = i.id",
        ),
        _ids(f"b.link_version IS NOT NULL AND {key.format('b.email')}"),
    ]


def _by_attendee(query: TextQuery) -> str:
    condition = f"t.attendee_name <> '' AND {_matches(_ATTENDEE, query)}"
    return _ids(condition, "tickets t JOIN bookings b ON b.id = t.booking_id")


def _matches(text: str, query: TextQuery) -> str:
    # Without a group of three letters the index would be read from end to end.
    is_indexed = bool(_grams(query.words))
    indexed = f"text_grams({text}) @> CAST(:grams AS text[]) AND " if is_indexed else ""
    return f"{indexed}{_has_words(text)}"


def _has_words(text: str) -> str:
    return f"""cardinality(CAST(:words AS text[])) > 0 AND NOT EXISTS (
        SELECT FROM unnest(CAST(:words AS text[])) AS word WHERE position(word IN {text}) = 0)"""


def _grams(words: list[str]) -> list[str]:
    return sorted({word[at : at + _GRAM] for word in words for at in range(len(word) - _GRAM + 1)})


def _fold(text: str) -> str:
    plain = text.translate({ord(one): "'" for one in _QUOTES}).lower()
    letters = unicodedata.normalize("NFKD", plain)
    return " ".join("".join(one for one in letters if not "\u0300" <= one <= "\u036f").split())
