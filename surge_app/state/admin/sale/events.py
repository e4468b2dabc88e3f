"""The list of sales: every one for an organizer, those to check in at for a scanner."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import reflex as rx

from surge_app.clock import utc_now
from surge_app.container import current
from surge_app.db.events.catalog import EventFilter
from surge_app.errors import SurgeError
from surge_app.formatting import format_number, rupees
from surge_app.services.admin.views import EventStats
from surge_app.services.events.views import EventView
from surge_app.state import session, view_models
from surge_app.state.admin.common import STATUSES, StockCard, attention, status_and_tone, stock

_CHECK_IN_STAYS = timedelta(days=1)
_CHECK_IN_LIST = EventFilter(limit=1_000)


@dataclass(frozen=True)
class EventCard(StockCard):
    """One sale in the list; every figure is ready text."""

    slug: str = ""
    name: str = ""
    where_when: str = ""
    status: str = ""
    tone: str = "off"
    waiting: str = ""
    revenue: str = ""


class EventsState(rx.State):
    """The events an admin user may choose from.

    Attributes:
        phase: loading, ready, scanner (check-in only) or signed_out.
    """

    phase: str = "loading"
    events: list[EventCard] = []
    problem: str = ""
    attention: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the list."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Read current figures."""
        await self._read()

    async def _read(self) -> None:
        user = await session.operator(self)
        if user is None:
            self.phase, self.events = "signed_out", []
            return
        try:
            if user.is_organizer:
                self.attention = await attention()
                self.events = [event_card(stats) for stats in await current().dashboard.overview()]
            else:
                self.events = [
                    EventCard(
                        slug=one.slug,
                        name=one.name,
                        where_when=where_when(one.starts_at, one.time_zone, one.venue),
                    )
                    for one in await current().catalog.events(_CHECK_IN_LIST)
                    if _allows_check_in(one)
                ]
        except SurgeError as error:
            self.problem = error.text
            return
        self.phase, self.problem = "ready" if user.is_organizer else "scanner", ""


def _allows_check_in(event: EventView) -> bool:
    """Return whether tickets of an event are still checked in, after its sale as well."""
    ends_at = event.ends_at or event.starts_at
    return event.status != "cancelled" and ends_at > utc_now() - _CHECK_IN_STAYS


def where_when(starts_at: datetime, time_zone: str, venue: str) -> str:
    """Return the line below an event's name."""
    return f"{view_models.when(starts_at, time_zone)} · {venue}"


def event_card(stats: EventStats) -> EventCard:
    """Project a sale."""
    return EventCard(
        slug=stats.slug,
        name=stats.name,
        where_when=where_when(stats.starts_at, stats.time_zone, stats.venue),
        waiting=format_number(stats.queue.waiting) if stats.queue else "–",
        revenue=rupees(stats.revenue_paise),
        **status_and_tone(stats.status, STATUSES),
        **stock(stats.capacity, stats.valid_tickets, stats.held, stats.available),
    )
