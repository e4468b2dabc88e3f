"""What the admin pages show is what the database holds: in a rush, after refunds, after the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
from sqlalchemy import text

from surge_app.container import Container
from surge_app.formatting import format_number, rupees, tickets as format_tickets
from surge_app.services.checkout.views import OrderLine
from surge_app.services.payments.box_office import CounterSale
from surge_app.state.admin.bookings.booking import BookingDetailState
from surge_app.state.admin.bookings.hold_recovery import HoldRecoveryState
from surge_app.state.admin.bookings.participants import ParticipantsState
from surge_app.state.admin.entrance.box_office import BoxOfficeState
from surge_app.state.admin.events.event_editor import EventEditorState
from surge_app.state.admin.events.event_notices import EventNoticesState
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.sale.events import EventsState
from surge_app.state.admin.site.health import HealthState
from tests.conftest import NewBuyer, NewSale, Surge, eventually
from tests.state.harness import at, call

_TRUTH = text(
    """
    SELECT
        (SELECT count(*) FROM tickets t JOIN bookings b ON b.id = t.booking_id
         WHERE b.event_id = e.id AND t.status = 'valid') AS valid,
        (SELECT count(*) FROM units u JOIN tiers r ON r.id = u.tier_id
         WHERE r.event_id = e.id AND u.status = 'held') AS held,
        (SELECT count(*) FROM units u JOIN tiers r ON r.id = u.tier_id
         WHERE r.event_id = e.id AND u.status = 'available') AS free,
        (SELECT count(*) FROM bookings b WHERE b.event_id = e.id AND b.status = 'confirmed')
            AS bookings,
        (SELECT coalesce(sum(b.total_paise), 0) FROM bookings b WHERE b.event_id = e.id) AS gross,
        (SELECT coalesce(sum(r.amount_paise), 0) FROM refunds r
         JOIN payments p ON p.id = r.payment_id JOIN bookings b ON b.intent_id = p.intent_id
         WHERE b.event_id = e.id) AS refunded,
        (SELECT coalesce(sum(r.amount_paise), 0) FROM refunds r
         JOIN payments p ON p.id = r.payment_id JOIN bookings b ON b.intent_id = p.intent_id
         WHERE b.event_id = e.id AND r.by_hand AND r.status <> 'processed') AS cash_owed,
        (SELECT coalesce(sum(b.fee_paise), 0) FROM bookings b WHERE b.event_id = e.id)
            - (SELECT coalesce(sum(g.amount_paise), 0) FROM ledger_entries g
               JOIN bookings b ON b.id = g.booking_id
               WHERE b.event_id = e.id AND g.kind = 'refund_fee_owed') AS fees,
        (SELECT count(*) FROM message_outbox m JOIN intents i ON i.id = m.intent_id
         WHERE i.event_id = e.id AND m.status = 'dead') AS dead,
        (SELECT count(*) FROM intents i WHERE i.event_id = e.id AND i.status = 'held') AS holds
    FROM events e WHERE e.slug = :slug
    """
)
_TIERS = text(
    """
    SELECT t.name, t.price_paise AS price, t.capacity,
        count(u.id) FILTER (WHERE EXISTS (
            SELECT FROM tickets k WHERE k.unit_id = u.id AND k.status = 'valid')) AS valid,
        count(u.id) FILTER (WHERE u.status = 'sold') AS sold,
        count(u.id) FILTER (WHERE u.status = 'held') AS held,
        count(u.id) FILTER (WHERE u.status = 'available') AS free
    FROM tiers t JOIN events e ON e.id = t.event_id LEFT JOIN units u ON u.tier_id = t.id
    WHERE e.slug = :slug GROUP BY t.id ORDER BY t.position, t.id
    """
)
_BOX_OFFICE = text(
    """
    SELECT p.method, sum(p.amount_paise) - coalesce(sum(back.paise), 0) AS paise
    FROM payments p JOIN bookings b ON b.intent_id = p.intent_id
    JOIN events e ON e.id = b.event_id
    LEFT JOIN (SELECT payment_id, sum(amount_paise) AS paise FROM refunds GROUP BY 1) back
        ON back.payment_id = p.id
    WHERE e.slug = :slug AND b.channel = 'box_office' GROUP BY 1
    """
)
_BOOKINGS = text(
    """
    SELECT b.ref, b.total_paise AS total, b.total_paise - coalesce((
            SELECT sum(r.amount_paise) FROM refunds r JOIN payments p ON p.id = r.payment_id
            WHERE p.intent_id = b.intent_id), 0) AS refundable,
        count(t.id) AS tickets, count(t.id) FILTER (WHERE t.status = 'valid') AS valid
    FROM bookings b JOIN events e ON e.id = b.event_id JOIN tickets t ON t.booking_id = b.id
    WHERE e.slug = :slug GROUP BY b.id
    """
)
_DAYS = text(
    """
    SELECT (b.created_at AT TIME ZONE e.time_zone)::date AS day, b.channel, count(t.id) AS tickets
    FROM tickets t JOIN bookings b ON b.id = t.booking_id JOIN events e ON e.id = b.event_id
    WHERE e.slug = :slug GROUP BY 1, 2
    """
)
_STEPS = text(
    """
    SELECT count(DISTINCT i.visitor_id) AS held,
        count(DISTINCT i.visitor_id) FILTER (WHERE EXISTS (
            SELECT FROM bookings b WHERE b.intent_id = i.id)) AS paid
    FROM intents i JOIN events e ON e.id = i.event_id
    WHERE e.slug = :slug AND i.visitor_id NOT LIKE 'counter-%'
    """
)
_ITEMS = text(
    """
    SELECT 'cash_refund' AS kind, b.ref, r.amount_paise AS paise
    FROM refunds r JOIN payments p ON p.id = r.payment_id
    JOIN bookings b ON b.intent_id = p.intent_id JOIN events e ON e.id = b.event_id
    WHERE e.slug = :slug AND r.by_hand AND r.status <> 'processed'
    UNION ALL
    SELECT 'dead_message', b.ref, 0
    FROM message_outbox m JOIN bookings b ON b.intent_id = m.intent_id
    JOIN events e ON e.id = b.event_id WHERE e.slug = :slug AND m.status = 'dead'
    """
)
_PAGES = "/admin/events/"


async def _opened(state_type: Any, path: str, cookie: str) -> Any:
    state = at(state_type(), path, cookie)
    await call(state_type.load, state)
    return state


def _stock(tier: Any, sold: int) -> tuple[int, int, int, int]:
    return tier.capacity, sold, tier.held, tier.free


async def _check_stock(slug: str, cookie: str, tiers: Sequence[Any]) -> None:
    """Compare the stock at the box office and in the editor of the event."""
    counter = await _opened(BoxOfficeState, f"{_PAGES}{slug}/box-office", cookie)
    assert [one.note for one in counter.tiers] == [
        f"{rupees(one.price)} each · {one.free} available, {one.held} held" for one in tiers
    ]
    editor = await _opened(EventEditorState, f"{_PAGES}{slug}/edit", cookie)
    assert [(one.units, one.sold) for one in editor.tiers] == [
        (str(one.capacity), f"{one.sold} sold, {one.held} held") for one in tiers
    ]


async def _check_bookings(slug: str, cookie: str, bookings: Sequence[Any]) -> None:
    """Compare the list of participants and the page of each booking."""
    people = await _opened(ParticipantsState, f"{_PAGES}{slug}/participants", cookie)
    listed = {one.ref: (one.total, one.tickets) for one in people.bookings}
    assert set(listed) == {one.ref for one in bookings}
    for one in bookings:
        void = one.tickets - one.valid
        tickets = format_tickets(one.tickets)
        refunded = f" ({void} refunded)" if void else ""
        assert listed[one.ref] == (rupees(one.total), tickets + refunded)
        page = await _opened(BookingDetailState, f"/admin/bookings/{one.ref}", cookie)
        assert page.booking.paid.startswith(f"Paid {rupees(one.total)}")
        assert page.booking.paid.endswith(f"Refundable: {rupees(one.refundable)}")
        assert [row.is_valid for row in page.tickets].count(True) == one.valid


async def _check_course(services: Container, slug: str, state: DashboardState) -> None:
    """Compare the chart by day and the funnel with tickets, holds and the queue."""
    async with services.database.transaction() as session:
        days = (await session.execute(_DAYS, {"slug": slug})).all()
        steps = (await session.execute(_STEPS, {"slug": slug})).one()
    shown = {
        (point["at"], channel): point[channel]
        for point in state.days
        for channel in ("online", "box_office", "complimentary")
        if point[channel]
    }
    assert shown == {(f"{one.day:%-d %b}", one.channel): one.tickets for one in days}
    queue = await services.waiting_room.stats(slug)
    joined = queue.admitted + queue.waiting + queue.absent
    assert [(one.label, one.number) for one in state.funnel] == [
        ("Opened the event page", str(max(queue.visits, joined))),
        ("Joined the queue", str(joined)),
        ("Let in", str(queue.admitted)),
        ("Held tickets", str(steps.held)),
        ("Paid", str(steps.paid)),
    ]


async def _check_items(services: Container, slug: str, cookie: str) -> None:
    """Compare what needs attention of a sale on the page Checks with the database."""
    page = await _opened(HealthState, "/admin/install/checks", cookie)
    while page.next_before:
        await call(HealthState.more, page)
    async with services.database.transaction() as session:
        rows = (await session.execute(_ITEMS, {"slug": slug})).all()
    shown = sorted(
        (card.kind, card.ref, card.about.split(" · ")[0])
        for card in page.items
        if slug in card.about.split(" · ")
    )
    assert shown == sorted(
        (row.kind, row.ref, rupees(row.paise) if row.paise else slug) for row in rows
    )


async def _check(services: Container, slug: str, cookie: str) -> DashboardState:
    """Compare every figure of the dashboard and of the list of events with the database."""
    services.dashboard.invalidate(slug)
    services.sales_reports.invalidate(slug)
    async with services.database.transaction() as session:
        truth = (await session.execute(_TRUTH, {"slug": slug})).one()
        tiers = (await session.execute(_TIERS, {"slug": slug})).all()
        rows = (await session.execute(_BOX_OFFICE, {"slug": slug})).all()
        takings = {row.method: int(row.paise) for row in rows}
        bookings = (await session.execute(_BOOKINGS, {"slug": slug})).all()
    sale = (state := await _opened(DashboardState, f"/admin/{slug}", cookie)).sale
    assert state.phase == "ready"
    shown = (sale.sold, sale.held, sale.free, sale.bookings.split()[0])
    counts = (truth.valid, truth.held, truth.free, truth.bookings)
    assert shown == tuple(map(format_number, counts))
    assert (await services.dashboard.stats(slug)).messages_dead == truth.dead
    money = (truth.gross, truth.refunded, truth.gross - truth.refunded, truth.cash_owed)
    assert (sale.gross, sale.refunded, sale.revenue, sale.cash_owed) == tuple(map(rupees, money))
    box_office = (sum(takings.values()), truth.fees)
    assert (sale.cash, sale.fees) == tuple(map(rupees, box_office))
    assert state.box_office == " · ".join(f"{rupees(n)} {how}" for how, n in takings.items())
    assert [
        (one.name, one.price, one.capacity, one.sold, one.held, one.free) for one in state.tiers
    ] == [
        (one.name, rupees(one.price), *map(format_number, _stock(one, one.valid))) for one in tiers
    ]
    await _check_stock(slug, cookie, tiers)
    await _check_course(services, slug, state)
    await _check_items(services, slug, cookie)
    await _check_bookings(slug, cookie, bookings)
    holds = await _opened(HoldRecoveryState, f"{_PAGES}{slug}/holds?status=held", cookie)
    assert len(holds.holds) == truth.holds
    events = await _opened(EventsState, "/admin", cookie)
    (card,) = [one for one in events.events if one.slug == slug]
    assert (card.sold, card.sold_percent) == (sale.sold, sale.sold_percent)
    assert (card.revenue, card.held, card.waiting) == (sale.revenue, sale.held, sale.waiting)
    return state


async def test_every_number_of_a_sale_is_that_of_the_database(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(units=12, concurrent_buyers=4)
    refs = await asyncio.gather(*(new_buyer(slug).buy(quantity=2) for _ in range(3)))
    tier = (await services.catalog.event(slug)).tiers[0]
    counter = CounterSale(lines=[OrderLine(tier.id, 1)], cash_paise=tier.price_paise, name="Bela")
    cash = await services.box_office.sell(slug, counter, key=f"key-{slug}", actor="test")
    holder = new_buyer(slug)
    await holder.join()
    await holder.hold()
    state = await _check(services, slug, cookie)
    assert (state.sale.inside, state.sale.sold) == ("1", "7")

    await services.refunds.refund(refs[0], actor="test", restock=False, tickets=[2])
    await services.refunds.refund(refs[1], actor="test", restock=True)
    await services.refunds.refund(refs[2], actor="test", restock=True, amount_paise=10_000)
    state = await _check(services, slug, cookie)
    assert (state.sale.sold, state.sale.cancelled_tickets) == ("4", "1")

    notices = await _opened(EventNoticesState, f"/admin/events/{slug}/notices", cookie)
    owed = rupees(52_500 + 92_500 + 50_000)
    assert f"refunds 3 bookings ({owed} including fees)" in notices.cancellation.question
    asked = "Send 2 emails and 2 SMS to the buyers of 3 bookings?"
    assert notices.change.question == asked
    # The page stays open while the sale goes on.
    await services.refunds.refund(refs[0], actor="test", restock=True)
    await call(EventNoticesState.refresh, notices)
    owed = rupees(92_500 + 50_000)
    assert f"refunds 2 bookings ({owed} including fees)" in notices.cancellation.question
    await services.lifecycle.cancel(slug, actor="test")

    async def is_refunded() -> bool:
        return (await services.lifecycle.cancellation(slug)).waiting == 0

    await eventually(is_refunded, about="the refunds")
    state = await _check(services, slug, cookie)
    assert (state.sale.sold, state.sale.revenue, state.sale.cash_owed) == ("0", "₹0", "₹500")
    # No control of the queue is left on any page of a cancelled sale.
    assert state.sale.is_cancelled
    people = await _opened(ParticipantsState, f"/admin/events/{slug}/participants", cookie)
    tickets = {row.ref: row.tickets for row in people.bookings}
    assert tickets[refs[0]] == "2 tickets (2 refunded)"
    assert tickets[cash.ref] == "1 ticket (1 refunded)"


async def test_the_queue_counts_who_waits_and_a_pause_has_no_estimate(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    slug = await new_sale(units=10, concurrent_buyers=1)
    for _ in range(3):
        await new_buyer(slug).join()
    state = await _check(services, slug, cookie)
    queue = await services.waiting_room.stats(slug)
    assert (state.sale.waiting, state.sale.inside) == (str(queue.waiting), str(queue.inside))
    await services.organizer.pause(slug, actor="test")
    state = await _check(services, slug, cookie)
    assert state.sale.last_wait == "The queue is paused"


async def test_the_chart_counts_the_tickets_of_each_minute(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=10)
    await services.dashboard.sample()
    await new_buyer(slug).buy(quantity=3)
    await services.dashboard.sample()
    history = (await services.dashboard.stats(slug)).history
    assert sum(point.sold_per_minute for point in history) == 3
    assert history[-1].sold == 3


async def test_a_refunded_ticket_that_was_checked_in_is_not_inside(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(units=10)
    ref = await new_buyer(slug).buy(quantity=2)
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30) as http:
        path = f"/api/admin/events/{slug}/door"
        found = (await http.get(f"{path}/tickets", params={"q": ref})).json()["tickets"]
        first = next(one["id"] for one in found if one["ticket"] == 1)
        scan = {"id": f"scan-{slug}", "at": "2026-01-01T00:00:00Z", "ticket_id": first}
        answer = await http.post(f"{path}/scans", json={"gate": "North", "scans": [scan]})
        assert answer.json()["results"][0]["verdict"] == "admitted"
        await services.refunds.refund(ref, actor="test", restock=False, tickets=[1])

        async def is_counted() -> bool:
            counts = (await http.get(path)).json()
            return (counts["valid"], counts["inside"]) == (1, 0)

        await eventually(is_counted, about="the counts after the refund")
