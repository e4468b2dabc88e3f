"""Numbers as people in India read them. Amounts are in `money`, dates in `services.dates`."""

from __future__ import annotations

from typing import Final

from babel import Locale
from babel.numbers import format_decimal

LOCALE: Final = "en_IN"


def grouped(number: float) -> str:
    """Return a number grouped the Indian way: `1,02,961`."""
    return format_decimal(number, locale=LOCALE)


def counted(number: int, one: str, many: str) -> str:
    """Return a number with what it counts: `1 ticket`, `2,140 tickets`."""
    word = one if Locale.parse(LOCALE).plural_form(number) == "one" else many
    return f"{grouped(number)} {word}"
