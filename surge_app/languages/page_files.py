"""The catalogues that pages load: one script for each area, with its sentences alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Final

from surge_app.languages.catalogue import Texts, catalogue
from surge_app.languages.choice import ALL, DEFAULT, Language

_FOLDER: Final = "languages"
_QUEUE: Final = (
    "surge_app/pages/queue",
    # Polls carry no language, so their notes are translated by the page.
    "surge_app/services/waiting_room/",
    *(f"assets/js/{name}.js" for name in ("waiting_room", "queue_progress", "queue_announcements")),
)
_BOOKING: Final = tuple(
    f"surge_app/pages/{name}"
    for name in (
        "__init__",
        "booking",
        "checkout",
        "contact_form",
        "hold_timer",
        "release",
        "shared",
        "tier_list",
    )
)
ORGANIZERS_ALONE: Final = "organizers/"
"""Before the path of a text that `A_` marks."""
_ADMIN: Final = (
    # The editor of events has a label and a hint for each fact.
    ORGANIZERS_ALONE,
    "surge_app/pages/admin/",
    "surge_app/components/frame/admin_layout.py",
    *(
        f"assets/js/{name}.js"
        for name in (
            "check_in",
            "cover_upload",
            "offline_scans",
            "preview_feed",
            "ticket_scanner",
            "typed_codes",
            "unsaved_changes",
        )
    ),
)
# The ways to pay at the box office; attendees read them in what the server says.
_NAMES: Final = "surge_app/formatting.py"
# Attendees read them in what the server says, and organizers above the fields of the editor.
_FACTS: Final = "surge_app/services/events/facts.py"
_ORGANIZERS: Final = (
    *_ADMIN,
    "surge_app/api/admin/",
    "surge_app/rehearsal/",
    "surge_app/services/admin/",
    *(
        f"surge_app/services/{name}.py"
        for name in (
            "access/admin_auth",
            "bookings/check_in",
            "events/covers",
            "events/fact_checks",
            "events/inventory",
            "events/new_event",
            "messaging/event_notices",
            "payments/box_office",
            "payments/refund_policy",
            "payments/refunds",
        )
    ),
    "surge_app/services/operations/",
    "surge_app/state/admin/",
    # The check of a queue's log, which is in the same languages.
    "surge_app/edge/pages/templates/verify.html",
    "surge_app/edge/pages/verify_page.py",
    "surge_app/services/queue_log_sentences.py",
)
_ALL_PAGES: Final = (
    "surge_app/pages/",
    "surge_app/components/",
    "surge_app/services/events/site_texts.py",
    "assets/js/",
    *_QUEUE,
    _NAMES,
    _FACTS,
    ORGANIZERS_ALONE,
)
_AREAS: Final = {
    "events": (),
    "queue": _QUEUE,
    "book": _BOOKING,
    "bookings": _BOOKING,
    "admin": (*_ADMIN, _NAMES, _FACTS),
}
"""By the first part of an address: the files whose sentences it has beside the common ones."""
_SPECIAL: Final = (*_QUEUE, *_BOOKING, *_ADMIN, _NAMES, _FACTS)
_FNV_START, _FNV_PRIME = 0x811C9DC5, 0x01000193
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class PageFile:
    """A script that a page loads; its name changes with its content."""

    path: str
    content: str


@cache
def page_files() -> dict[Language, dict[str, PageFile]]:
    """Return the files of every language but English, by area."""
    return {
        language: {
            area: _file(language, own)
            for area, own in _AREAS.items()
            if area != "admin" or language.has_admin
        }
        for language in ALL.values()
        if language is not DEFAULT
    }


def page_key(message: str) -> str:
    """Return the key of a sentence in a page's catalogue: FNV-1a, as `language.js` computes it."""
    number = _FNV_START
    for letter in message:
        number = ((number ^ ord(letter)) * _FNV_PRIME) & 0xFFFFFFFF
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def is_for_organizers(sources: Iterable[str]) -> bool:
    """Return whether only languages with an admin area have a sentence of these files."""
    return all(path.startswith(_ORGANIZERS) for path in sources)


def _file(language: Language, own: tuple[str, ...]) -> PageFile:
    known = catalogue(language.tag)
    texts: dict[str, tuple[str, ...]] = {}
    for message in sorted(_messages(known, own)):
        key = page_key(message)
        if key in texts:
            msg = f"Two sentences have the key {key}. Change this one a little: {message}"
            raise ValueError(msg)
        texts[key] = known.texts[message]
    body = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    content = f"surgeLanguage.texts={body};surgeLanguage.plural=n=>Number({known.plural_rule});\n"
    digest = sha256(content.encode()).hexdigest()[:10]
    return PageFile(f"{_FOLDER}/{language.tag}.{digest}.js", content)


def _messages(known: Texts, own: tuple[str, ...]) -> Iterator[str]:
    for message, sources in known.sources.items():
        paths = [path for path in sources if path.startswith(_ALL_PAGES)]
        if any(path.startswith(own) or not path.startswith(_SPECIAL) for path in paths):
            yield message
