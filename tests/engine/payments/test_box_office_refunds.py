"""Money of the counter goes back by hand, once, and the books close."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, strategies as st

from surge_app.errors import (
    EditConflict,
    InvalidRequest,
    NotFound,
    RefundNotStuck,
)
from surge_app.models import (
    Account,
    Booking,
    LedgerEntry,
    Payment,
    PaymentSource,
)
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import plan_refund, refund_row
from tests.engine.conftest import NewSale
from tests.engine.gateway_books import MemoryBooks
from tests.engine.sale_helper import PRICE_PAISE, Sale


async def _status(sale: Sale, ref: str) -> str:
    (row,) = await sale.query("SELECT status FROM bookings WHERE ref = :ref", ref=ref)
    return row["status"]


async def test_cash_goes_back_by_hand_and_no_gateway_is_asked(new_sale: NewSale) -> None:
    sale = await new_sale()
    sold = await sale.counter((2, 0), cash_paise=2 * PRICE_PAISE, email="b@example.com")
    seen = await sale.services.participants.detail(sold.ref)
    assert seen.in_cash
    done = await sale.services.refunds.refund(
        sold.ref, actor="test", restock=True, version=seen.version, tickets=[1], handed_over=True
    )
    assert (done.status, done.amount_paise) == ("confirmed", PRICE_PAISE)
    with pytest.raises(EditConflict):
        await sale.services.refunds.refund(
            sold.ref, actor="test", restock=True, version=seen.version
        )
    last = await sale.services.refunds.refund(sold.ref, actor="test", restock=False)
    assert last.status == "refunding"
    assert await sale.violations() == []
    waiting = [
        one for one in await sale.services.action_items.list(most=10_000) if one.subject == sold.ref
    ]
    assert [(one.kind, one.amount_paise) for one in waiting] == [("cash_refund", PRICE_PAISE)]
    with pytest.raises(RefundNotStuck):
        await sale.services.refunds.retry(waiting[0].id, actor="test")
    await sale.services.refunds.submit_pending()
    await sale.services.action_items.resolve("cash_refund", waiting[0].id, actor="test")
    with pytest.raises(RefundNotStuck):
        await sale.services.refunds.hand_over(waiting[0].id, actor="test")
    with pytest.raises(NotFound):
        await sale.services.refunds.hand_over("nothing-there", actor="test")
    assert await _status(sale, sold.ref) == "refunded"
    books = sale.gateway.books
    assert isinstance(books, MemoryBooks)
    assert not any(book.refunds for book in books.orders.values() if sale.slug in str(book))
    assert (await sale.counts())["available"] == 9
    assert await sale.violations() == []


async def test_two_who_hand_over_one_refund_at_once_pay_it_once(new_sale: NewSale) -> None:
    sale = await new_sale()
    sold = await sale.counter()
    await sale.services.refunds.refund(sold.ref, actor="test", restock=True)
    (waiting,) = [one for one in await sale.services.refunds.stuck() if one.booking_ref == sold.ref]
    answers = await asyncio.gather(
        *(sale.services.refunds.hand_over(waiting.id, actor=name) for name in ("asha", "ravi")),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in answers) == ["NoneType", "RefundNotStuck"]
    assert await sale.violations() == []


async def test_what_was_paid_online_cannot_be_handed_over(new_sale: NewSale) -> None:
    sale = await new_sale()
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    assert order.order_id is not None
    await sale.call_back(await sale.gateway.attempt(order.order_id, "captured"))
    ref = (await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id))[0]
    with pytest.raises(InvalidRequest):
        await sale.services.refunds.refund(ref["ref"], actor="test", restock=True, handed_over=True)
    assert await sale.violations() == []


async def test_a_cancelled_event_owes_its_cash_until_it_is_handed_over(new_sale: NewSale) -> None:
    sale = await new_sale()
    sold, gift = await sale.counter(), await sale.counter(cash_paise=None)
    await sale.services.lifecycle.cancel(sale.slug, actor="test")
    while await sale.services.lifecycle.refund_cancelled_event():
        pass
    seen = await sale.services.lifecycle.cancellation(sale.slug)
    assert (seen.waiting, seen.on_their_way, seen.done) == (0, 1, 1)
    (waiting,) = [
        one for one in await sale.services.action_items.list(most=10_000) if one.subject == sold.ref
    ]
    await sale.services.action_items.resolve(waiting.kind, waiting.id, actor="test")
    assert await _status(sale, gift.ref) == "refunded"
    assert (await sale.services.lifecycle.cancellation(sale.slug)).done == 2
    assert await sale.violations() == []


@given(
    st.lists(st.integers(100, 10**7), min_size=1, max_size=6),
    st.data(),
)
def test_whatever_goes_back_of_cash_the_ledger_closes(
    prices: list[int], data: st.DataObject
) -> None:
    total = sum(prices)
    booking = Booking(
        id="b", ref="r", event_id="e", intent_id="i", channel="box_office", name="", email="",
        phone="", subtotal_paise=total, fee_paise=0, total_paise=total,
    )  # fmt: skip
    payment = Payment(
        id="cash_i", intent_id="i", order_id="counter_i", amount_paise=total, currency="INR",
        status="captured", source=PaymentSource.BOX_OFFICE,
    )  # fmt: skip
    entries: list[LedgerEntry] = ledger.sale(payment, booking)
    valid = dict(enumerate(prices, start=1))
    given_back = 0
    while valid:
        chosen = data.draw(st.lists(st.sampled_from(sorted(valid)), min_size=1, unique=True))
        plan = plan_refund(ledger.balance(entries), valid, tickets=chosen)
        for seq in plan.seqs:
            del valid[seq]
        if not plan.amount_paise:
            continue
        refund = refund_row(payment, amount_paise=plan.amount_paise, reason=plan.reason)
        assert refund.by_hand
        assert refund.next_attempt_at is None
        entries += ledger.refund_due(refund, booking, tickets_paise=plan.tickets_paise, fee_paise=0)
        assert ledger.balance(entries).is_closed
        entries.append(ledger.refund_paid(refund, booking.id))
        given_back += plan.amount_paise
        kept = ledger.balance(entries)
        assert kept.is_closed
        assert kept.received_paise == total - given_back
    assert given_back == total
    assert Account.GATEWAY not in {entry.debit for entry in entries} | {
        entry.credit for entry in entries
    }
