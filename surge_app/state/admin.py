"""The organizer's console: every sale at a glance, and one sale in full."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx
from babel.numbers import format_decimal

from surge_app.container import current
from surge_app.errors import NotFound, SurgeError
from surge_app.money import rupees
from surge_app.services.views import EventStats
from surge_app.state import cards, session

_STATUS_TONES = {
    "on_sale": "good",
    "scheduled": "accent",
    "paused": "warn",
    "all_held": "warn",
    "sold_out": "off",
    "ended": "off",
    "cancelled": "off",
}


@dataclass(frozen=True)
class StockRow:
    """Counts as text, for one tier."""

    name: str = ""
    capacity: str = ""
    sold: str = ""
    held: str = ""
    free: str = ""


@dataclass(frozen=True)
class BoardCard:
    """One sale; every figure is ready text."""

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
    inside: str = ""
    allowed: str = ""
    admitted: str = ""
    left: str = ""
    taken: str = ""
    fees: str = ""
    bookings: str = ""
    messages_pending: str = ""
    messages_dead: int = 0
    is_paused: bool = False
    payments_paused_since: str = ""
    at: int = 0


class AdminState(rx.State):
    """What one organizer looks at.

    Attributes:
        phase: loading, ready, signed_out or missing.
    """

    phase: str = "loading"
    events: list[BoardCard] = []
    board: BoardCard = BoardCard()
    tiers: list[StockRow] = []
    notice: str = ""
    busy: bool = False

    @rx.event
    async def load(self) -> None:
        """Show the list of sales."""
        self.reset()
        await self._overview()

    @rx.event
    async def load_board(self) -> None:
        """Show the sale named by the address."""
        self.reset()
        await self._stats()

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures of what is shown."""
        if session.segment(self, 1):
            await self._stats()
        else:
            await self._overview()

    @rx.event
    async def pause(self) -> None:
        """Stop letting people in."""
        await self._switch(is_paused=True)

    @rx.event
    async def resume(self) -> None:
        """Let people in again."""
        await self._switch(is_paused=False)

    async def _switch(self, *, is_paused: bool) -> None:
        admin, slug = await session.organizer(self), session.segment(self, 1)
        if admin is None:
            self.phase = "signed_out"
            return
        organizer = current().organizer
        change = organizer.pause if is_paused else organizer.resume
        try:
            await change(slug, actor=admin)
        except SurgeError as error:
            self.notice = error.message
            return
        await self._stats()

    async def _overview(self) -> None:
        if await session.organizer(self) is None:
            self.phase = "signed_out"
            return
        try:
            found = await current().organizer.overview()
        except SurgeError as error:
            self.notice = error.message
            return
        self.events = [_board(stats) for stats in found]
        self.phase, self.notice = "ready", ""

    async def _stats(self) -> None:
        if await session.organizer(self) is None:
            self.phase = "signed_out"
            return
        try:
            stats = await current().organizer.stats(session.segment(self, 1))
        except NotFound:
            self.phase = "missing"
            return
        except SurgeError as error:
            self.notice = error.message
            return
        self.board = _board(stats)
        self.tiers = [
            StockRow(
                tier.name,
                _grouped(tier.capacity),
                _grouped(tier.sold),
                _grouped(tier.held),
                _grouped(tier.available),
            )
            for tier in stats.tiers
        ]
        self.phase, self.notice = "ready", ""


def _grouped(number: int) -> str:
    return format_decimal(number, locale="en_IN")


def _board(stats: EventStats) -> BoardCard:
    capacity = max(1, stats.capacity)
    down_since = stats.gateway_down_since
    return BoardCard(
        slug=stats.slug,
        name=stats.name,
        where_when=f"{cards.when(stats.starts_at, stats.time_zone)} · {stats.venue}",
        status=stats.status.replace("_", " ").capitalize(),
        tone=_STATUS_TONES.get(stats.status, "off"),
        capacity=_grouped(stats.capacity),
        sold=_grouped(stats.sold),
        held=_grouped(stats.held),
        free=_grouped(stats.available),
        sold_percent=round(stats.sold / capacity * 100, 2),
        held_percent=round(stats.held / capacity * 100, 2),
        waiting=_grouped(stats.queue.waiting),
        inside=_grouped(stats.queue.inside),
        allowed=_grouped(stats.queue.concurrent_buyers),
        admitted=_grouped(stats.queue.admitted),
        left=_grouped(stats.queue.left),
        taken=rupees(stats.revenue_paise),
        fees=rupees(stats.fees_paise),
        bookings="1 booking" if stats.bookings == 1 else f"{_grouped(stats.bookings)} bookings",
        messages_pending=_grouped(stats.messages_pending),
        messages_dead=stats.messages_dead,
        is_paused=stats.queue.paused,
        payments_paused_since=cards.when(down_since, stats.time_zone) if down_since else "",
        at=int(stats.at.timestamp() * 1000),
    )
