"""Settle: whatever becomes of an order, its money ends as one booking or goes back once."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace
from typing import Any

import pytest

from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault, InProcessGateway
from tests.engine.sale_helper import Sale


async def _order(sale: Sale, quantity: int = 1, **who: str) -> tuple[str, str, GatewayPayment]:
    """Hold and start the payment; returns intent, visitor, and what a capture would tell."""
    intent, visitor = await sale.hold(sale.line(quantity))
    checkout = await sale.start_payment(intent.id, visitor, **who)
    assert checkout.order_id is not None
    return intent.id, visitor, _told(checkout.order_id, checkout.amount_paise)


def _told(
    order_id: str,
    amount_paise: int,
    status: GatewayPaymentStatus = GatewayPaymentStatus.CAPTURED,
) -> GatewayPayment:
    return GatewayPayment(
        id=f"pay_{secrets.token_hex(7)}",
        order_id=order_id,
        amount_paise=amount_paise,
        currency="INR",
        status=status,
    )


async def _messages(sale: Sale, intent_id: str) -> list[str]:
    rows = await sale.query(
        "SELECT kind FROM message_outbox WHERE intent_id = :id ORDER BY 1", id=intent_id
    )
    return [row["kind"] for row in rows]


async def _refunds(sale: Sale, payment_id: str) -> list[tuple[str, int]]:
    rows = await sale.query(
        "SELECT reason, amount_paise FROM refunds WHERE payment_id = :id", id=payment_id
    )
    return [(row["reason"], row["amount_paise"]) for row in rows]


async def _status(sale: Sale, intent_id: str) -> str:
    return (await sale.query("SELECT status FROM intents WHERE id = :id", id=intent_id))[0][
        "status"
    ]


async def _expire(sale: Sale, intent_id: str) -> None:
    await sale.let_time_pass(intent_id)
    await sale.services.intents.expire(intent_id)


async def _buy_out(sale: Sale) -> None:
    _, _, told = await _order(sale)
    assert (await sale.services.settlement.settle(told)).status == "confirmed"


async def test_many_payments_at_once_each_become_a_booking(new_sale: NewSale) -> None:
    sale = await new_sale(60)
    orders = [await _order(sale, quantity=1 + number % 3) for number in range(12)]
    outcomes = await asyncio.gather(
        *(sale.services.settlement.settle(told) for _, _, told in orders for _ in range(3))
    )
    assert {outcome.status for outcome in outcomes} == {"confirmed"}
    assert len({outcome.booking_ref for outcome in outcomes}) == 12
    for intent_id, _, _ in orders:
        assert await _messages(sale, intent_id) == ["confirmation"] * 2
    assert (await sale.counts())["sold"] == 24
    assert await sale.violations() == []


async def test_one_payment_that_cannot_be_settled_harms_no_other(new_sale: NewSale) -> None:
    sale = await new_sale(10)
    (_, _, good), (_, _, other), (_, _, third) = [await _order(sale) for _ in range(3)]
    assert (await sale.services.settlement.settle(good)).status == "confirmed"
    stolen = replace(other, id=good.id)
    answers = await asyncio.gather(
        *(sale.services.settlement.settle(told) for told in (stolen, third)),
        return_exceptions=True,
    )
    assert isinstance(answers[0], ValueError)
    assert not isinstance(answers[1], BaseException)
    assert answers[1].status == "confirmed"
    assert await sale.violations() == []


async def test_a_confirmed_intent_is_asked_about_no_more(new_sale: NewSale) -> None:
    sale = await new_sale(10)
    intent_id, _, told = await _order(sale)
    query = "SELECT next_check_at IS NULL AS is_done FROM intents WHERE id = :id"
    assert not (await sale.query(query, id=intent_id))[0]["is_done"]
    await sale.services.settlement.settle(told)
    assert (await sale.query(query, id=intent_id))[0]["is_done"]


async def test_news_that_come_late_turn_nothing_back(new_sale: NewSale) -> None:
    sale = await new_sale(10)
    _, _, told = await _order(sale)
    settle = sale.services.settlement.settle
    assert (await settle(replace(told, status=GatewayPaymentStatus.FAILED))).status == "unpaid"
    assert (await settle(told)).status == "confirmed"
    for status in GatewayPaymentStatus:
        assert (await settle(replace(told, status=status))).status == "confirmed"
    rows = await sale.query("SELECT status FROM payments WHERE id = :id", id=told.id)
    assert [row["status"] for row in rows] == ["captured"]
    assert await sale.violations() == []


async def test_captured_money_after_expiry_gets_the_tickets_while_some_are_free(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(2)
    intent_id, _, told = await _order(sale, quantity=2)
    await _expire(sale, intent_id)
    outcomes = await asyncio.gather(*(sale.services.settlement.settle(told) for _ in range(3)))
    assert {outcome.status for outcome in outcomes} == {"confirmed"}
    assert await _messages(sale, intent_id) == ["confirmation"] * 2
    assert await sale.violations() == []


async def test_captured_money_after_the_last_ticket_is_sold_goes_back_once_with_an_apology(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    await _expire(sale, intent_id)
    await _buy_out(sale)
    outcomes = await asyncio.gather(*(sale.services.settlement.settle(told) for _ in range(3)))
    assert {outcome.status for outcome in outcomes} == {"refunding"}
    assert await _refunds(sale, told.id) == [("sold_out_after_expiry", told.amount_paise)]
    assert await _messages(sale, intent_id) == ["late_payment"] * 2
    assert await sale.violations() == []


async def test_an_authorized_payment_after_expiry_takes_tickets_first_and_then_the_money(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    await _expire(sale, intent_id)
    callback = await gateway.attempt(told.order_id, "authorized")
    with gateway.failing(Fault.DOWN):
        authorized = _told(told.order_id, told.amount_paise, GatewayPaymentStatus.AUTHORIZED)
        authorized = replace(authorized, id=callback.payment_id)
        outcome = await sale.services.settlement.settle(authorized)
    assert (outcome.status, outcome.is_capture_due) == ("checking", True)
    assert await _status(sale, intent_id) == "paying"
    assert (await sale.counts())["held"] == 1
    assert await sale.call_back(callback) == "confirmed"
    assert gateway.calls["capture"] > 0
    assert await sale.violations() == []


async def test_an_authorized_payment_with_nothing_left_is_let_go_and_the_visitor_is_told(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    await _expire(sale, intent_id)
    await _buy_out(sale)
    before = gateway.calls.get("capture", 0)
    callback = await gateway.attempt(told.order_id, "authorized")
    assert [await sale.call_back(callback) for _ in range(2)] == ["refunding"] * 2
    assert gateway.calls.get("capture", 0) == before
    assert await _messages(sale, intent_id) == ["late_payment"] * 2
    assert await _refunds(sale, callback.payment_id) == []
    assert await sale.violations() == []


async def test_money_that_was_let_go_and_captured_all_the_same_goes_back_once(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    await _expire(sale, intent_id)
    await _buy_out(sale)
    callback = await gateway.attempt(told.order_id, "authorized")
    await sale.call_back(callback)
    await gateway.capture_by_itself(told.order_id, callback.payment_id)
    assert [await sale.call_back(callback) for _ in range(2)] == ["refunding"] * 2
    assert len(await _refunds(sale, callback.payment_id)) == 1
    assert await _messages(sale, intent_id) == ["late_payment"] * 2
    assert await sale.violations() == []


async def test_an_authorized_payment_of_an_old_order_leaves_the_new_hold_alone(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(5)
    intent_id, visitor, told = await _order(sale)
    await _expire(sale, intent_id)
    newer, _ = await sale.hold(visitor=visitor)
    callback = await gateway.attempt(told.order_id, "authorized")
    assert await sale.call_back(callback) == "refunding"
    assert await _status(sale, newer.id) == "held"
    assert (await sale.counts())["held"] == 1


async def test_a_second_payment_of_an_order_goes_back(new_sale: NewSale) -> None:
    sale = await new_sale(10)
    intent_id, _, told = await _order(sale)
    second = replace(told, id=f"pay_{secrets.token_hex(7)}")
    outcomes = await asyncio.gather(
        *(sale.services.settlement.settle(one) for one in (told, second, second, told))
    )
    assert {outcome.status for outcome in outcomes} == {"confirmed"}
    refunds = [await _refunds(sale, one.id) for one in (told, second)]
    assert sorted(refunds) == [[], [("paid_already", told.amount_paise)]]
    assert await _messages(sale, intent_id) == ["confirmation"] * 2 + ["refunded"] * 2
    assert await sale.violations() == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_paise": 100, "discount_paise": 0}, "amount_differs"),
        ({"amount_paise": 52_501}, "amount_differs"),
        ({"currency": "USD"}, "currency_differs"),
    ],
)
async def test_a_wrong_payment_goes_back_and_the_right_one_still_buys(
    new_sale: NewSale, change: dict[str, Any], reason: str
) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    wrong = replace(told, id=f"pay_{secrets.token_hex(7)}", **change)
    assert (await sale.services.settlement.settle(wrong)).status == "refunding"
    assert await _refunds(sale, wrong.id) == [(reason, wrong.amount_paise)]
    assert await _status(sale, intent_id) == "paying"
    assert (await sale.counts())["held"] == 1
    assert (await sale.services.settlement.settle(told)).status == "confirmed"
    assert await sale.violations() == []


async def test_the_money_for_a_cancelled_event_goes_back(new_sale: NewSale) -> None:
    sale = await new_sale(1)
    intent_id, _, told = await _order(sale)
    await sale.execute("UPDATE events SET phase = 'cancelled' WHERE slug = :slug", slug=sale.slug)
    assert (await sale.services.settlement.settle(told)).status == "refunding"
    assert await _refunds(sale, told.id) == [("event_cancelled", told.amount_paise)]
    assert await _messages(sale, intent_id) == ["late_payment"] * 2


async def test_money_for_an_order_nobody_knows_is_kept_for_a_person_to_look_at(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(1)
    told = _told(f"order_{secrets.token_hex(7)}", 52_500)
    outcomes = await asyncio.gather(*(sale.services.settlement.settle(told) for _ in range(3)))
    failed = replace(told, id=f"pay_{secrets.token_hex(7)}", status=GatewayPaymentStatus.FAILED)
    outcomes.append(await sale.services.settlement.settle(failed))
    assert {outcome.status for outcome in outcomes} == {"unmatched"}
    query = "SELECT id, amount_paise, status FROM unmatched_payments WHERE order_id = :order"
    rows = await sale.query(query, order=told.order_id)
    assert [tuple(row.values()) for row in rows] == [(told.id, 52_500, "captured")]


async def test_no_booking_is_made_of_units_the_intent_does_not_hold(new_sale: NewSale) -> None:
    sale = await new_sale(2)
    intent_id, _, told = await _order(sale, quantity=2)
    await sale.execute(
        "UPDATE units SET status = 'available', intent_id = NULL WHERE id = "
        "(SELECT min(id) FROM units WHERE intent_id = :id)",
        id=intent_id,
    )
    with pytest.raises(RuntimeError, match="does not hold"):
        await sale.services.settlement.settle(told)
    assert await _status(sale, intent_id) == "paying"
    assert await sale.query("SELECT 1 FROM payments WHERE id = :id", id=told.id) == []


async def test_many_webhooks_at_once_are_each_stored_and_settled_once(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(40)
    orders = [await _order(sale) for _ in range(30)]
    gateway.webhooks.clear()
    for _, _, told in orders:
        await gateway.attempt(told.order_id, "captured")
    webhooks = [*gateway.webhooks, *gateway.webhooks]
    await asyncio.gather(*(sale.deliver(webhook) for webhook in webhooks))
    assert (await sale.counts())["sold"] == 30
    rows = await sale.query(
        "SELECT count(*) AS stored, count(processed_at) AS processed FROM webhook_inbox "
        "WHERE event_id = ANY(:ids)",
        ids=[webhook.event_id for webhook in webhooks],
    )
    assert rows == [{"stored": len(gateway.webhooks), "processed": len(gateway.webhooks)}]
    assert await sale.violations() == []


async def test_webhooks_of_a_settled_payment_are_done_once_they_are_stored(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    _, _, told = await _order(sale)
    gateway.webhooks.clear()
    paid = await gateway.attempt(told.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"
    received = [
        await sale.services.payments.receive_webhook(
            webhook.body, signature=webhook.signature, event_id=webhook.event_id
        )
        for webhook in gateway.webhooks
    ]
    assert received == [None] * len(gateway.webhooks) != []
    rows = await sale.query(
        "SELECT DISTINCT outcome, processed_at IS NOT NULL AS is_done FROM webhook_inbox "
        "WHERE event_id = ANY(:ids)",
        ids=[webhook.event_id for webhook in gateway.webhooks],
    )
    assert rows == [{"outcome": "settled before", "is_done": True}]


async def test_a_callback_of_a_settled_payment_asks_the_gateway_nothing(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    _, _, told = await _order(sale)
    gateway.webhooks.clear()
    paid = await gateway.attempt(told.order_id, "captured")
    for webhook in gateway.webhooks:
        await sale.deliver(webhook)
    with gateway.failing(Fault.DOWN):
        assert await sale.call_back(paid) == "confirmed"
    assert await sale.violations() == []


async def test_a_signed_callback_is_never_unpaid_while_the_gateway_is_silent(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(1)
    _, _, told = await _order(sale)
    paid = await gateway.attempt(told.order_id, "captured")
    with gateway.failing(Fault.DOWN):
        assert await sale.call_back(paid) == "checking"
    assert await sale.call_back(paid) == "confirmed"
