"""The board of one sale, and the handles of its queue."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import reflex as rx

from surge_app.container import current
from surge_app.errors import NotFound, SurgeError
from surge_app.formatting import format_number, pluralize, rupees
from surge_app.services.admin.dashboard import BoardView
from surge_app.services.waiting_room.forecast import QueueFacts, QueueRules, forecast
from surge_app.services.waiting_room.views import QueueCounts
from surge_app.state import session, view_models
from surge_app.state.admin.common import STATUS_TONES, ConsoleState, as_text, parse_int, wait_text
from surge_app.state.admin.events import EventCard

_CHALLENGES = {"off", "auto", "always"}
_MOST_BUYERS = 1_000_000


@dataclass(frozen=True)
class StockRow:
    """Counts as text, for one tier."""

    name: str = ""
    capacity: str = ""
    sold: str = ""
    held: str = ""
    free: str = ""


@dataclass(frozen=True)
class BoardCard(EventCard):
    """One sale in full; every figure is ready text."""

    absent: str = ""
    last_wait: str = ""
    inside: str = ""
    allowed: str = ""
    pace: str = ""
    admitted: str = ""
    left: str = ""
    no_shows: str = ""
    is_line_away: bool = False
    fees: str = ""
    cash: str = ""
    bookings: str = ""
    last_minute: str = ""
    messages_pending: str = ""
    messages_dead: int = 0
    is_paused: bool = False
    payments_paused_since: str = ""
    at: int = 0


@dataclass(frozen=True)
class QueueSettingsDraft:
    """The rules of the queue as they are in the form; all text, as typed."""

    concurrent_buyers: str = ""
    admissions_per_minute: str = ""
    challenge: str = "off"
    queue_message: str = ""


class DashboardState(ConsoleState, rx.State):
    """What one organizer looks at and turns.

    Attributes:
        phase: loading, ready, signed_out or missing.
        course: Points of the last hour for the charts.
        effect: What the form's values would do to the wait; empty while nothing was changed.
    """

    board: BoardCard = BoardCard()
    tiers: list[StockRow] = []
    course: list[dict[str, str | float]] = []
    notice: str = ""
    draft: QueueSettingsDraft = QueueSettingsDraft()
    effect: str = ""
    problem: str = ""
    done: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the sale named by the address."""
        self.reset()
        seen = await self._read()
        if seen is not None:
            self.draft = _draft(seen)

    @rx.event
    async def refresh(self) -> None:
        """Take fresh figures."""
        await self._read()

    @rx.event
    async def pause(self) -> None:
        """Stop letting people in."""
        await self._switch(is_paused=True)

    @rx.event
    async def resume(self) -> None:
        """Let people in again."""
        await self._switch(is_paused=False)

    @rx.event
    async def consider(self, field: object, value: object) -> None:
        """Take a value of the form and say what it would do."""
        name, typed = as_text(field), as_text(value, longest=500)
        if await self._organizer() is None:
            return
        if name not in QueueSettingsDraft.__dataclass_fields__:
            return
        known = {one: getattr(self.draft, one) for one in QueueSettingsDraft.__dataclass_fields__}
        self.draft = QueueSettingsDraft(**{**known, name: typed})
        self.done = ""
        await self._foresee()

    @rx.event
    async def apply(self) -> None:
        """Make the form's values the rules of the queue."""
        admin = await self._organizer()
        if admin is None:
            return
        rules = self._rules(is_paused=False)
        if rules is None or self.draft.challenge not in _CHALLENGES:
            return
        slug = self._slug()
        changes = {
            "concurrent_buyers": rules.concurrent_buyers,
            "admissions_per_minute": rules.admissions_per_minute,
            "challenge": self.draft.challenge,
            "queue_message": self.draft.queue_message.strip(),
        }
        try:
            await current().organizer.change(slug, changes, actor=admin)
        except SurgeError as error:
            self.problem = error.message
            return
        current().board.forget(slug)
        self.effect, self.problem, self.done = "", "", "Done. It is in force now."
        await self._read()

    async def _switch(self, *, is_paused: bool) -> None:
        admin, slug = await self._organizer(), self._slug()
        if admin is None:
            return
        organizer = current().organizer
        change = organizer.pause if is_paused else organizer.resume
        try:
            await change(slug, actor=admin)
        except SurgeError as error:
            self.notice = error.message
            return
        current().board.forget(slug)
        await self._read()

    async def _foresee(self) -> None:
        seen = await self._read()
        if seen is None:
            return
        now = QueueRules(seen.is_paused, seen.concurrent_buyers, seen.admissions_per_minute)
        then = self._rules(is_paused=seen.is_paused)
        if then is None:
            self.effect = ""
            return
        self.problem = ""
        line = seen.line
        if line is None:
            self.effect = "The waiting room does not answer, so nothing can be foreseen."
            return
        told = forecast(_facts(line), now, then)
        self.effect = _effect(told.now_seconds, told.then_seconds, is_paused=seen.is_paused)

    def _rules(self, *, is_paused: bool) -> QueueRules | None:
        buyers = parse_int(self.draft.concurrent_buyers)
        limit = parse_int(self.draft.admissions_per_minute)
        is_limit_fine = not self.draft.admissions_per_minute.strip() or (
            limit is not None and 1 <= limit <= _MOST_BUYERS
        )
        if buyers is None or not 1 <= buyers <= _MOST_BUYERS or not is_limit_fine:
            self.problem = "Both are whole numbers from 1; without a limit the second stays empty."
            return None
        return QueueRules(is_paused, buyers, limit)

    def _slug(self) -> str:
        # The board is at /admin/{slug}, its queue at /admin/events/{slug}/queue.
        return session.path_param(self, 2) or session.path_param(self, 1)

    async def _read(self) -> BoardView | None:
        if await self._organizer() is None:
            return None
        try:
            seen = await current().board.view(self._slug())
        except NotFound:
            self.phase = "missing"
            return None
        except SurgeError as error:
            self.notice = error.message
            return None
        self._show(seen)
        return seen

    def _show(self, seen: BoardView) -> None:
        self.board = _card(seen)
        tiers = [
            StockRow(
                tier.name,
                format_number(tier.capacity),
                format_number(tier.sold),
                format_number(tier.held),
                format_number(tier.available),
            )
            for tier in seen.tiers
        ]
        course = _course(seen)
        # What did not change is not sent again.
        if tiers != self.tiers:
            self.tiers = tiers
        if course != self.course:
            self.course = course
        self.phase, self.notice = "ready", ""


