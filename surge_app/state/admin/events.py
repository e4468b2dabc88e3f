"""The list of sales: every one for an organizer, those to check in at for the door."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.formatting import format_number, rupees
from surge_app.services.admin.views import EventStats
from surge_app.state import session, view_models
from surge_app.state.admin.common import STATUS_TONES


@dataclass(frozen=True)
class EventCard:
    """One sale in the list; every figure is ready text."""

    slug: str = ""
    name: str = ""
    where_when: str = ""
    status: str = ""
    tone: str = "off"
    capacity: str = ""
    sold: str = ""
    held: str = ""
    free: str = ""
    sold_percent: float = 0
    held_percent: float = 0
    waiting: str = ""
    taken: str = ""


class EventsState(rx.State):
    """What one operator may choose from.

    Attributes:
        phase: loading, ready, door (check-in only) or signed_out.
    """

    phase: str = "loading"
    events: list[EventCard] = []
    notice: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the list."""
        self.reset()
        await self._read()

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures."""
        await self._read()

    async def _read(self) -> None:
        operator = await session.operator(self)
        if operator is None:
            self.phase, self.events = "signed_out", []
            return
        try:
            if operator.is_organizer:
                found = [_card(stats) for stats in await current().organizer.overview()]
            else:
                found = [
                    EventCard(
                        slug=event.slug,
                        name=event.name,
                        where_when=" · ".join(
                            (view_models.when(event.starts_at, event.time_zone), event.venue)
                        ),
                    )
                    for event in await current().catalog.events()
                ]
        except SurgeError as error:
            self.notice = error.message
            return
        self.events = found
        self.phase, self.notice = "ready" if operator.is_organizer else "door", ""


def _card(stats: EventStats) -> EventCard:
    capacity = max(1, stats.capacity)
    return EventCard(
        slug=stats.slug,
        name=stats.name,
        where_when=f"{view_models.when(stats.starts_at, stats.time_zone)} · {stats.venue}",
        status=stats.status.replace("_", " ").capitalize(),
        tone=STATUS_TONES.get(stats.status, "off"),
        capacity=format_number(stats.capacity),
        sold=format_number(stats.sold),
        held=format_number(stats.held),
        free=format_number(stats.available),
        sold_percent=round(stats.sold / capacity * 100, 2),
        held_percent=round(stats.held / capacity * 100, 2),
        waiting=format_number(stats.queue.waiting),
        taken=rupees(stats.revenue_paise),
    )
