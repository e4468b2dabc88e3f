"""Refunds: what goes back and what stays valid; never more than was paid, never twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from surge_app.clock import new_id
from surge_app.errors import AlreadyRefunded, InvalidRequest
from surge_app.services.payments import ledger
from surge_app.services.vendors.ports import GatewayRefund, GatewayRefundStatus, Mail, Sms
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.purchase_helper import FEE_PAISE, Bought, buy
from tests.engine.sale_helper import PRICE_PAISE, Sale


async def _send_all(sale: Sale) -> list[Mail | Sms]:
    """Send what is due of this sale to nobody, and return it."""
    post = await Post.of(sale)
    await post.empty()
    return [*post.mails, *post.texts]


async def test_some_tickets_go_back_at_their_own_price_and_the_others_stay_valid(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5, 5)
    bought = await buy(sale, sale.line(2, tier=0), sale.line(1, tier=1))
    booking = await sale.services.tickets.view(bought.ref)
    dear = next(one.seq for one in booking.tickets if one.tier_name == "Tier 2")
    done = await bought.refund(tickets=[dear])
    assert (done.status, done.amount_paise) == ("confirmed", 2 * PRICE_PAISE)
    await bought.push()
    assert await bought.status() == ("confirmed", "captured")
    assert len(await bought.valid()) == 2
    assert await bought.returned() == 2 * PRICE_PAISE
    assert (await sale.counts())["sold"] == 2
    stats = await sale.services.dashboard.stats(sale.slug)
    assert (stats.revenue_paise, stats.fees_paise) == (2 * PRICE_PAISE + FEE_PAISE, FEE_PAISE)
    assert await sale.violations() == []


async def test_the_fee_goes_back_with_the_last_ticket(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    assert (await bought.refund(tickets=[2])).amount_paise == PRICE_PAISE
    assert (await bought.refund(tickets=[3])).amount_paise == PRICE_PAISE
    last = await bought.refund(tickets=[1], restock=False)
    assert (last.status, last.amount_paise) == ("refunding", PRICE_PAISE + FEE_PAISE)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == 3 * PRICE_PAISE + FEE_PAISE
    assert [row["seq"] for row in await bought.rows()] == [1, 2, 3]
    # Kept from sale, as asked: neither free nor anybody's.
    assert await bought.sale.counts() == {"available": 4, "held": 0, "sold": 1, "withdrawn": 0}
    assert await bought.sale.violations() == []


async def test_goodwill_voids_nothing_and_a_whole_refund_returns_only_the_rest(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    total = 3 * PRICE_PAISE + FEE_PAISE
    done = await bought.refund(amount_paise=12_345)
    assert (done.status, done.amount_paise, done.tickets) == ("confirmed", 12_345, ())
    assert await bought.valid() == [1, 2, 3]
    whole = await bought.refund()
    assert (whole.status, whole.amount_paise) == ("refunding", total - 12_345)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == total
    assert await bought.sale.violations() == []


async def test_everything_given_as_goodwill_leaves_the_tickets_valid(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    await bought.refund(amount_paise=3 * PRICE_PAISE + FEE_PAISE)
    await bought.push()
    assert await bought.status() == ("confirmed", "refunded")
    assert await bought.valid() == [1, 2, 3]
    with pytest.raises(AlreadyRefunded):
        await bought.refund(amount_paise=100)
    assert (await bought.refund()).status == "refunded"
    assert await bought.sale.violations() == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"tickets": [4]},
        {"tickets": [1, 99]},
        {"tickets": []},
        {"amount_paise": 99},
        {"amount_paise": 3 * PRICE_PAISE + FEE_PAISE + 1},
        {"amount_paise": 3 * PRICE_PAISE + FEE_PAISE - 1},
        {"amount_paise": 500, "tickets": [1]},
    ],
)
async def test_what_cannot_be_paid_back_is_refused_and_changes_nothing(
    new_sale: NewSale, wanted: dict[str, Any]
) -> None:
    bought = await buy(await new_sale(5))
    with pytest.raises(InvalidRequest):
        await bought.refund(**wanted)
    assert await bought.rows() == []
    assert await bought.valid() == [1, 2, 3]


async def test_parallel_refunds_of_one_booking_return_no_more_than_was_paid(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    selections = [{"tickets": [1]}, {"tickets": [1]}, {"tickets": [2]}, {"amount_paise": 90_000}]
    results = await asyncio.gather(
        *(bought.refund(**selection) for selection in [*selections, {}, {}]), return_exceptions=True
    )
    assert all(not isinstance(one, Exception) or hasattr(one, "code") for one in results)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == 3 * PRICE_PAISE + FEE_PAISE
    assert await bought.sale.violations() == []


async def test_a_restocked_unit_is_sold_again_and_has_one_valid_ticket(new_sale: NewSale) -> None:
    sale = await new_sale(2)
    first = await buy(sale, sale.line(2))
    await first.refund(tickets=[1])
    second = await buy(sale, sale.line(1))
    assert await second.valid() == [1]
    await first.push()
    assert await sale.violations() == []


async def test_a_refund_in_the_ledger_is_owed_then_paid(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    await bought.refund(tickets=[1])

    async def balance() -> ledger.Balance:
        rows = await bought.sale.query(
            "SELECT g.* FROM ledger_entries g JOIN bookings b ON b.id = g.booking_id "
            "WHERE b.ref = :ref",
            ref=bought.ref,
        )
        return ledger.balance(ledger.LedgerEntry(**row) for row in rows)

    owed = await balance()
    assert (owed.owed_paise, owed.tickets_paise, owed.fee_paise) == (
        PRICE_PAISE,
        2 * PRICE_PAISE,
        FEE_PAISE,
    )
    assert owed.is_closed
    await bought.push()
    paid = await balance()
    assert (paid.owed_paise, paid.received_paise) == (0, 2 * PRICE_PAISE + FEE_PAISE)


async def test_each_refund_is_told_once_with_its_own_amount(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    await bought.refund(tickets=[1])
    await bought.refund(amount_paise=12_345)
    await bought.refund()
    told = await bought.messages()
    assert len(told) == 6
    sent = await _send_all(bought.sale)
    texts = [one.text for one in sent if isinstance(one, Sms) and bought.ref in one.text]
    assert any("Rs 500 " in text and "Your other tickets stay valid." in text for text in texts)
    assert any("Rs 123.45 " in text and "Your tickets stay valid." in text for text in texts)
    assert any("Rs 901.55 " in text and "is cancelled." in text for text in texts)


def _made_in_the_dashboard(payment_id: str, amount_paise: int, **more: Any) -> GatewayRefund:
    values = {"status": GatewayRefundStatus.PROCESSED, "id": f"rfnd_{new_id()}", **more}
    return GatewayRefund(payment_id=payment_id, amount_paise=amount_paise, **values)


async def test_a_whole_refund_made_in_the_dashboard_ends_the_booking_and_its_tickets(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    refunds = bought.sale.services.refunds
    rows = await bought.sale.query(
        "SELECT amount_paise FROM payments WHERE id = :id", id=bought.payment_id
    )
    made = _made_in_the_dashboard(bought.payment_id, rows[0]["amount_paise"])
    assert await refunds.record_gateway_refund(made) == "processed"
    assert await refunds.record_gateway_refund(made) == "processed"
    view = await bought.sale.services.tickets.view(bought.ref)
    assert view.status == "refunded"
    with pytest.raises(AlreadyRefunded):
        await bought.refund()
    assert {row["channel"] for row in await bought.messages("refunded")} == {"email", "sms"}
    assert await bought.sale.violations() == []


async def test_a_part_refunded_in_the_dashboard_is_no_longer_there_to_refund(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    refunds = bought.sale.services.refunds
    made = _made_in_the_dashboard(bought.payment_id, 10_000, status=GatewayRefundStatus.PENDING)
    assert await refunds.record_gateway_refund(made) == "sent"
    await refunds.record_gateway_refund(replace(made, status=GatewayRefundStatus.PROCESSED))
    await bought.refund()
    await bought.sale.settle_down()
    rows = await bought.rows()
    assert rows[0]["amount_paise"] == 10_000
    assert len(rows) == 2
    assert await bought.sale.violations() == []


async def test_money_that_was_sent_back_is_told_once_by_mail_with_what_to_name_at_the_bank(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    await bought.refund(tickets=[1])
    assert await bought.messages("refund_paid") == []
    await bought.push()
    (refund,) = await bought.rows()
    for _ in range(2):
        await bought.sale.services.refunds.record_gateway_refund(
            GatewayRefund(
                id=refund["gateway_id"],
                payment_id=bought.payment_id,
                amount_paise=refund["amount_paise"],
                status=GatewayRefundStatus.PROCESSED,
                receipt=refund["idempotency_key"],
            )
        )
    told = await bought.messages("refund_paid")
    assert [row["channel"] for row in told] == ["email"]
    sent = await _send_all(bought.sale)
    (mail,) = (one for one in sent if isinstance(one, Mail) and refund["gateway_id"] in one.text)
    assert mail.subject == f"{bought.ref}: ₹500 is on its way to your account"
    assert bought.ref in mail.text
    assert refund["gateway_id"] in mail.html


async def test_a_second_payment_goes_back_with_one_calm_message(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    again = await bought.sale.gateway.pay_again(bought.order_id)
    for _ in range(3):
        await bought.sale.call_back(again)
    await bought.sale.settle_down()
    second = Bought(bought.sale, bought.ref, again.payment_id, bought.order_id)
    assert await second.returned() == 3 * PRICE_PAISE + FEE_PAISE
    assert await bought.returned() == 0
    assert await bought.valid() == [1, 2, 3]
    told = await bought.messages()
    assert [row["channel"] for row in told] == ["email", "sms"]
    assert await bought.messages("late_payment") == []
    sent = await _send_all(bought.sale)
    mails = [one for one in sent if isinstance(one, Mail) and bought.ref in one.text]
    assert any("A second payment of ₹1,525 arrived" in one.text for one in mails)
    assert await bought.sale.violations() == []