def _draft(seen: BoardView) -> QueueSettingsDraft:
    limit = seen.admissions_per_minute
    return QueueSettingsDraft(
        concurrent_buyers=str(seen.concurrent_buyers),
        admissions_per_minute="" if limit is None else str(limit),
        challenge=seen.challenge,
        queue_message=seen.queue_message,
    )


def _facts(line: QueueCounts) -> QueueFacts:
    return QueueFacts(line.waiting, line.inside, line.admitted_last_minute or None)


def _last_wait(line: QueueCounts) -> str:
    low, high = line.last_eta_low_seconds, line.last_eta_high_seconds
    if line.waiting == 0:
        return "no wait"
    return f"{wait_text(low)} to {wait_text(high)}" if low is not None and high is not None else ""


def _effect(now: int | None, then: int | None, *, is_paused: bool) -> str:
    if is_paused:
        return "The queue is paused, so nobody is called until it is resumed."
    if now == then == 0:
        return "Nobody is waiting, so nobody's wait changes."
    if then is None:
        return "Too little was measured yet to say what this does to the wait."
    before = wait_text(now) or "not known yet"
    return f"The last in line waits {before} now, and about {wait_text(then)} then."


def _course(seen: BoardView) -> list[dict[str, str | float]]:
    zone = ZoneInfo(seen.time_zone)
    return [
        {
            "at": f"{point.at.astimezone(zone):%H:%M:%S}",
            "sold": point.sold,
            "pace": point.sold_per_minute,
            "waiting": point.waiting,
            "inside": point.inside,
        }
        for point in seen.course
    ]


def _card(seen: BoardView) -> BoardCard:
    capacity = max(1, seen.capacity)
    line, down_since = seen.line, seen.gateway_down_since
    return BoardCard(
        slug=seen.slug,
        name=seen.name,
        where_when=f"{view_models.when(seen.starts_at, seen.time_zone)} · {seen.venue}",
        status=seen.status.replace("_", " ").capitalize(),
        tone=STATUS_TONES.get(seen.status, "off"),
        capacity=format_number(seen.capacity),
        sold=format_number(seen.sold),
        held=format_number(seen.held),
        free=format_number(seen.available),
        sold_percent=round(seen.sold / capacity * 100, 2),
        held_percent=round(seen.held / capacity * 100, 2),
        waiting=format_number(line.waiting + line.absent) if line else "–",
        absent=format_number(line.absent) if line else "–",
        last_wait=_last_wait(line) if line else "",
        inside=format_number(line.inside) if line else "–",
        allowed=format_number(seen.concurrent_buyers),
        pace=format_number(line.admitted_last_minute) if line else "–",
        admitted=format_number(line.admitted) if line else "–",
        left=format_number(line.left) if line else "–",
        no_shows=format_number(line.no_shows) if line else "–",
        is_line_away=line is None,
        taken=rupees(seen.revenue_paise),
        fees=rupees(seen.fees_paise),
        cash=rupees(seen.cash_paise),
        bookings=pluralize(seen.bookings, "booking", "bookings"),
        last_minute=format_number(seen.bookings_last_minute),
        messages_pending=format_number(seen.messages_pending),
        messages_dead=seen.messages_dead,
        is_paused=seen.is_paused,
        payments_paused_since=view_models.when(down_since, seen.time_zone) if down_since else "",
        at=int(seen.at.timestamp() * 1000),
    )
