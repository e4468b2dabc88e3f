"""The languages there are, and which of them a request, a message or a job uses."""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Literal

COOKIE: Final = "surge_lang"
QUERY: Final = "lang"
MAX_AGE_SECONDS: Final = 365 * 24 * 3600
"""How long a browser keeps the choice."""
NUMBERS: Final = "en_IN"
"""The locale of numbers in every language: lakhs and Latin digits, as receipts in India have them.

CLDR groups Kannada by thousands, and gives Marathi and Bengali digits of their own.
"""
_COOKIE_VALUE = re.compile(rf"(?:^|;)\s*{COOKIE}=([\w-]{{1,20}})\s*(?:;|$)")
_ORGANIZERS = ("/admin", "/api/admin")
_MAX_HEADER = 200
_MAX_TAGS = 10
_MAX_WEIGHT = 1.0


@dataclass(frozen=True)
class Language:
    """One language.

    Attributes:
        tag: As in the cookie and the query.
        name: In the language itself, for the switch.
        locale: Formats numbers and dates.
        direction: Of the script.
        is_pseudo: Made by code from English, for tests and development.
        has_admin: Whether its catalogue covers the organizers' area and the check of a queue's log,
            which are in English otherwise.
    """

    tag: str
    name: str
    locale: str
    direction: Literal["ltr", "rtl"] = "ltr"
    is_pseudo: bool = False
    has_admin: bool = False

    @property
    def html_lang(self) -> str:
        """The tag as documents and browsers write it, with the region whose formats it uses."""
        return self.locale.replace("_", "-")


ALL: Final = {
    language.tag: language
    for language in (
        Language("en", "English", "en_IN", has_admin=True),
        Language("hi", "हिन्दी", "hi_IN", has_admin=True),
        Language("mr", "मराठी", "mr_IN"),
        Language("ta", "தமிழ்", "ta_IN"),
        Language("te", "తెలుగు", "te_IN"),
        Language("bn", "বাংলা", "bn_IN"),
        Language("kn", "ಕನ್ನಡ", "kn_IN"),
        Language("en-XA", "Áççéñţéð", "en_IN", is_pseudo=True, has_admin=True),
        Language("ar-XB", "Right to left", "en_IN", "rtl", is_pseudo=True, has_admin=True),
    )
}
DEFAULT: Final = ALL["en"]
SUPPORTED: Final = {tag: one for tag, one in ALL.items() if not one.is_pseudo}
"""The languages of visitors, by tag; the first is the one of the sentences in the code."""
_current: ContextVar[Language] = ContextVar("language", default=DEFAULT)
_offered = dict(SUPPORTED)


def offer_pseudo_languages() -> None:
    """Let requests choose the languages made for tests; production never does."""
    _offered.update(ALL)


def languages() -> dict[str, Language]:
    """Return the languages that a request may choose, by tag."""
    return _offered


def current() -> Language:
    """Return the language of what runs now; English unless `use` chose another."""
    return _current.get()


@contextmanager
def use(tag: str | None) -> Generator[Language]:
    """Use a language within the block; English for an unknown tag."""
    language = ALL.get(tag or "", DEFAULT)
    token = _current.set(language)
    try:
        yield language
    finally:
        _current.reset(token)


def set_current(tag: str) -> None:
    """Use a language for the rest of the current task."""
    _current.set(ALL.get(tag, DEFAULT))


def chosen(tag: str | None) -> str | None:
    """Return a tag as it is offered, whatever its case, or None."""
    if not tag or len(tag) > _MAX_HEADER:
        return None
    return next((one for one in _offered if one.lower() == tag.strip().lower()), None)


def negotiate(query: str | None, cookie: str | None, accept_language: str | None) -> str:
    """Return the tag to use: of the query, else of the cookie, else of the browser.

    Args:
        accept_language: The header as it came; only its beginning is read.
    """
    return chosen(query) or chosen(cookie) or _accepted(accept_language or "") or DEFAULT.tag


def language_of(path: str, query: str | None, cookies: str, accept_language: str | None) -> str:
    """Return the tag to use for a request; organizers have few languages.

    Args:
        path: Of the request or its page.
        cookies: The header as it came.
        accept_language: The header as it came.
    """
    found = _COOKIE_VALUE.search(cookies)
    tag = negotiate(query, found and found[1], accept_language)
    return tag if ALL[tag].has_admin or not path.startswith(_ORGANIZERS) else DEFAULT.tag


def _accepted(header: str) -> str | None:
    weighted: list[tuple[float, str]] = []
    for part in header[:_MAX_HEADER].split(",")[:_MAX_TAGS]:
        tag, _, weight = part.partition(";")
        # "hi-IN" is served by "hi"; what browsers send never names a pseudo-language.
        found = SUPPORTED.get(tag.strip().lower().partition("-")[0])
        if found and (quality := _quality(weight)) > 0:
            weighted.append((quality, found.tag))
    return max(weighted, key=lambda one: one[0])[1] if weighted else None


def _quality(weight: str) -> float:
    name, _, value = weight.strip().partition("=")
    if not name:
        return _MAX_WEIGHT
    try:
        quality = float(value) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= _MAX_WEIGHT else 0.0
