"""Offers of the gateway: what it reports as paid in full buys, for what was really paid."""

from __future__ import annotations

from decimal import Decimal

import pytest

from surge_app.formatting import rupees, rupees_ascii
from surge_app.services.bookings import pdf
from surge_app.services.payments.views import CheckoutView
from surge_app.state import view_models
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault, InProcessGateway
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale

_OFFER = 10_000


async def _checkout(sale: Sale, quantity: int = 2) -> tuple[CheckoutView, str]:
    intent, visitor = await sale.hold(sale.line(quantity))
    checkout = await sale.start_payment(intent.id, visitor)
    assert checkout.order_id is not None
    return checkout, checkout.order_id


async def _ref(sale: Sale, order_id: str) -> str:
    outcome = await sale.services.settlement.outcome_of_order(order_id)
    assert outcome.booking_ref is not None
    return outcome.booking_ref


@pytest.mark.parametrize("status", ["captured", "authorized"])
async def test_an_order_the_gateway_reports_as_paid_with_an_offer_is_booked(
    new_sale: NewSale, gateway: InProcessGateway, status: str
) -> None:
    sale = await new_sale(5)
    checkout, order_id = await _checkout(sale)
    paid = checkout.amount_paise - _OFFER
    outcome = "captured" if status == "captured" else "authorized"
    callback = await gateway.attempt(order_id, outcome, amount_paise=paid, is_offer=True)
    assert await sale.call_back(callback) == "confirmed"
    booking = await sale.services.tickets.view(await _ref(sale, order_id))
    assert (booking.total_paise, booking.discount_paise) == (paid, _OFFER)
    assert sum(line.quantity * line.unit_price_paise for line in booking.lines) - _OFFER == (
        booking.subtotal_paise
    )
    assert pdf.draw_receipt(booking).startswith(b"%PDF")
    card = view_models.price_of_lines(
        booking.lines, fee_paise=booking.fee_paise, total_paise=booking.total_paise
    )
    assert [row.label for row in card.rows][-1] == "Offer applied at payment"
    post = await Post.of(sale)
    await post.empty()
    assert f"Total paid: {rupees(paid)}\n" in post.mails[0].text
    assert f"<td>Total paid</td><td>{rupees(paid)}</td>" in post.mails[0].html
    assert f"Paid {rupees_ascii(paid)}." in post.texts[0].text
    rows = await sale.query(
        "SELECT sum(amount_paise) AS paise FROM ledger_entries WHERE payment_id = :id",
        id=callback.payment_id,
    )
    assert rows == [{"paise": Decimal(paid)}]
    assert await sale.violations() == []


async def test_the_webhooks_of_an_offer_alone_make_the_booking(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    checkout, order_id = await _checkout(sale)
    await gateway.attempt(
        order_id, "captured", amount_paise=checkout.amount_paise - _OFFER, is_offer=True
    )
    for webhook in [one for one in gateway.webhooks if one.order_id == order_id]:
        await sale.deliver(webhook)
    assert (await sale.services.settlement.outcome_of_order(order_id)).status == "confirmed"
    assert await sale.violations() == []


async def test_a_payment_below_the_total_without_an_offer_goes_back(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    _, order_id = await _checkout(sale)
    callback = await gateway.attempt(order_id, "captured", amount_paise=100)
    assert await sale.call_back(callback) == "refunding"
    rows = await sale.query(
        "SELECT amount_paise FROM refunds WHERE payment_id = :id", id=callback.payment_id
    )
    assert rows == [{"amount_paise": 100}]
    assert await sale.violations() == []


async def test_an_offer_that_eats_the_booking_fee_goes_back(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    _, order_id = await _checkout(sale)
    callback = await gateway.attempt(order_id, "captured", amount_paise=2_400, is_offer=True)
    assert await sale.call_back(callback) == "refunding"
    assert await sale.violations() == []


async def test_while_the_gateway_is_silent_nothing_is_decided_about_an_offer(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    checkout, order_id = await _checkout(sale)
    await gateway.attempt(
        order_id, "captured", amount_paise=checkout.amount_paise - _OFFER, is_offer=True
    )
    (told,) = await gateway.order_payments(order_id)
    with gateway.failing(Fault.DOWN):
        assert (await sale.services.payments.settle(told)).status == "checking"
    assert await sale.violations() == []
    assert (await sale.services.payments.settle_order(order_id)).status == "confirmed"
    assert await sale.violations() == []


async def test_refunds_of_a_discounted_booking_give_back_what_was_paid(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    checkout, order_id = await _checkout(sale)
    paid = checkout.amount_paise - _OFFER
    callback = await gateway.attempt(order_id, "captured", amount_paise=paid, is_offer=True)
    await sale.call_back(callback)
    ref = await _ref(sale, order_id)
    booking = await sale.services.tickets.view(ref)
    one = await sale.services.refunds.refund(ref, actor="organizer", restock=True, tickets=[1])
    assert one.amount_paise == booking.subtotal_paise // 2
    rest = await sale.services.refunds.refund(ref, actor="organizer", restock=True)
    assert one.amount_paise + rest.amount_paise == paid
    assert await sale.violations() == []
