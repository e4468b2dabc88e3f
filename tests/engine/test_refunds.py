"""Refunds: never more than was paid, never twice, never lost; what is stuck is shown."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest

from surge_app.errors import AlreadyRefunded, InvalidRequest, NotFound, RefundNotStuck
from surge_app.services import ledger
from surge_app.services.ports import Mail, Sms
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault
from tests.engine.post import Post
from tests.engine.sale import PRICE_PAISE, Sale

_FEE_PAISE = 2_500


@dataclass(slots=True)
class Bought:
    """A booking of a sale."""

    sale: Sale
    ref: str
    payment_id: str
    order_id: str

    async def refund(self, **wanted: Any) -> Any:
        """Let the organizer refund it."""
        return await self.sale.services.refunds.refund(
            self.ref, **{"actor": "test", "restock": True, **wanted}
        )

    async def push(self) -> None:
        """Send what is due, whenever that is."""
        await self.sale.execute(
            "UPDATE refunds SET next_attempt_at = now() "
            "WHERE next_attempt_at IS NOT NULL AND payment_id = :id",
            id=self.payment_id,
        )
        await self.sale.services.refunds.push()

    async def rows(self) -> list[dict[str, Any]]:
        """Return its refunds."""
        return await self.sale.query(
            "SELECT * FROM refunds WHERE payment_id = :id ORDER BY seq", id=self.payment_id
        )

    async def status(self) -> tuple[str, str]:
        """Return the status of booking and payment."""
        booking = await self.sale.services.tickets.view(self.ref)
        rows = await self.sale.query("SELECT status FROM payments WHERE id=:id", id=self.payment_id)
        return booking.status, rows[0]["status"]

    async def valid(self) -> list[int]:
        """Return the numbers of the tickets that open a door."""
        booking = await self.sale.services.tickets.view(self.ref)
        return [one.seq for one in booking.tickets if one.status == "valid"]

    async def returned(self) -> int:
        """Return what the gateway gave back."""
        book = await self.sale.gateway.books.by_payment(self.payment_id)
        return book.payments[self.payment_id]["amount_refunded"]

    async def messages(self, kind: str = "refunded") -> list[dict[str, Any]]:
        """Return what the buyer is told of a kind."""
        return await self.sale.query(
            "SELECT o.* FROM message_outbox o JOIN bookings b ON b.intent_id = o.intent_id "
            "WHERE b.ref = :ref AND o.kind = :kind ORDER BY o.channel, o.id",
            ref=self.ref,
            kind=kind,
        )


async def _buy(sale: Sale, *lines: Any) -> Bought:
    intent, visitor = await sale.hold(*(lines or (sale.line(3),)))
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return Bought(sale, rows[0]["ref"], paid.payment_id, order.order_id)


async def _send_all(sale: Sale) -> list[Mail | Sms]:
    """Send what is due of this sale to nobody, and return it."""
    post = await Post.of(sale)
    await post.empty()
    return [*post.mails, *post.texts]


async def test_some_tickets_go_back_at_their_own_price_and_the_others_stay_valid(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(5, 5)
    bought = await _buy(sale, sale.line(2, tier=0), sale.line(1, tier=1))
    booking = await sale.services.tickets.view(bought.ref)
    dear = next(one.seq for one in booking.tickets if one.tier_name == "Tier 2")
    done = await bought.refund(tickets=[dear])
    assert (done.status, done.amount_paise) == ("confirmed", 2 * PRICE_PAISE)
    await bought.push()
    assert await bought.status() == ("confirmed", "captured")
    assert len(await bought.valid()) == 2
    assert await bought.returned() == 2 * PRICE_PAISE
    assert (await sale.counts())["sold"] == 2
    stats = await sale.services.organizer.stats(sale.slug)
    assert (stats.revenue_paise, stats.fees_paise) == (2 * PRICE_PAISE + _FEE_PAISE, _FEE_PAISE)
    assert await sale.broken_promises() == []


async def test_the_fee_goes_back_with_the_last_ticket(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    assert (await bought.refund(tickets=[2])).amount_paise == PRICE_PAISE
    assert (await bought.refund(tickets=[3])).amount_paise == PRICE_PAISE
    last = await bought.refund(tickets=[1], restock=False)
    assert (last.status, last.amount_paise) == ("refunding", PRICE_PAISE + _FEE_PAISE)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == 3 * PRICE_PAISE + _FEE_PAISE
    assert [row["seq"] for row in await bought.rows()] == [1, 2, 3]
    # Kept from sale, as asked: neither free nor anybody's.
    assert await bought.sale.counts() == {"available": 4, "held": 0, "sold": 1, "withdrawn": 0}
    assert await bought.sale.broken_promises() == []


async def test_goodwill_voids_nothing_and_a_whole_refund_returns_only_the_rest(
    new_sale: NewSale,
) -> None:
    bought = await _buy(await new_sale(5))
    total = 3 * PRICE_PAISE + _FEE_PAISE
    done = await bought.refund(amount_paise=12_345)
    assert (done.status, done.amount_paise, done.tickets) == ("confirmed", 12_345, ())
    assert await bought.valid() == [1, 2, 3]
    whole = await bought.refund()
    assert (whole.status, whole.amount_paise) == ("refunding", total - 12_345)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == total
    assert await bought.sale.broken_promises() == []


async def test_everything_given_as_goodwill_leaves_the_tickets_valid(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund(amount_paise=3 * PRICE_PAISE + _FEE_PAISE)
    await bought.push()
    assert await bought.status() == ("confirmed", "refunded")
    assert await bought.valid() == [1, 2, 3]
    with pytest.raises(AlreadyRefunded):
        await bought.refund(amount_paise=100)
    assert (await bought.refund()).status == "refunded"
    assert await bought.sale.broken_promises() == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"tickets": [4]},
        {"tickets": [1, 99]},
        {"tickets": []},
        {"amount_paise": 99},
        {"amount_paise": 3 * PRICE_PAISE + _FEE_PAISE + 1},
        {"amount_paise": 3 * PRICE_PAISE + _FEE_PAISE - 1},
        {"amount_paise": 500, "tickets": [1]},
    ],
)
async def test_what_cannot_be_paid_back_is_refused_and_changes_nothing(
    new_sale: NewSale, wanted: dict[str, Any]
) -> None:
    bought = await _buy(await new_sale(5))
    with pytest.raises(InvalidRequest):
        await bought.refund(**wanted)
    assert await bought.rows() == []
    assert await bought.valid() == [1, 2, 3]


async def test_parallel_refunds_of_one_booking_return_no_more_than_was_paid(
    new_sale: NewSale,
) -> None:
    bought = await _buy(await new_sale(5))
    wishes = [{"tickets": [1]}, {"tickets": [1]}, {"tickets": [2]}, {"amount_paise": 90_000}]
    results = await asyncio.gather(
        *(bought.refund(**wish) for wish in [*wishes, {}, {}]), return_exceptions=True
    )
    assert all(not isinstance(one, Exception) or hasattr(one, "code") for one in results)
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == 3 * PRICE_PAISE + _FEE_PAISE
    assert await bought.sale.broken_promises() == []


async def test_a_restocked_unit_is_sold_again_and_has_one_valid_ticket(new_sale: NewSale) -> None:
    sale = await new_sale(2)
    first = await _buy(sale, sale.line(2))
    await first.refund(tickets=[1])
    second = await _buy(sale, sale.line(1))
    assert await second.valid() == [1]
    await first.push()
    assert await sale.broken_promises() == []


async def test_a_refund_in_the_ledger_is_owed_then_paid(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
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
        _FEE_PAISE,
    )
    assert owed.is_closed
    await bought.push()
    paid = await balance()
    assert (paid.owed_paise, paid.received_paise) == (0, 2 * PRICE_PAISE + _FEE_PAISE)


async def test_an_unclear_answer_is_asked_again_with_the_same_key_and_bytes(
    new_sale: NewSale,
) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund(tickets=[1])
    before = (await bought.rows())[0]
    for fault in (Fault.DOWN, Fault.LOST_REQUEST, Fault.LOST_ANSWER):
        with bought.sale.gateway.failing(fault):
            await bought.push()
    row = (await bought.rows())[0]
    assert row["status"] == "requested"
    await bought.push()
    row = (await bought.rows())[0]
    assert row["status"] == "processed"
    assert (row["idempotency_key"], row["body"]) == (before["idempotency_key"], before["body"])
    assert row["idempotency_key"] == f"rf-{bought.payment_id}-1"
    assert json.loads(row["body"])["receipt"] == row["idempotency_key"]
    assert await bought.returned() == PRICE_PAISE


async def test_an_answer_that_was_lost_is_found_even_where_the_key_is_not_honoured(
    new_sale: NewSale,
) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund(tickets=[1])
    with bought.sale.gateway.failing(Fault.LOST_ANSWER):
        await bought.push()

    def forget_keys(book: Any) -> None:
        book.refund_requests.clear()

    await bought.sale.gateway.books.change(bought.order_id, forget_keys)
    await bought.push()
    assert (await bought.rows())[0]["status"] == "processed"
    assert await bought.returned() == PRICE_PAISE


async def test_a_request_in_progress_is_waited_for(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund()
    await bought.sale.gateway.decide_refunds(bought.payment_id, "in_progress")
    await bought.push()
    assert (await bought.rows())[0]["status"] == "requested"
    await bought.sale.gateway.decide_refunds(bought.payment_id, "processed")
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")


async def test_a_pending_refund_is_followed_until_the_bank_has_paid(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.sale.gateway.decide_refunds(bought.payment_id, "pending")
    await bought.refund()
    for _ in range(30):
        await bought.push()
    assert (await bought.rows())[0]["status"] == "sent"
    assert await bought.status() == ("refunding", "captured")
    stuck = await bought.sale.services.refunds.stuck()
    assert bought.payment_id not in {one.payment_id for one in stuck}
    await bought.sale.gateway.decide_refunds(bought.payment_id, "processed")
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.sale.broken_promises() == []


async def test_webhooks_of_refunds_find_theirs_in_any_order_and_number(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund(tickets=[1])
    await bought.refund(tickets=[2])
    with bought.sale.gateway.failing(Fault.LOST_ANSWER):
        await bought.push()
    told = [hook for hook in bought.sale.gateway.webhooks if hook.order_id == bought.order_id]
    for hook in [*reversed(told), *told]:
        await bought.sale.deliver(hook)
    rows = await bought.rows()
    assert [row["status"] for row in rows] == ["processed", "processed"]
    assert len({row["gateway_id"] for row in rows}) == 2
    assert await bought.sale.broken_promises() == []


async def test_errors_without_end_become_an_operators_and_a_retry_keeps_the_key(
    new_sale: NewSale,
) -> None:
    bought = await _buy(await new_sale(5))
    services = bought.sale.services
    await bought.refund()
    await bought.sale.execute(
        "UPDATE refunds SET attempts = 23 WHERE payment_id = :id", id=bought.payment_id
    )
    with bought.sale.gateway.failing(Fault.LOST_ANSWER):
        await bought.push()
    stuck = [one for one in await services.refunds.stuck() if one.booking_ref == bought.ref]
    assert [(one.status, one.payment_id) for one in stuck] == [("requested", bought.payment_id)]
    assert stuck[0].last_error
    await bought.push()
    before = (await bought.rows())[0]
    assert before["status"] == "requested"
    await services.refunds.retry(stuck[0].id, actor="operator")
    await bought.push()
    row = (await bought.rows())[0]
    assert (row["status"], row["idempotency_key"]) == ("processed", before["idempotency_key"])
    assert await bought.returned() == 3 * PRICE_PAISE + _FEE_PAISE


async def test_a_refund_that_failed_is_asked_for_under_a_new_key(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    services, gateway = bought.sale.services, bought.sale.gateway
    await gateway.decide_refunds(bought.payment_id, "failed")
    await bought.refund()
    for _ in range(4):
        await bought.push()
    assert await bought.returned() == 0
    stuck = next(one for one in await services.refunds.stuck() if one.booking_ref == bought.ref)
    assert stuck.status == "failed"
    for number in (2, 3):
        await services.refunds.retry(stuck.id, actor="operator")
        row = (await bought.rows())[0]
        assert row["idempotency_key"] == f"rf-{bought.payment_id}-1-r{number}"
        assert json.loads(row["body"])["receipt"] == row["idempotency_key"]
        if number == 3:
            await gateway.decide_refunds(bought.payment_id, "processed")
        for _ in range(4):
            await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert await bought.returned() == 3 * PRICE_PAISE + _FEE_PAISE
    # What failed before is old news, whenever it is told.
    for hook in [one for one in gateway.webhooks if one.order_id == bought.order_id]:
        await bought.sale.deliver(hook)
    assert await bought.status() == ("refunded", "refunded")
    lines = await bought.sale.query(
        "SELECT actor, before, after FROM audit_log WHERE action = 'refund.retry' "
        "AND subject = :id ORDER BY at",
        id=stuck.id,
    )
    assert [line["after"]["key"][-2:] for line in lines] == ["r2", "r3"]
    assert await bought.sale.broken_promises() == []


async def test_only_what_is_stuck_can_be_retried(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund()
    refunds = bought.sale.services.refunds
    refund_id = (await bought.rows())[0]["id"]
    with pytest.raises(RefundNotStuck):
        await refunds.retry(refund_id, actor="operator")
    await bought.push()
    with pytest.raises(RefundNotStuck):
        await refunds.retry(refund_id, actor="operator")
    with pytest.raises(NotFound):
        await refunds.retry("nobody", actor="operator")


async def test_each_refund_is_told_once_with_its_own_amount(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    await bought.refund(tickets=[1])
    await bought.refund(amount_paise=12_345)
    await bought.refund()
    told = await bought.messages()
    assert len(told) == 6
    sent = await _send_all(bought.sale)
    texts = [one.text for one in sent if isinstance(one, Sms) and bought.ref in one.text]
    assert any("Rs 500 " in text and "others stay valid" in text for text in texts)
    assert any("Rs 123.45 " in text and "tickets stay valid" in text for text in texts)
    assert any("Rs 901.55 " in text and "is cancelled." in text for text in texts)


async def test_a_second_payment_goes_back_with_one_calm_message(new_sale: NewSale) -> None:
    bought = await _buy(await new_sale(5))
    again = await bought.sale.gateway.pay_again(bought.order_id)
    for _ in range(3):
        await bought.sale.call_back(again)
    await bought.sale.settle_down()
    second = Bought(bought.sale, bought.ref, again.payment_id, bought.order_id)
    assert await second.returned() == 3 * PRICE_PAISE + _FEE_PAISE
    assert await bought.returned() == 0
    assert await bought.valid() == [1, 2, 3]
    told = await bought.messages()
    assert [row["channel"] for row in told] == ["email", "sms"]
    assert await bought.messages("late_payment") == []
    sent = await _send_all(bought.sale)
    mails = [one for one in sent if isinstance(one, Mail) and bought.ref in one.text]
    assert any("another payment of ₹1,525 arrived" in one.text for one in mails)
    assert await bought.sale.broken_promises() == []
