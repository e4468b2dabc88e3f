"""The counter: cash and gifts take units like everybody, once a press, and the books close."""

from __future__ import annotations

import asyncio

import pytest

from surge_app.clock import new_id
from surge_app.errors import (
    AllHeld,
    BuyerLimit,
    InvalidContact,
    InvalidRequest,
    NotEnoughLeft,
    NotFound,
    NotOnSale,
    PriceChanged,
    SoldOut,
)
from surge_app.models import (
    BoxOfficeMethod,
)
from surge_app.services.messaging.outbox_rows import NoContact
from surge_app.services.payments.box_office import CounterSale
from tests.engine.conftest import NewSale
from tests.engine.sale_helper import PRICE_PAISE, Sale

_ONE = {"available": 9, "held": 0, "sold": 1, "withdrawn": 0}


async def _booking(sale: Sale, ref: str) -> dict[str, object]:
    (row,) = await sale.query("SELECT * FROM bookings WHERE ref = :ref", ref=ref)
    return row


async def _messages(sale: Sale, ref: str) -> list[tuple[str, str, str]]:
    rows = await sale.query(
        "SELECT m.channel, m.kind, m.recipient FROM message_outbox m "
        "JOIN bookings b ON b.id = m.booking_id WHERE b.ref = :ref ORDER BY m.id",
        ref=ref,
    )
    return [(row["channel"], row["kind"], row["recipient"]) for row in rows]


async def test_a_ticket_for_cash_costs_its_price_without_the_fee(new_sale: NewSale) -> None:
    sale = await new_sale()
    sold = await sale.counter(name="Asha Rao", email="asha@example.com", phone="98765 43210")
    assert (sold.channel, sold.total_paise, sold.tickets, sold.is_new) == (
        "box_office",
        PRICE_PAISE,
        1,
        True,
    )
    view = await sale.services.tickets.view(sold.ref)
    assert (view.status, view.fee_paise, view.total_paise) == ("confirmed", 0, PRICE_PAISE)
    assert len(view.tickets) == 1
    assert (await sale.services.tickets.pdf(sold.ref)).startswith(b"%PDF")
    assert (await sale.services.tickets.receipt(sold.ref)).startswith(b"%PDF")
    entries = await sale.query(
        "SELECT kind, debit, credit, amount_paise FROM ledger_entries g "
        "JOIN bookings b ON b.id = g.booking_id WHERE b.ref = :ref",
        ref=sold.ref,
    )
    assert entries == [
        {
            "kind": "sale",
            "debit": "cash_on_hand",
            "credit": "ticket_revenue",
            "amount_paise": PRICE_PAISE,
        }
    ]
    assert await _messages(sale, sold.ref) == [
        ("email", "confirmation", "asha@example.com"),
        ("sms", "confirmation", "+919876543210"),
    ]
    assert await sale.counts() == _ONE
    assert await sale.violations() == []


async def test_a_ticket_that_is_given_away_moves_no_money(new_sale: NewSale) -> None:
    sale = await new_sale(10, max_per_person=2)
    sold = await sale.counter((5, 0), cash_paise=None, name="The band")
    assert (sold.channel, sold.total_paise, sold.tickets) == ("complimentary", 0, 5)
    rows = await sale.query(
        "SELECT count(*) AS n FROM payments p JOIN bookings b ON b.intent_id = p.intent_id "
        "WHERE b.ref = :ref",
        ref=sold.ref,
    )
    assert rows == [{"n": 0}]
    assert await _messages(sale, sold.ref) == []
    assert await sale.violations() == []
    taken = await sale.services.refunds.refund(sold.ref, actor="test", restock=True)
    assert (taken.status, taken.amount_paise) == ("refunded", 0)
    assert (await sale.counts())["available"] == 10
    assert await sale.violations() == []


async def test_a_button_that_is_pressed_many_times_sells_once(new_sale: NewSale) -> None:
    sale = await new_sale()
    key = new_id()
    sold = await asyncio.gather(*(sale.counter(key=key) for _ in range(8)))
    assert len({one.ref for one in sold}) == 1
    assert sorted(one.is_new for one in sold) == [False] * 7 + [True]
    assert await sale.counts() == _ONE
    with pytest.raises(InvalidRequest, match="another sale"):
        await sale.counter((2, 0), cash_paise=2 * PRICE_PAISE, key=key)
    with pytest.raises(InvalidRequest, match="another sale"):
        await sale.counter(cash_paise=None, key=key)
    for bad in ("", "k" * 101):
        with pytest.raises(InvalidRequest):
            await sale.services.box_office.sell(sale.slug, _any_sale(sale), key=bad, actor="test")
    assert await sale.violations() == []


