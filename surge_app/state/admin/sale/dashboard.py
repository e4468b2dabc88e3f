"""The dashboard of one sale, and the rules of its queue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import reflex as rx

from surge_app.clock import new_id
from surge_app.container import current
from surge_app.errors import EditConflict, InvalidRequest
from surge_app.formatting import format_number, rupees
from surge_app.languages import gettext as _
from surge_app.services.admin.views import EventStats
from surge_app.services.waiting_room.forecast import QueueFacts, QueueRules, forecast
from surge_app.services.waiting_room.views import QueueCounts
from surge_app.state import session
from surge_app.state.admin.common import (
    LiveState,
    as_text,
    bookings,
    form_fields,
    organizer_action,
    parse_int,
    wait_text,
)
from surge_app.state.admin.sale.events import EventCard, event_card
from surge_app.state.admin.sale.sale_history import (
    Alert,
    FunnelStep,
    TierRow,
    alerts,
    box_office,
    day_points,
    funnel,
    tier_rows,
)

_CHALLENGES = {"off", "auto", "always"}
_MAX_BUYERS, _MAX_PERCENT = 1_000_000, 100
_UNKNOWN = "–"


@dataclass(frozen=True)
class DashboardCard(EventCard):
    """One sale in full; every figure is ready text."""

    absent: str = _UNKNOWN
    last_wait: str = ""
    inside: str = _UNKNOWN
    allowed: str = ""
    pace: str = _UNKNOWN
    admitted: str = _UNKNOWN
    left: str = _UNKNOWN
    no_shows: str = _UNKNOWN
    gross: str = ""
    refunded: str = ""
    fees: str = ""
    cash: str = ""
    cash_owed: str = ""
    cancelled_tickets: str = ""
    bookings: str = ""
    last_minute: str = ""
    messages_pending: str = ""
    is_paused: bool = False
    is_cancelled: bool = False
    at: int = 0


@dataclass(frozen=True)
class QueueSettingsDraft:
    """The rules of the queue as text, as they are in force or as they were typed."""

    concurrent_buyers: str = ""
    admissions_per_minute: str = ""
    slow_payment_percent: str = ""
    challenge: str = "off"
    queue_message: str = ""


_NUMBERS = ("concurrent_buyers", "admissions_per_minute", "slow_payment_percent")
_SETTINGS = tuple(QueueSettingsDraft.__dataclass_fields__)


class DashboardState(LiveState, rx.State):
    """The sale an organizer watches and steers.

    Attributes:
        alerts: What pops out, the most urgent first.
        history: Points of the last hour for the chart, `days` of the whole sale.
        funnel: How far visitors came.
        box_office: What it took by method.
        settings: The rules as they were in force when their form was opened.
        rules_key: Names the opened form; another one starts afresh.
        in_force: The rules that are in force now.
        effect: What the typed rules would do to the wait; empty while nothing was changed.
    """

    sale: DashboardCard = DashboardCard()
    alerts: list[Alert] = []
    tiers: list[TierRow] = []
    history: list[dict[str, str | float]] = []
    days: list[dict[str, str | int]] = []
    funnel: list[FunnelStep] = []
    box_office: str = ""
    settings: QueueSettingsDraft = QueueSettingsDraft()
    rules_key: str = ""
    in_force: str = ""
    effect: str = ""
    _typed: dict[str, str] = {}

    @rx.event
    @organizer_action
    async def pause(self, actor: str) -> str:
        """Pause admissions."""
        await current().organizer.pause(self._subject(), actor=actor)
        current().dashboard.invalidate(self._subject())
        current().sales_reports.invalidate(self._subject())
        return _("Queue paused. Everyone keeps their place.")

    @rx.event
    @organizer_action
    async def resume(self, actor: str) -> str:
        """Resume admissions."""
        await current().organizer.resume(self._subject(), actor=actor)
        current().dashboard.invalidate(self._subject())
        return _("Queue resumed.")

    @rx.event
    async def preview_settings(self, field: object, value: object) -> None:
        """Say what a typed value would do; nothing changes yet, and the form keeps its fields."""
        if await self._organizer() is None or field not in _SETTINGS:
            return
        self._typed = {**self._typed, as_text(field): as_text(value, longest=500)}
        seen = await current().dashboard.recent(self._subject())
        in_force = QueueRules(seen.is_paused, seen.concurrent_buyers, seen.admissions_per_minute)
        try:
            rules = _rules({**_as_typed(seen), **self._typed}, is_paused=seen.is_paused)
        except InvalidRequest:
            # Said when the form is sent: a number is often incomplete while it is typed.
            self.effect = ""
            return
        if seen.queue is None:
            self.effect = _("The waiting room is not responding, so the effect is unknown.")
            return
        wait = forecast(_facts(seen.queue), in_force, rules)
        self.effect = _effect(wait.now_seconds, wait.then_seconds, is_paused=seen.is_paused)

    @rx.event
    @organizer_action
    async def save_settings(self, actor: str, form: dict[str, object]) -> str:
        """Apply what changed in the form, and say what is in force then."""
        sent, slug = form_fields(form), self._subject()
        rules = _rules(sent, is_paused=False)
        if sent.get("challenge") not in _CHALLENGES:
            raise InvalidRequest(_("Nothing was applied. Choose when to check for bots."))
        values = {
            "concurrent_buyers": rules.concurrent_buyers,
            "admissions_per_minute": rules.admissions_per_minute,
            "slow_payment_percent": _percent(sent),
            "challenge": sent["challenge"],
            "queue_message": sent.get("queue_message", ""),
        }
        before = {
            **{name: parse_int(sent.get(f"was_{name}", "")) for name in _NUMBERS},
            "challenge": sent.get("was_challenge"),
            "queue_message": sent.get("was_queue_message", ""),
        }
        changes = {name: value for name, value in values.items() if value != before[name]}
        if not changes:
            return _("Nothing to apply: these rules are already in force.")
        # Also after a conflict the page shows what is in force.
        current().dashboard.invalidate(slug)
        try:
            await current().organizer.change(slug, changes, actor=actor, expected=before)
        except EditConflict as error:
            # The sentence names one field; the others stay as the form was opened.
            seen = _as_typed(await current().dashboard.recent(slug))
            name = str(error.details.get("field", ""))
            self.settings = replace(self.settings, **{name: seen[name]})
            raise
        current().dashboard.invalidate(slug)
        self.effect, self._typed, self.rules_key = "", {}, ""
        return _("Applied: {rules}.", rules=_in_force(await current().dashboard.recent(slug)))

    def _subject(self) -> str:
        # The dashboard is at /admin/{slug}, its queue at /admin/events/{slug}/queue.
        return super()._subject() or session.path_param(self, 1)

    async def _read(self) -> None:
        slug = self._subject()
        seen = await current().dashboard.recent(slug)
        report = await current().sales_reports.recent(slug)
        items = [one for one in await current().action_items.recent() if one.event == slug]
        self.sale, self.phase = _card(seen), "ready"
        self.in_force = _("In force now: {rules}.", rules=_in_force(seen))
        if not self.rules_key:
            # What is being typed is compared with the rules it was typed on.
            self.settings, self.rules_key = QueueSettingsDraft(**_as_typed(seen)), new_id()
        self._set_changed(
            alerts=alerts(seen, report, len(items)),
            tiers=tier_rows(seen, report),
            history=_history(seen),
            days=day_points(report),
            funnel=funnel(seen, report),
            box_office=box_office(report),
        )


def _in_force(seen: EventStats) -> str:
    limit = seen.admissions_per_minute
    return _(
        "{inside} inside, {per_minute} a minute",
        inside=format_number(seen.concurrent_buyers),
        per_minute=_("no limit") if limit is None else format_number(limit),
    )


def _as_typed(seen: EventStats) -> dict[str, str]:
    limit = seen.admissions_per_minute
    return {
        "concurrent_buyers": str(seen.concurrent_buyers),
        "admissions_per_minute": "" if limit is None else str(limit),
        "slow_payment_percent": str(seen.slow_payment_percent),
        "challenge": seen.challenge,
        "queue_message": seen.queue_message,
    }


def _rules(typed: dict[str, str], *, is_paused: bool) -> QueueRules:
    limit_text = typed.get("admissions_per_minute", "")
    buyers, limit = parse_int(typed.get("concurrent_buyers", "")), parse_int(limit_text)
    numbers = [buyers, limit] if limit_text.strip() else [buyers]
    if buyers is None or any(one is None or not 1 <= one <= _MAX_BUYERS for one in numbers):
        msg = _(
            "Nothing was applied. Enter a number of 1 or more. "
            "Leave the per-minute limit empty for no limit."
        )
        raise InvalidRequest(msg)
    return QueueRules(is_paused, buyers, limit)


def _percent(typed: dict[str, str]) -> int:
    percent = parse_int(typed.get("slow_payment_percent", ""))
    if percent is None or not 0 <= percent <= _MAX_PERCENT:
        msg = _("Nothing was applied. Enter a share for slow payments from 0 to 100 percent.")
        raise InvalidRequest(msg)
    return percent


def _facts(queue: QueueCounts) -> QueueFacts:
    return QueueFacts(queue.waiting, queue.inside, queue.admitted_last_minute or None)


def _last_wait(seen: EventStats, queue: QueueCounts) -> str:
    if queue.waiting == 0:
        return _("No one is waiting")
    if seen.is_paused:
        return _("The queue is paused")
    rules = QueueRules(seen.is_paused, seen.concurrent_buyers, seen.admissions_per_minute)
    seconds = forecast(_facts(queue), rules, rules).now_seconds
    if seconds == 0:
        return _("Estimated wait: less than a minute")
    return _("Estimated wait: {wait}", wait=wait_text(seconds) or _("measuring…"))


def _effect(now: int | None, then: int | None, *, is_paused: bool) -> str:
    if is_paused:
        return _("The queue is paused. No one is let in until you resume it.")
    if now == then == 0:
        return _("No one is waiting, so no wait changes.")
    if then is None:
        return _("Still measuring, so the effect on the wait is unknown.")
    before = _("no time") if now == 0 else wait_text(now) or _("an unknown time")
    after = _("no time") if then == 0 else _("about {wait}", wait=wait_text(then))
    return _(
        "The last in the queue waits {before} now, and {after} then.", before=before, after=after
    )


def _history(seen: EventStats) -> list[dict[str, str | float]]:
    zone = ZoneInfo(seen.time_zone)
    return [
        {
            "at": f"{point.at.astimezone(zone):%H:%M}",
            "sold": point.sold_per_minute,
            "waiting": point.waiting,
        }
        for point in seen.history
    ]


def _card(seen: EventStats) -> DashboardCard:
    queue = seen.queue
    figures = {
        name: format_number(getattr(queue, name))
        for name in ("waiting", "absent", "inside", "admitted", "left", "no_shows")
        if queue is not None
    }
    money = {
        name: rupees(getattr(seen, f"{name}_paise"))
        for name in ("gross", "refunded", "fees", "cash", "cash_owed")
    }
    return DashboardCard(
        cancelled_tickets=format_number(seen.withheld) if seen.withheld else "",
        last_wait=_last_wait(seen, queue) if queue else "",
        allowed=format_number(seen.concurrent_buyers),
        pace=format_number(queue.admitted_last_minute) if queue else _UNKNOWN,
        bookings=bookings(seen.bookings),
        last_minute=format_number(seen.bookings_last_minute),
        messages_pending=format_number(seen.messages_pending),
        is_paused=seen.is_paused,
        is_cancelled=seen.phase == "cancelled",
        at=int(seen.at.timestamp() * 1000),
        **{**vars(event_card(seen)), **figures, **money},
    )
