"""What happens at the gateway beside Surge: refunds, disputes, other shops, who pays its fee."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from surge_app.clock import new_id
from surge_app.errors import AlreadyRefunded, AlreadyResolved
from surge_app.providers import razorpay_wire as wire
from surge_app.services.admin.action_items import ActionItem
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from tests.engine.conftest import NewSale
from tests.engine.purchase_helper import Bought, buy
from tests.engine.sale_helper import Sale

_DEADLINE = datetime(2027, 3, 6, 12, tzinfo=UTC)


async def _items(sale: Sale, *subjects: str) -> list[ActionItem]:
    listed = await sale.services.action_items.list(most=10_000)
    return [one for one in listed if one.subject in subjects or one.id in subjects]


async def _refund_in_the_dashboard(bought: Bought, amount_paise: int) -> None:
    body = json.dumps({"amount": amount_paise})
    await bought.sale.gateway.refund(
        bought.payment_id, body=body, idempotency_key=f"dashboard-{new_id()}"
    )


async def _tell_dispute(sale: Sale, bought: Bought, status: str, **more: Any) -> str:
    entity = {
        "id": f"disp_{bought.payment_id}",
        "payment_id": bought.payment_id,
        "amount": 52_500,
        "reason_description": "Not as described",
        "respond_by": int(_DEADLINE.timestamp()),
        "status": status,
        **more,
    }
    body = {
        "event": f"payment.dispute.{status}",
        "payload": {"dispute": {"entity": entity}, "payment": {"entity": {}}},
        "created_at": 1795350012,
        "id": new_id(),
    }
    await sale.deliver(sale.gateway._signed(body, bought.order_id or ""))
    return entity["id"]


async def test_a_refund_of_the_dashboard_whose_event_was_lost_ends_the_refund_of_surge(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    total = (await bought.sale.services.tickets.view(bought.ref)).total_paise
    await _refund_in_the_dashboard(bought, total)
    await bought.refund()
    await bought.sale.settle_down()
    (refund,) = await bought.rows()
    assert refund["status"] == "processed"
    assert (await bought.sale.services.tickets.view(bought.ref)).status == "refunded"
    assert await bought.sale.violations() == []


async def test_a_refund_of_the_dashboard_is_an_item_an_organizer_closes_once(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    sale = bought.sale
    await _refund_in_the_dashboard(bought, 10_000)
    for webhook in [one for one in sale.gateway.webhooks if b"refund." in one.body]:
        await sale.deliver(webhook)
    (item,) = await _items(sale, bought.ref)
    assert (item.kind, item.amount_paise) == ("gateway_refund", 10_000)
    view = await sale.services.tickets.view(bought.ref)
    assert view.status == "confirmed"
    assert [one.amount_paise for one in view.refunds] == [10_000]
    await sale.services.action_items.resolve(item.kind, item.id, actor="test")
    assert await _items(sale, bought.ref) == []
    with pytest.raises(AlreadyResolved):
        await sale.services.action_items.resolve(item.kind, item.id, actor="test")


async def test_a_dispute_is_an_item_with_its_deadline_and_a_mark_on_the_booking(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    sale = bought.sale
    dispute_id = await _tell_dispute(sale, bought, "open")
    await _tell_dispute(sale, bought, "open")
    (item,) = await _items(sale, dispute_id)
    assert (item.kind, item.subject, item.due_at) == ("dispute", bought.ref, _DEADLINE)
    assert item.detail == "open: Not as described"
    assert (await sale.services.participants.detail(bought.ref)).dispute == "open"
    await sale.services.action_items.resolve("dispute", dispute_id, actor="test")
    assert await _items(sale, dispute_id) == []
    await _tell_dispute(sale, bought, "lost")
    (item,) = await _items(sale, dispute_id)
    assert item.detail.startswith("lost")
    # An earlier event that arrives late takes nothing back.
    await _tell_dispute(sale, bought, "under_review")
    assert (await sale.services.participants.detail(bought.ref)).dispute == "lost"
    stranger = replace(bought, payment_id=f"pay_{new_id()}")
    assert await _items(sale, await _tell_dispute(sale, stranger, "open")) == []


async def test_a_dispute_that_was_won_needs_no_one(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    await _tell_dispute(bought.sale, bought, "open")
    dispute_id = await _tell_dispute(bought.sale, bought, "won")
    assert await _items(bought.sale, dispute_id) == []


async def test_a_payment_of_another_shop_on_the_account_is_none_of_ours(
    new_sale: NewSale,
) -> None:
    sale, payment_id = await new_sale(5), f"pay_{new_id()}"
    foreign = GatewayPayment(
        payment_id, "order_of_another", 70_000, "INR", GatewayPaymentStatus.CAPTURED
    )
    outcome = await sale.services.settlement.settle(replace(foreign, has_our_notes=False))
    assert outcome.status == "unmatched"
    assert await _items(sale, payment_id) == []
    await sale.services.settlement.settle(foreign)
    (item,) = await _items(sale, payment_id)
    assert item.kind == "unmatched_payment"


async def test_items_with_a_deadline_come_first_and_pages_follow_each_other(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    sale = bought.sale
    for number in range(3):
        await sale.execute(
            "INSERT INTO unmatched_payments (id, order_id, amount_paise, currency, status, seen_at)"
            " VALUES (:id, 'order_of_nobody', 70000, 'INR', 'captured', '2020-01-01')",
            id=f"pay_{number}_{new_id()}",
        )
    dispute_id = await _tell_dispute(sale, bought, "open")
    items = sale.services.action_items
    everything = await items.list(most=10_000)
    kinds = [one.kind for one in everything]
    assert kinds.index("dispute") < kinds.index("unmatched_payment")
    assert all(one.due_at for one in everything[: kinds.count("dispute")])
    pages = [await items.list(most=2, skip=skip) for skip in range(0, len(everything), 2)]
    assert [one.id for page in pages for one in page] == [one.id for one in everything]
    assert dispute_id in {one.id for one in everything}


@pytest.mark.parametrize(("fee_paise", "status"), [(1_180, "confirmed"), (0, "refunding")])
async def test_an_order_is_paid_in_full_if_the_buyer_pays_the_gateways_fee_on_top(
    new_sale: NewSale, fee_paise: int, status: str
) -> None:
    sale = await new_sale(5)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    entity = {
        "id": f"pay_{new_id()}",
        "order_id": order.order_id,
        "amount": order.amount_paise + 1_180,
        "currency": "INR",
        "status": "captured",
        "fee": fee_paise or 1_180,
        "fee_bearer": "customer" if fee_paise else "platform",
        "notes": wire.order_notes("receipt", sale.gateway.key_id),
    }
    payment = wire.read_payment(entity)
    assert payment is not None
    assert payment.has_our_notes
    outcome = await sale.services.settlement.settle(payment)
    assert outcome.status == status
    (stored,) = await sale.query("SELECT amount_paise FROM payments WHERE id = :id", id=payment.id)
    assert stored["amount_paise"] == order.amount_paise + (0 if fee_paise else 1_180)
    assert await sale.violations() == []


async def test_a_whole_refund_of_the_dashboard_leaves_nothing_to_refund(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
    total = (await bought.sale.services.tickets.view(bought.ref)).total_paise
    await _refund_in_the_dashboard(bought, total)
    for webhook in [one for one in bought.sale.gateway.webhooks if b"refund." in one.body]:
        await bought.sale.deliver(webhook)
    view = await bought.sale.services.tickets.view(bought.ref)
    assert {one.status for one in view.tickets} == {"void"}
    with pytest.raises(AlreadyRefunded):
        await bought.refund()
    assert [one.kind for one in await _items(bought.sale, bought.ref)] == ["gateway_refund"]
    assert await bought.sale.violations() == []
