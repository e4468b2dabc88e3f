"""Selections and intents as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from surge_app.models import IntentLine


@dataclass(frozen=True, slots=True)
class OrderLine:
    """So many tickets of one tier."""

    tier_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class IntentLineView:
    """One line of an intent, with the price frozen when it was held."""

    tier_id: str
    tier_name: str
    quantity: int
    unit_price_paise: int


def line_views(lines: Iterable[tuple[IntentLine, str]]) -> tuple[IntentLineView, ...]:
    """Project the lines of an intent, each with the name of its tier."""
    return tuple(
        IntentLineView(line.tier_id, tier_name, line.quantity, line.unit_price_paise)
        for line, tier_name in lines
    )


@dataclass(frozen=True, slots=True)
class IntentView:
    """A booking intent.

    Attributes:
        status: held, paying, confirmed, expired or released.
        remaining_seconds: Whole seconds until the hold ends, by the database's clock; 0 when
            it is over.
        booking_ref: Set once confirmed.
        payments_paused: The gateway is out, so no payment can be started.
        clock_stopped: `remaining_seconds` stays as it is until payments go on.
        attendees: For each tier id, the names given so far of who comes.
    """

    id: str
    event_slug: str
    status: str
    lines: tuple[IntentLineView, ...]
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    currency: str
    expires_at: datetime
    remaining_seconds: int
    booking_ref: str | None
    name: str
    email: str
    phone: str
    payments_paused: bool = False
    clock_stopped: bool = False
    attendees: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @property
    def is_live(self) -> bool:
        """Return whether the units are still reserved for this visitor."""
        return self.status in {"held", "paying"} and self.remaining_seconds > 0


@dataclass(frozen=True, slots=True)
class ListedIntent:
    """An intent as its organizer sees it; contact fields are empty if none were given."""

    id: str
    status: str
    lines: tuple[IntentLineView, ...]
    total_paise: int
    currency: str
    name: str
    email: str
    phone: str
    order_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class IntentPage:
    """Some intents, the newest first; `next_before` asks for the next page, None ends it."""

    intents: tuple[ListedIntent, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class Contact:
    """A parsed contact. `phone` is E.164, `email` has a lower-case domain.

    `attendees` holds, for each tier id, the names of who comes, empty where none was given.
    """

    name: str
    email: str
    phone: str
    attendees: tuple[tuple[str, tuple[str, ...]], ...] = ()
