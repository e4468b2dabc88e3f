"""The course of a whole sale is what the database holds, and what matters pops out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.models import BoxOfficeMethod
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.new_event import NewTier
from surge_app.services.payments.box_office import CounterSale
from surge_app.state.admin.sale.dashboard import DashboardState
from tests.conftest import NewBuyer, NewSale, eventually
from tests.state.harness import at, call

_TIERS = (NewTier("Stalls", 50_000, 4), NewTier("Balcony", 100_000, 5))


async def _opened(services: Container, slug: str, cookie: str) -> Any:
    services.dashboard.invalidate(slug)
    services.sales_reports.invalidate(slug)
    state = at(DashboardState(), f"/admin/{slug}", cookie)
    await call(DashboardState.load, state)
    assert state.phase == "ready"
    return state


async def test_days_tiers_and_steps_add_up_after_refunds_and_at_the_counter(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(tiers=_TIERS)
    ref = await new_buyer(slug).buy(quantity=3)
    await services.refunds.refund(ref, tickets=[1], restock=True, actor="test")
    holder = new_buyer(slug)
    await holder.join()
    await holder.hold(1, 1)
    event = await services.catalog.event(slug)
    lines = [OrderLine(event.tiers[1].id, 2)]
    counter = CounterSale(lines, cash_paise=200_000, method=BoxOfficeMethod.UPI)
    await services.box_office.sell(slug, counter, key=f"key-{slug}", actor="test")
    report = await services.sales_reports.read(slug)
    # A day of the event may end while it is sold.
    channels = [(one.online, one.box_office, one.complimentary) for one in report.days]
    assert [sum(numbers) for numbers in zip(*channels, strict=True)] == [3, 2, 0]
    assert [(one.name, one.tickets, one.revenue_paise) for one in report.tiers] == [
        ("Stalls", 2, 100_000),
        ("Balcony", 2, 200_000),
    ]
    assert (report.held, report.paid) == (2, 1)
    state = await _opened(services, slug, cookie)
    assert (state.sale.cash, state.box_office) == ("₹2,000", "₹2,000 UPI")
    assert [(one.name, one.price, one.revenue, one.held) for one in state.tiers] == [
        ("Stalls", "₹500", "₹1,000", "0"),
        ("Balcony", "₹1,000", "₹2,000", "1"),
    ]
    assert [(one.label, one.number) for one in state.funnel] == [
        ("Opened the event page", "2"),
        ("Joined the queue", "2"),
        ("Let in", "2"),
        ("Held tickets", "2"),
        ("Paid", "1"),
    ]


async def test_a_pause_a_sold_out_tier_and_the_opening_pop_out(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(tiers=_TIERS)
    await new_buyer(slug).buy(quantity=4)
    await services.organizer.pause(slug, actor="asha")
    texts = [one.text for one in (await _opened(services, slug, cookie)).alerts]
    assert any(one.startswith("The queue is paused by asha since ") for one in texts)
    assert "Stalls is sold out." in texts
    later = await new_sale(sales_open_at=utc_now() + timedelta(minutes=90, seconds=30))
    (alert,) = (await _opened(services, later, cookie)).alerts
    assert alert.text.startswith("The sale opens in 1 h 30 min, on ")


async def test_payments_that_fail_pop_out(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order()
    for _ in range(3):
        await buyer.attempt(str(order["order_id"]), outcome="failed")

    async def pops_out() -> bool:
        state = await _opened(services, slug, cookie)
        return any(
            one.text.startswith("3 of 3 payments failed in the last 15 minutes.")
            for one in state.alerts
        )

    await eventually(pops_out, about="the failed payments on the dashboard")
