"""Live figures of a sale as organizers see them.

A view never holds a table row. Money is integer paise, times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict

from surge_app.services.events.facts import ChallengeMode
from surge_app.services.waiting_room.views import QueueCounts


@dataclass(frozen=True, slots=True)
class TierStats:
    """Counts of one tier; `available + held + sold == capacity`."""

    name: str
    capacity: int
    available: int
    held: int
    sold: int


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """The figures of a sale at the end of a minute, with the minute's increase."""

    at: datetime
    sold: int
    held: int
    waiting: int
    inside: int
    admitted: int
    revenue_paise: int
    sold_per_minute: int
    admitted_per_minute: int


@dataclass(frozen=True, slots=True)
class EventStats:
    """Stock, money, queue, messages and gateway of one event, at one moment.

    Attributes:
        status: As visitors see it, or draft.
        withheld: Sold units whose ticket was cancelled and that are not back on sale.
        gross_paise: All that was paid; `revenue_paise` is what is left of it after refunds.
        cash_paise: The part of the revenue that was taken at the box office.
        cash_owed_paise: Cash refunds that were not handed over yet.
        queue: None while the waiting room does not respond.
        history: The last hour, a point for each minute, the oldest first; empty in a list.
    """

    slug: str
    name: str
    venue: str
    time_zone: str
    starts_at: datetime
    sales_open_at: datetime | None
    status: str
    phase: str
    is_paused: bool
    concurrent_buyers: int
    admissions_per_minute: int | None
    slow_payment_percent: int
    challenge: ChallengeMode
    queue_message: str
    capacity: int
    available: int
    held: int
    sold: int
    withheld: int
    tiers: tuple[TierStats, ...]
    bookings: int
    bookings_last_minute: int
    gross_paise: int
    refunded_paise: int
    revenue_paise: int
    fees_paise: int
    cash_paise: int
    cash_owed_paise: int
    messages_pending: int
    messages_dead: int
    gateway_down_since: datetime | None
    at: datetime
    queue: QueueCounts | None = None
    history: tuple[HistoryPoint, ...] = ()

    # Every field is in every answer of the API.
    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)

    @property
    def valid_tickets(self) -> int:
        """Tickets that admit someone: sold, and not cancelled since."""
        return self.sold - self.withheld
