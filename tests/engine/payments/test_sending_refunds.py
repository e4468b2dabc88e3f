"""Refunds on their way: the same key each time, followed to the end, and shown when stuck."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surge_app.errors import NotFound, RefundNotStuck
from surge_app.models import BALANCE_LOW
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault
from tests.engine.purchase_helper import FEE_PAISE, buy
from tests.engine.sale_helper import PRICE_PAISE


async def test_an_unclear_answer_is_asked_again_with_the_same_key_and_bytes(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
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
    bought = await buy(await new_sale(5))
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
    bought = await buy(await new_sale(5))
    await bought.refund()
    await bought.sale.gateway.decide_refunds(bought.payment_id, "in_progress")
    await bought.push()
    assert (await bought.rows())[0]["status"] == "requested"
    await bought.sale.gateway.decide_refunds(bought.payment_id, "processed")
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")


async def test_a_pending_refund_is_followed_until_the_bank_has_paid(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
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
    assert await bought.sale.violations() == []


async def test_webhooks_of_refunds_find_theirs_in_any_order_and_number(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
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
    assert await bought.sale.violations() == []


async def test_errors_without_end_become_an_operators_and_a_retry_keeps_the_key(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
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
    assert await bought.returned() == 3 * PRICE_PAISE + FEE_PAISE


async def test_a_refund_without_funds_is_an_action_item_at_once_and_retried_slowly(
    new_sale: NewSale,
) -> None:
    bought = await buy(await new_sale(5))
    services, gateway = bought.sale.services, bought.sale.gateway
    await gateway.decide_refunds(bought.payment_id, "low_balance")
    await bought.refund()
    # Longer than other errors are tried.
    for _ in range(30):
        await bought.push()
    (row,) = await bought.rows()
    assert (row["status"], row["last_error"]) == ("requested", BALANCE_LOW)
    (pause,) = await bought.sale.query(
        "SELECT extract(epoch FROM next_attempt_at - clock_timestamp()) AS seconds FROM refunds "
        "WHERE payment_id = :id",
        id=bought.payment_id,
    )
    assert 3_000 < pause["seconds"] <= 3_600
    items = await services.action_items.list(most=10_000)
    (item,) = [one for one in items if one.subject == bought.ref]
    assert (item.kind, item.detail) == ("stuck_refund", BALANCE_LOW)
    assert bought.ref in {one.booking_ref for one in await services.refunds.stuck()}
    await gateway.decide_refunds(bought.payment_id, "processed")
    await services.action_items.resolve("stuck_refund", item.id, actor="operator")
    await bought.push()
    assert await bought.status() == ("refunded", "refunded")
    assert bought.ref not in {one.booking_ref for one in await services.refunds.stuck()}
    assert await bought.returned() == 3 * PRICE_PAISE + FEE_PAISE
    assert await bought.sale.violations() == []


async def test_a_refund_that_failed_is_asked_for_under_a_new_key(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
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
    assert await bought.returned() == 3 * PRICE_PAISE + FEE_PAISE
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
    assert await bought.sale.violations() == []


async def test_only_what_is_stuck_can_be_retried(new_sale: NewSale) -> None:
    bought = await buy(await new_sale(5))
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
