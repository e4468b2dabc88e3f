"""Alerts of the dashboard and the figures of its charts, as text."""

from __future__ import annotations

from dataclasses import dataclass

from surge_app.formatting import format_number, rupees, short_day
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.services.admin.sales_report import SalesReport, TierSales
from surge_app.services.admin.views import EventStats
from surge_app.state import view_models
from surge_app.state.admin.common import StockCard, hours_text, stock

_PACE_MINUTES = 10
_DAY_MINUTES = 24 * 60
_LONG_MINUTES = 2 * _DAY_MINUTES
_MIN_FAILED = 3
_FAILING_SHARE = 0.15
_MAX_DAYS = 60
_CHECKS = "/admin/install/checks"
_TAKEN = {"cash": N_("{money} cash"), "upi": N_("{money} UPI"), "card": N_("{money} card")}


@dataclass(frozen=True)
class Alert:
    """Something an organizer must see; `href` leads to what can be done."""

    text: str = ""
    tone: str = "warn"
    href: str = ""


@dataclass(frozen=True)
class TierRow(StockCard):
    """A ticket type with its money and its bar, as text."""

    name: str = ""
    price: str = ""
    revenue: str = ""


@dataclass(frozen=True)
class FunnelStep:
    """The visitors who reached a step, and their share of all visitors."""

    label: str = ""
    number: str = ""
    percent: float = 0


def alerts(seen: EventStats, report: SalesReport, items: int) -> list[Alert]:
    """Return what pops out of a sale, the most urgent first."""
    found = [
        Alert(
            ngettext("{count} item needs attention.", "{count} items need attention.", items),
            "bad",
            _CHECKS,
        )
        if items
        else None,
        _gateway(seen),
        _failing(report),
        Alert(_("The waiting room is not responding. Buyers inside can finish. No one is let in."))
        if seen.queue is None
        else None,
        _paused(seen, report),
        *_stock(seen),
        _opening(seen),
        _sell_out(seen),
    ]
    return [one for one in found if one is not None]


def _gateway(seen: EventStats) -> Alert | None:
    if seen.gateway_down_since is None:
        return None
    since = view_models.when(seen.gateway_down_since, seen.time_zone)
    return Alert(
        _(
            "Razorpay is not responding since {moment}. Checkouts are paused and keep their "
            "tickets. They resume automatically.",
            moment=since,
        )
    )


def _failing(report: SalesReport) -> Alert | None:
    is_many = report.failed >= _MIN_FAILED and report.failed >= _FAILING_SHARE * report.attempts
    if not is_many:
        return None
    return Alert(
        _(
            "{failed} of {attempts} payments failed in the last 15 minutes. Check the status of "
            "Razorpay and the banks.",
            failed=format_number(report.failed),
            attempts=format_number(report.attempts),
        ),
        "bad",
    )


def _paused(seen: EventStats, report: SalesReport) -> Alert | None:
    if not seen.is_paused or seen.phase != "published":
        return None
    if report.paused_at is None:
        return Alert(_("The queue is paused. No one is let in until you resume it."))
    return Alert(
        _(
            "The queue is paused by {actor} since {moment}. No one is let in until you resume it.",
            actor=report.paused_by,
            moment=view_models.when(report.paused_at, seen.time_zone),
        )
    )


def _stock(seen: EventStats) -> list[Alert]:
    if seen.phase != "published" or not seen.capacity:
        return []
    if not seen.available:
        held = format_number(seen.held)
        more = _("{count} are in checkouts and may come back.", count=held) if seen.held else ""
        return [Alert(" ".join(filter(None, (_("Sold out."), more))), "accent")]
    return [
        Alert(_("{name} is sold out.", name=tier.name), "accent")
        for tier in seen.tiers
        if tier.capacity and not tier.available
    ]


def _minutes(minutes: float) -> str:
    whole = max(1, round(minutes))
    if whole >= _LONG_MINUTES:
        return ngettext("{count} day", "{count} days", whole // _DAY_MINUTES)
    return hours_text(whole)


def _opening(seen: EventStats) -> Alert | None:
    opens = seen.sales_open_at
    if seen.phase != "published" or opens is None or opens <= seen.at:
        return None
    minutes = (opens - seen.at).total_seconds() / 60
    moment = view_models.when(opens, seen.time_zone)
    text = _("The sale opens in {wait}, on {moment}.", wait=_minutes(minutes), moment=moment)
    return Alert(text, "accent")


def _sell_out(seen: EventStats) -> Alert | None:
    recent = seen.history[-_PACE_MINUTES:]
    sold = sum(point.sold_per_minute for point in recent)
    if not sold or not seen.available or seen.phase != "published" or seen.is_paused:
        return None
    minutes = seen.available / (sold / len(recent))
    if minutes > _DAY_MINUTES:
        return None
    text = _("At this pace, tickets sell out in about {wait}.", wait=_minutes(minutes))
    return Alert(text, "accent")


def tier_rows(seen: EventStats, report: SalesReport) -> list[TierRow]:
    """Return the ticket types with their prices and money."""
    money = {one.name: one for one in report.tiers}
    rows: list[TierRow] = []
    for tier in seen.tiers:
        of = money.get(tier.name, TierSales(tier.name, 0, 0, 0))
        rows.append(
            TierRow(
                name=tier.name,
                price=rupees(of.price_paise) if tier.name in money else "",
                revenue=rupees(of.revenue_paise) if tier.name in money else "",
                **stock(tier.capacity, tier.sold - of.withheld, tier.held, tier.available),
            )
        )
    return rows


def funnel(seen: EventStats, report: SalesReport) -> list[FunnelStep]:
    """Return how many visitors came, joined, were let in, held tickets and paid."""
    queue = seen.queue
    admitted = max(queue.admitted if queue else 0, report.admitted, report.held)
    waiting = queue.waiting + queue.absent if queue else 0
    joined = admitted + waiting
    # A browser that blocks the count still joins.
    came = max(queue.visits if queue else 0, report.visits, joined)
    steps = (
        (_("Opened the event page"), came),
        (_("Joined the queue"), joined),
        (_("Let in"), admitted),
        (_("Held tickets"), report.held),
        (_("Paid"), report.paid),
    )
    return [
        FunnelStep(label, format_number(number), round(number / max(1, came) * 100, 1))
        for label, number in steps
    ]


def box_office(report: SalesReport) -> str:
    """Return what the box office took by method, minus refunds: `₹500 cash · ₹1,000 UPI`."""
    return " · ".join(
        _(text, money=rupees(report.box_office[method]))
        for method, text in _TAKEN.items()
        if method in report.box_office
    )


def day_points(report: SalesReport) -> list[dict[str, str | int]]:
    """Return the points of the chart by day: tickets by channel."""
    return [
        {
            "at": short_day(one.day),
            "online": one.online,
            "box_office": one.box_office,
            "complimentary": one.complimentary,
        }
        for one in report.days[-_MAX_DAYS:]
    ]