async def test_the_last_press_of_a_sold_out_tier_still_answers_with_its_booking(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(1)
    key = new_id()
    first = await sale.counter(key=key)
    assert (await sale.counter(key=key)).ref == first.ref
    with pytest.raises(SoldOut):
        await sale.counter()


async def test_counter_and_browsers_never_sell_one_place_twice(new_sale: NewSale) -> None:
    sale = await new_sale(6, max_per_person=6)
    answers = await asyncio.gather(
        *(sale.counter(name=f"Guest {number}") for number in range(6)),
        *(sale.hold() for _ in range(6)),
        return_exceptions=True,
    )
    refused = [one for one in answers if isinstance(one, Exception)]
    assert {type(one) for one in refused} <= {SoldOut, AllHeld, NotEnoughLeft}
    counts = await sale.counts()
    assert counts["sold"] + counts["held"] == 6 == 12 - len(refused)
    assert await sale.violations() == []


async def test_what_is_refused_at_the_counter_takes_nothing(new_sale: NewSale) -> None:
    sale = await new_sale(10, 2, max_per_person=3)
    with pytest.raises(PriceChanged) as changed:
        await sale.counter(cash_paise=PRICE_PAISE - 100)
    assert changed.value.details == {"total_paise": PRICE_PAISE}
    with pytest.raises(BuyerLimit):
        await sale.counter((4, 0), cash_paise=4 * PRICE_PAISE)
    with pytest.raises(NotEnoughLeft):
        await sale.counter((1, 0), (3, 1), cash_paise=None)
    with pytest.raises(InvalidContact) as wrong:
        await sale.counter(email="no address", phone="12")
    assert set(wrong.value.fields) == {"email", "phone"}
    other = await new_sale(1)
    with pytest.raises(InvalidRequest):
        await sale.services.box_office.sell(sale.slug, _any_sale(other), key=new_id(), actor="test")
    with pytest.raises(NotFound):
        await sale.services.box_office.sell(
            "nothing-there", _any_sale(sale), key=new_id(), actor="test"
        )
    with pytest.raises(InvalidRequest):
        await sale.counter((101, 0), cash_paise=None)
    await sale.execute("UPDATE events SET phase = 'cancelled' WHERE slug = :slug", slug=sale.slug)
    with pytest.raises(NotOnSale):
        await sale.counter()
    assert await sale.counts() == {"available": 12, "held": 0, "sold": 0, "withdrawn": 0}
    assert (
        await sale.query(
            "SELECT i.id FROM intents i JOIN events e ON e.id = i.event_id WHERE e.slug = :slug",
            slug=sale.slug,
        )
        == []
    )


async def test_the_limit_for_a_person_counts_what_they_bought_online_and_for_cash(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(10, max_per_person=2)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor, person="0000beef")
    await sale.call_back(await sale.gateway.attempt(order.order_id or "", "captured"))
    mail = "asha-0000beef@example.com"
    await sale.counter(email=mail)
    with pytest.raises(BuyerLimit):
        await sale.counter(email=mail)
    # Two who leave no address are two people.
    await sale.counter()
    await sale.counter()
    assert await sale.violations() == []


async def test_a_first_address_gets_the_confirmation_and_a_corrected_one_does_not(
    new_sale: NewSale,
) -> None:
    sale = await new_sale()
    people = sale.services.participants
    sold = await sale.counter()
    with pytest.raises(NoContact):
        await sale.services.notifications.resend(sold.ref, version=0, actor="test")
    for email, phone in (
        ("b@example.com", ""),
        ("c@example.com", ""),
        ("c@example.com", "98765 43210"),
    ):
        version = (await people.detail(sold.ref)).version
        await people.correct(
            sold.ref, version=version, name="Bela", email=email, phone=phone, actor="test"
        )
    assert await _messages(sale, sold.ref) == [
        ("email", "confirmation", "c@example.com"),
        ("sms", "confirmation", "+919876543210"),
    ]
    seen = await people.detail(sold.ref)
    assert (
        await sale.services.notifications.resend(sold.ref, version=seen.version, actor="test") == 2
    )
    other = await sale.counter(phone="98765 43211")
    sent = await sale.services.notifications.resend(
        other.ref, actor="attendee", email="d@example.com"
    )
    assert sent == 2
    assert [one[:2] for one in await _messages(sale, other.ref)] == [
        ("sms", "confirmation"),
        ("email", "confirmation"),
        ("sms", "confirmation_again"),
    ]
    assert await sale.violations() == []


async def test_the_figures_state_cash_separately(new_sale: NewSale) -> None:
    sale = await new_sale(10, max_per_person=5)
    await sale.counter((3, 0), cash_paise=3 * PRICE_PAISE)
    await sale.counter(cash_paise=None)
    sold = await sale.counter((2, 0), cash_paise=2 * PRICE_PAISE)
    await sale.services.refunds.refund(sold.ref, actor="test", restock=True, tickets=[1])
    stats = await sale.services.dashboard.stats(sale.slug)
    taken = 4 * PRICE_PAISE
    assert (stats.bookings, stats.revenue_paise, stats.fees_paise) == (3, taken, 0)
    assert stats.cash_paise == taken
    head, *rows = [
        line.split('","')
        async for chunk in sale.services.exports.participants_csv(sale.slug)
        for line in chunk.decode("utf-8-sig").splitlines()
    ]
    channel = head.index("channel")
    assert sorted({row[channel] for row in rows}) == ["box_office", "complimentary"]


async def test_upi_and_cards_are_taken_and_handed_back_like_cash(new_sale: NewSale) -> None:
    sale = await new_sale(10, max_per_person=5)
    key = new_id()
    upi = await sale.counter(method=BoxOfficeMethod.UPI, reference=" 412345678901 ", key=key)
    card = await sale.counter((2, 0), cash_paise=2 * PRICE_PAISE, method=BoxOfficeMethod.CARD)
    await sale.counter()
    with pytest.raises(InvalidRequest, match="sold already, paid by UPI"):
        await sale.counter(key=key)
    with pytest.raises(InvalidRequest, match="reference"):
        await sale.counter(reference="4" * 61)
    (payment,) = await sale.query(
        "SELECT p.method, p.reference, p.taken_by, p.source FROM payments p "
        "JOIN bookings b ON b.intent_id = p.intent_id WHERE b.ref = :ref",
        ref=upi.ref,
    )
    assert payment == {
        "method": "upi", "reference": "412345678901", "taken_by": "test", "source": "cash"
    }  # fmt: skip
    (entry,) = await sale.query(
        "SELECT actor, after FROM audit_log WHERE subject = :ref", ref=upi.ref
    )
    expected = {"method": "upi", "reference": "412345678901", "tickets": 1}
    assert (entry["actor"], entry["after"]) == ("test", {**expected, "total_paise": PRICE_PAISE})
    seen = await sale.services.participants.detail(upi.ref)
    assert (seen.in_cash, seen.method) == (True, "upi")
    await sale.services.refunds.refund(card.ref, actor="test", restock=True, tickets=[1])
    (waiting,) = [one for one in await sale.services.action_items.list(most=10_000)
                  if one.subject == card.ref]  # fmt: skip
    assert (waiting.kind, waiting.detail) == ("cash_refund", "Paid by card")
    report = await sale.services.sales_reports.read(sale.slug)
    assert report.box_office == {"cash": PRICE_PAISE, "upi": PRICE_PAISE, "card": PRICE_PAISE}
    head, *rows = [
        line.strip('"').split('","')
        async for chunk in sale.services.exports.participants_csv(sale.slug)
        for line in chunk.decode("utf-8-sig").splitlines()
    ]
    columns = [head.index(name) for name in ("payment_method", "payment_reference", "taken_by")]
    found = {tuple(row[column] for column in columns) for row in rows}
    assert found == {("upi", "412345678901", "test"), ("card", "", "test"), ("cash", "", "test")}
    assert (await sale.services.tickets.receipt(upi.ref)).startswith(b"%PDF")
    assert await sale.violations() == []


def _any_sale(sale: Sale) -> CounterSale:
    return CounterSale(lines=[sale.line()], cash_paise=PRICE_PAISE)
