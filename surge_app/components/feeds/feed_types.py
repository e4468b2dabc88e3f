"""The documents of the JSON API, as types for the vars of public pages.

WARNING: field names are the API's. Change them together with `surge_app.api`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, make_dataclass
from typing import Any, get_args

from surge_app.services.events.facts import PUBLIC_FACTS, FactField


@dataclass(frozen=True)
class TierJson:
    """A tier in `GET /api/events`; null becomes "" or 0 in the browser."""

    id: str = ""
    name: str = ""
    price_paise: int = 0
    all_in_paise: int = 0
    capacity: int = 0
    available: int = 0
    held: int = 0
    sold: int = 0
    status: str = ""
    sales_open_at: str = ""
    min_per_booking: int = 1
    max_per_booking: int = 0


@dataclass(frozen=True)
class TextPartJson:
    """A part of a text; `href` is empty if it is no link."""

    text: str = ""
    href: str = ""


@dataclass(frozen=True)
class TextLineJson:
    """A line of a text."""

    parts: list[TextPartJson] = field(default_factory=list)


@dataclass(frozen=True)
class TextBlockJson:
    """Lines that belong together; `kind` is paragraph, list, steps or heading."""

    kind: str = ""
    lines: list[TextLineJson] = field(default_factory=list)


@dataclass(frozen=True)
class ShownFactJson:
    """Facts of one heading, as the API words them."""

    title: str = ""
    is_brief: bool = False
    lines: list[TextPartJson] = field(default_factory=list)


def _in_browser(one: FactField) -> tuple[str, type, Any]:
    """Return a fact as the browser holds it: moments are text, null becomes "" or 0."""
    kind = next((kind for kind in (bool, int) if kind in {one.type, *get_args(one.type)}), str)
    default = "" if one.is_required or one.is_nullable else one.default
    return one.name, kind, field(default=kind(default or kind()))


# Its fields are made at run time; for the type checker it is any class.
_EventFactsJson: Any = make_dataclass(
    "_EventFactsJson", [_in_browser(one) for one in PUBLIC_FACTS.values()], frozen=True
)


@dataclass(frozen=True)
class EventJson(_EventFactsJson):
    """An event in `GET /api/events`.

    Attributes:
        text: The description with its lists and links; in the answer about one event only.
        costs: Whether any of its tickets costs something; added in the browser.
        opens_in_seconds: Until the sale opens by the server's clock, 0 if it is open; added in
            the browser.
        is_next: Whether no other sale of the list opens sooner; added in the browser.
    """

    slug: str = ""
    status: str = ""
    fee_paise: int = 0
    available: int = 0
    few_left: bool = False
    from_paise: int = 0
    to_paise: int = 0
    cover: str = ""
    facts: list[ShownFactJson] = field(default_factory=list)
    text: list[TextBlockJson] = field(default_factory=list)
    tiers: list[TierJson] = field(default_factory=list)
    costs: bool = False
    opens_in_seconds: int = 0
    is_next: bool = False


@dataclass(frozen=True)
class SearchJson:
    """The search of a visitor in the list, as the address has it."""

    q: str = ""
    city: str = ""
    category: str = ""
    when: str = ""


@dataclass(frozen=True)
class EventsFeed:
    """The list of events in the browser.

    Attributes:
        phase: loading, ready, crowded (rate limited) or error (no answer yet).
        offline: Whether the last request failed, so that the data may be old.
        is_searchable: Whether there are more events than one sees at a glance.
        is_narrowed: Whether the list shows the answer to a search.
        has_more: Whether another press shows more.
        is_cut: Whether there are more than the list can show.
    """

    phase: str = "loading"
    offline: bool = False
    problem: str = ""
    events: list[EventJson] = field(default_factory=list)
    search: SearchJson = field(default_factory=SearchJson)
    cities: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    is_searchable: bool = False
    is_narrowed: bool = False
    has_more: bool = False
    is_cut: bool = False


@dataclass(frozen=True)
class EventFeed:
    """One event in the browser; `phase` may also be missing."""

    phase: str = "loading"
    offline: bool = False
    problem: str = ""
    busy: bool = False
    at: int = 0
    event: EventJson = field(default_factory=EventJson)


@dataclass(frozen=True)
class QueueFeed:
    """A visitor's position in the queue, in the browser.

    Attributes:
        phase: The state of the page: loading, joining, challenge (the check before joining runs),
            cookieless (no cookie came back), refused (the check failed), waiting, paused,
            scheduled, sold_out, admitted, elsewhere (another tab went in), moved (to another
            device), lost (the position was
            given up), left, ended, missing; and offline, crowded or unavailable before the first
            answer.
        mood: Of waiting: next, held (every ticket is on hold) or empty.
        stale: Whether the last answer is missing, so that an older one is shown.
        problem: The server's message about it.
        odds: How likely a ticket is, as a sentence; empty where one is sure.
        position: 1 is next, 0 if unknown. Grows for the same number only on a recall.
        waiting: How many visitors wait in all.
        joined_at: The first position this browser saw.
        progress: How far the visitor has come, in per cent.
        eta: Such as "6–8 min", or empty while the pace is unknown.
        eta_high: Its upper end in seconds.
        eta_note: Why the estimate grew; empty if it did not.
        note: The code of the contract; `note_text` is its sentence.
        rule: fifo or random; `commitment`, `seed` and `early` prove a drawn order.
        opens_in_seconds: Until the opening, by the server's clock.
        claim_seconds: Until the turn passes to the next visitor.
        checking: How many seconds the check before joining has been running.
        tell: Whether the turn is announced: off, sound (no notification allowed) or on.
        asking: Whether the question before leaving is open.
        leaving: Whether the request to leave is under way.
        at: When the last answer came (ms since epoch).
        said: The text for screen readers; it changes rarely.
        known: Whether `event` has arrived; the position does not wait for it.
    """

    phase: str = "loading"
    mood: str = ""
    offline: bool = False
    stale: bool = False
    problem: str = ""
    position: int = 0
    ahead: int = 0
    waiting: int = 0
    number: int = 0
    joined_at: int = 0
    progress: float = 4
    odds: str = ""
    eta: str = ""
    eta_high: int = 0
    eta_note: str = ""
    available: int = 0
    held: int = 0
    message: str = ""
    note: str = ""
    note_text: str = ""
    rule: str = "fifo"
    commitment: str = ""
    seed: str = ""
    early: int = 0
    opens_in_seconds: int = 0
    claim_seconds: int = 0
    checking: int = 0
    tell: str = "off"
    asking: bool = False
    leaving: bool = False
    at: int = 0
    said: str = ""
    known: bool = False
    event: EventJson = field(default_factory=EventJson)
