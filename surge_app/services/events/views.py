"""Events and tiers as pages, API and admin see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TierView:
    """A tier with its counts and its own rules of sale.

    Attributes:
        all_in_paise: One ticket bought alone with the convenience fee folded in, the first
            figure an attendee sees; 0 if the ticket is free.
        status: scheduled, on_sale, all_held, sold_out or ended, as of the counts.
        sales_open_at: None if it opens with its event.
        sales_close_at: None if it closes with its event.
        min_per_booking: Whoever takes any takes at least so many in one booking.
        max_per_booking: None leaves the limit to `max_per_person` of the event.
    """

    id: str
    name: str
    price_paise: int
    all_in_paise: int
    capacity: int
    available: int
    held: int
    sold: int
    status: str = "on_sale"
    sales_open_at: datetime | None = None
    sales_close_at: datetime | None = None
    min_per_booking: int = 1
    max_per_booking: int | None = None


@dataclass(frozen=True, slots=True)
class EventView:
    """An event as attendees see it.

    Attributes:
        status: One of the words of the JSON contract.
        ask_attendee_names: Whether each ticket carries the name of who comes with it.
        is_rehearsal: Whether it is nobody's sale, and in no list.
        cover_digest: Of the organizer's picture; empty if the cover is drawn.
    """

    id: str
    slug: str
    name: str
    description: str
    venue: str
    time_zone: str
    starts_at: datetime
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    status: str
    currency: str
    fee_paise: int
    max_per_person: int
    hold_seconds: int
    refund_policy: str
    organizer_name: str
    organizer_email: str
    organizer_phone: str
    ask_attendee_names: bool
    is_rehearsal: bool
    cover_digest: str
    tiers: tuple[TierView, ...]

    @property
    def available(self) -> int:
        """How many tickets are free right now."""
        return sum(tier.available for tier in self.tiers)

    @property
    def few_left(self) -> bool:
        """Whether it is fair to say so: a tenth of all, at most a hundred, and not none."""
        capacity = sum(tier.capacity for tier in self.tiers)
        return self.status == "on_sale" and self.available <= min(100, capacity // 10)

    @property
    def from_paise(self) -> int:
        """The lowest all-in price one can still pay; of all tiers once nothing is left."""
        free = [tier for tier in self.tiers if tier.available and tier.status != "ended"]
        return min((tier.all_in_paise for tier in free or self.tiers), default=0)

    @property
    def cover(self) -> str:
        """Where its picture is; the address changes with the picture."""
        name = f"cover.jpg?v={self.cover_digest}" if self.cover_digest else "cover.svg?v=1"
        return f"/api/events/{self.slug}/{name}"


@dataclass(frozen=True, slots=True)
class TierOffer:
    """The rules of sale of a tier, as `TierView`, without its counts."""

    id: str
    name: str
    price_paise: int
    sales_open_at: datetime | None
    sales_close_at: datetime | None
    min_per_booking: int
    max_per_booking: int | None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a hold must know of an event: prices and rules, and no counts, which cost more."""

    id: str
    slug: str
    is_cancelled: bool
    closes_at: datetime
    currency: str
    fee_paise: int
    max_per_person: int
    hold_seconds: int
    tiers: tuple[TierOffer, ...]
