"""Events and tiers as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal
from urllib.parse import quote
from zlib import crc32

from pydantic import ConfigDict

from surge_app.languages import current
from surge_app.services.events.facts import EventFacts, ShownFact, TierRules, shown_facts
from surge_app.services.events.rich_text import TextBlock, rich_text
from surge_app.services.events.translations import Translations

TierStatus = Literal["scheduled", "on_sale", "all_held", "sold_out", "ended"]
EventStatus = TierStatus | Literal["paused", "cancelled"]


@dataclass(frozen=True, slots=True)
class TierView(TierRules):
    """A tier with its counts and its own rules of sale.

    Attributes:
        all_in_paise: One ticket bought alone with the convenience fee included, the first
            figure a visitor sees; 0 if the ticket is free.
        status: scheduled, on_sale, all_held, sold_out or ended, as of the counts.
    """

    id: str
    name: str
    price_paise: int
    all_in_paise: int
    capacity: int
    available: int
    held: int
    sold: int
    status: TierStatus

    # The rules are never missing from an answer, though a new tier may leave them out.
    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView(EventFacts):
    """An event as attendees see it.

    Attributes:
        is_rehearsal: Whether it is in no list.
        cover_digest: Of the organizer's picture; empty if the cover is drawn.
        translations: Its texts by language; those of "" are the original ones.
    """

    id: str
    slug: str
    status: EventStatus
    currency: str
    fee_paise: int
    is_rehearsal: bool
    cover_digest: str
    tiers: tuple[TierView, ...]
    translations: Translations = field(default_factory=dict[str, dict[str, str]])

    def in_language(self) -> EventView:
        """Return the event with the organizer's texts in the current language, where there are."""
        if not self.translations:
            return self
        original, own = (self.translations.get(tag, {}) for tag in ("", current().tag))
        return replace(self, **{**original, **own})  # pyright: ignore[reportArgumentType]

    @property
    def facts(self) -> tuple[ShownFact, ...]:
        """The facts shown beside its name, day and venue."""
        return shown_facts(self, self.starts_at, self.time_zone)

    @property
    def directions(self) -> str:
        """The address of the way to it on a map."""
        is_named = self.city in self.venue
        destination = self.address or (self.venue if is_named else f"{self.venue}, {self.city}")
        return f"https://www.google.com/maps/dir/?api=1&destination={quote(destination, safe='')}"

    @property
    def text(self) -> tuple[TextBlock, ...]:
        """The description with its lists and links."""
        return rich_text(self.description)

    @property
    def available(self) -> int:
        """The number of free tickets."""
        return sum(tier.available for tier in self.tiers)

    @property
    def few_left(self) -> bool:
        """Return whether it is fair to say so: a tenth of all, at most a hundred, and not none."""
        capacity = sum(tier.capacity for tier in self.tiers)
        return self.status == "on_sale" and self.available <= min(100, capacity // 10)

    @property
    def from_paise(self) -> int:
        """The lowest all-in price one can still pay; of all tiers once nothing is left."""
        return min(self._prices, default=0)

    @property
    def to_paise(self) -> int:
        """The highest all-in price of one ticket, of the same tiers as `from_paise`."""
        return max(self._prices, default=0)

    @property
    def _prices(self) -> list[int]:
        free = [tier for tier in self.tiers if tier.available and tier.status != "ended"]
        return [tier.all_in_paise for tier in free or self.tiers]

    @property
    def cover(self) -> str:
        """The address of its picture, which changes with the picture."""
        own = f"{self.category.casefold()} {self.starts_at.date()}"
        drawn = f"cover.svg?v=5{crc32(own.encode()):x}"
        name = f"cover.jpg?v={self.cover_digest}" if self.cover_digest else drawn
        return f"/api/events/{self.slug}/{name}"


@dataclass(frozen=True, slots=True)
class TierOffer(TierRules):
    """The rules of sale of a tier, without its counts."""

    id: str
    name: str
    price_paise: int


@dataclass(frozen=True, slots=True)
class Offer:
    """The prices and rules a hold needs, without the counts, which cost more."""

    id: str
    slug: str
    is_cancelled: bool
    closes_at: datetime
    currency: str
    fee_paise: int
    max_per_person: int
    hold_seconds: int
    tiers: tuple[TierOffer, ...]
