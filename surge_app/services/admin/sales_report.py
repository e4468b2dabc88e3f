"""The course of a whole sale, for the charts and warnings of the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from surge_app.db.admin import sales_report as queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.services.recent_values import RecentValues

_FRESH_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class DaySales:
    """Tickets sold on one day of the event's time zone, refunded ones included."""

    day: date
    online: int = 0
    box_office: int = 0
    complimentary: int = 0


@dataclass(frozen=True, slots=True)
class TierSales:
    """The sales of a tier: its current price, and the price paid for its valid tickets.

    Attributes:
        withheld: Units whose ticket was cancelled and that are not back on sale.
    """

    name: str
    price_paise: int
    tickets: int
    revenue_paise: int
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class SalesReport:
    """A whole sale.

    Attributes:
        held: Visitors who ever held tickets online, and `paid` those who bought.
        admitted: The most visitors that were ever let in, as sampled.
        visits: The most browsers that ever opened the pages, as sampled.
        attempts: Payments of the last 15 minutes; `failed` counts those that failed.
        box_office: The paise taken there by method: cash, upi and card; minus refunds.
        paused_by: The organizer of the last pause, and `paused_at` its time; it may be over.
    """

    days: tuple[DaySales, ...] = ()
    tiers: tuple[TierSales, ...] = ()
    held: int = 0
    paid: int = 0
    admitted: int = 0
    visits: int = 0
    attempts: int = 0
    failed: int = 0
    box_office: Mapping[str, int] = field(default_factory=dict[str, int])
    paused_by: str = ""
    paused_at: datetime | None = None


class SalesReports:
    """Adds whole sales up, once in a while for all who watch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent = RecentValues(self.read, seconds=_FRESH_SECONDS)

    async def recent(self, slug: str) -> SalesReport:
        """Return the report of an event, some seconds old at most; raises NotFound."""
        return await self._recent.get(slug)

    def invalidate(self, slug: str) -> None:
        """Let the next `recent` read an event again; called after a change."""
        self._recent.invalidate(slug)

    async def read(self, slug: str) -> SalesReport:
        """Add an event up now; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            sales = await queries.sales(session, event.id)
            cancelled = {row.tier_id: row for row in await queries.cancelled(session, event.id)}
            steps = await queries.steps(session, event.id)
            box_office = await queries.box_office(session, event.id)
            attempts = await queries.attempts(session, event.id)
            pause = await queries.last_pause(session, slug)
        days: dict[date, dict[str, int]] = {}
        tickets, paise = dict.fromkeys((tier.id for tier in tiers), 0), dict[str, int]()
        for row in sales:
            of_day = days.setdefault(row.day, {})
            of_day[row.channel] = of_day.get(row.channel, 0) + int(row.tickets)
            tickets[row.tier_id] += int(row.tickets)
            paise[row.tier_id] = paise.get(row.tier_id, 0) + int(row.paise)
        withheld = dict.fromkeys(tickets, 0)
        for tier_id, row in cancelled.items():
            withheld[tier_id] = row.withheld
            tickets[tier_id] -= row.tickets
            paise[tier_id] -= int(row.paise)
        return SalesReport(
            days=tuple(DaySales(day, **channels) for day, channels in days.items()),
            tiers=tuple(
                TierSales(
                    tier.name,
                    tier.price_paise,
                    tickets[tier.id],
                    paise.get(tier.id, 0),
                    withheld[tier.id],
                )
                for tier in tiers
            ),
            held=steps.held,
            paid=steps.paid,
            admitted=steps.admitted or 0,
            visits=steps.visits or 0,
            attempts=attempts.attempts,
            failed=attempts.failed,
            box_office={row.method: int(row.paise) for row in box_office},
            paused_by=pause.actor if pause else "",
            paused_at=pause.at if pause else None,
        )
