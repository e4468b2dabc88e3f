"""The participants of a sale: a list to search and filter."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.formatting import pluralize, rupees
from surge_app.services.admin.participants import Filter, Participant
from surge_app.state import session, view_models
from surge_app.state.admin.common import HOME_ZONE, ListState, as_text

BOOKING_TONES = {"confirmed": "good", "refunding": "warn", "refunded": "off"}
_CHANNELS = {"online": "", "box_office": "box office", "complimentary": "complimentary"}
_FILTERS = ("status", "presence", "channel")


@dataclass(frozen=True)
class BookingRow:
    """A booking in the list, as text."""

    ref: str = ""
    name: str = ""
    contact: str = ""
    status: str = ""
    tone: str = "off"
    tickets: str = ""
    total: str = ""
    booked_at: str = ""
    channel: str = ""


class ParticipantsState(ListState, rx.State):
    """The list an organizer searches."""

    slug: str = ""
    query: str = ""
    filters: dict[str, str] = dict.fromkeys(_FILTERS, "")
    bookings: list[BookingRow] = []

    @rx.event
    async def search(self, query: object) -> None:
        """Search by name, email, reference or the last digits of a mobile number."""
        self.query = as_text(query)
        await self._show()

    @rx.event
    async def filter(self, field: object, value: object) -> None:
        """Keep bookings of one status, presence or sales channel."""
        if field in _FILTERS:
            self.filters = {**self.filters, as_text(field): as_text(value)}
        await self._show()

    async def _find(self, *, before: str | None) -> None:
        self.slug = session.path_param(self, 2)
        status, presence, channel = (self.filters[name] or None for name in _FILTERS)
        wanted = Filter(self.query, status, presence, channel)
        page = await current().participants.search(self.slug, wanted, before=before)
        rows = [_row(one) for one in page.participants]
        self.bookings = [*self.bookings, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase, self.problem = "ready", ""


def _row(one: Participant) -> BookingRow:
    refunded = one.tickets - one.valid
    notes = [
        text
        for number, text in (
            (refunded, f"{refunded} refunded"),
            (one.inside, f"{one.inside} checked in"),
        )
        if number
    ]
    return BookingRow(
        ref=one.ref,
        name=one.name,
        contact=" · ".join(part for part in (one.email, one.phone) if part) or "no contact",
        status=one.status.capitalize(),
        tone=BOOKING_TONES.get(one.status, "off"),
        tickets=pluralize(one.tickets, "ticket", "tickets")
        + (f" ({', '.join(notes)})" if notes else ""),
        total=rupees(one.total_paise),
        booked_at=view_models.when(one.created_at, HOME_ZONE),
        channel=_CHANNELS.get(one.channel, ""),
    )
