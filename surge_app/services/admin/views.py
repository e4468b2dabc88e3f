"""Live figures of a sale as organizers see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from surge_app.services.waiting_room.views import QueueCounts


@dataclass(frozen=True, slots=True)
class QueueStats(QueueCounts):
    """The queue, with the rules in force."""

    paused: bool = False
    concurrent_buyers: int = 0


@dataclass(frozen=True, slots=True)
class TierStats:
    """Counts of one tier; `available + held + sold == capacity`."""

    name: str
    capacity: int
    available: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class EventStats:
    """Stock, money and queue of one event, at one moment.

    `cash_paise` is the part of the revenue that was taken at the counter.
    """

    slug: str
    name: str
    venue: str
    time_zone: str
    starts_at: datetime
    status: str
    capacity: int
    available: int
    held: int
    sold: int
    bookings: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    messages_pending: int
    messages_dead: int
    tiers: tuple[TierStats, ...]
    queue: QueueStats
    at: datetime
    gateway_down_since: datetime | None = None

    @property
    def gateway(self) -> str:
        """How the payment gateway is: ok or down."""
        return "ok" if self.gateway_down_since is None else "down"
