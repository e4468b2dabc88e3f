"""Nothing that was paid stays unheard, and no hold waits for ever for an answer."""

from __future__ import annotations

import pytest

from surge_app.clock import new_id
from surge_app.sandbox import razorpay_rules as rules
from surge_app.services.concurrency import for_each
from surge_app.services.payments.reconciliation import Reconciliation
from tests.engine.conftest import NewSale
from tests.engine.gateway import Fault
from tests.engine.sale_helper import Sale


async def _paying(sale: Sale) -> tuple[str, str]:
    intent, visitor = await sale.hold()
    return intent.id, (await sale.start_payment(intent.id, visitor)).order_id


async def _intent(sale: Sale, intent_id: str) -> dict[str, object]:
    rows = await sale.query(
        "SELECT status, checks, round(extract(epoch FROM next_check_at - now()) / 60) AS minutes "
        "FROM intents WHERE id = :id",
        id=intent_id,
    )
    return rows[0]


async def _is_due(sale: Sale, intent_id: str) -> None:
    await sale.execute(
        "UPDATE intents SET next_check_at = now() - interval '1 s' WHERE id = :id", id=intent_id
    )


async def test_a_lost_webhook_still_ends_in_a_ticket(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    intent_id, order_id = await _paying(sale)
    await sale.gateway.attempt(order_id, "captured")
    await sale.services.reconciliation.find_missed_payments()
    assert (await _intent(sale, intent_id))["status"] == "paying"
    await _is_due(sale, intent_id)
    await sale.services.reconciliation.find_missed_payments()
    found = await _intent(sale, intent_id)
    assert (found["status"], found["minutes"]) == ("confirmed", None)
    assert await sale.violations() == []


async def test_questions_become_rarer_and_end_after_four_days(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    intent_id, _ = await _paying(sale)
    assert (await _intent(sale, intent_id))["minutes"] == 1
    minutes: list[object] = []
    for _ in range(5):
        await _is_due(sale, intent_id)
        await sale.services.reconciliation.find_missed_payments()
        minutes.append((await _intent(sale, intent_id))["minutes"])
    assert minutes == [2, 5, 15, 60, 60]
    await sale.execute(
        "UPDATE intents SET paying_at = now() - interval '5 days' WHERE id = :id", id=intent_id
    )
    await _is_due(sale, intent_id)
    await sale.services.reconciliation.find_missed_payments()
    assert (await _intent(sale, intent_id))["minutes"] is None


async def test_a_question_without_an_answer_is_asked_again(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    intent_id, order_id = await _paying(sale)
    await sale.gateway.attempt(order_id, "captured")
    await _is_due(sale, intent_id)
    with sale.gateway.failing(Fault.LOST_REQUEST):
        await sale.services.reconciliation.find_missed_payments()
    found = await _intent(sale, intent_id)
    assert (found["checks"], found["minutes"]) == (0, 1)


async def test_every_overdue_payment_is_asked_about_in_one_run(new_sale: NewSale) -> None:
    sale = await new_sale(120)
    holds = [await _paying(sale) for _ in range(80)]
    for _, order_id in holds[::2]:
        await sale.gateway.attempt(order_id, "captured")
    for intent_id, _ in holds:
        await sale.let_time_pass(intent_id)
    await sale.services.reconciliation.settle_before_expiry()
    assert await sale.counts() == {"available": 80, "held": 0, "sold": 40, "withdrawn": 0}
    assert await sale.violations() == []


async def test_while_the_gateway_is_away_a_hold_stays_for_the_slack_only(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(3)
    intent_id, order_id = await _paying(sale)
    await sale.let_time_pass(intent_id)
    with sale.gateway.failing(Fault.LOST_REQUEST):
        asked = sale.gateway.calls.get("order_payments", 0)
        await sale.services.reconciliation.settle_before_expiry()
        await sale.services.reconciliation.settle_before_expiry()
        # Not again within a few seconds.
        assert sale.gateway.calls["order_payments"] == asked + 1
    await sale.services.reconciliation.expire_holds()
    assert (await _intent(sale, intent_id))["status"] == "paying"
    await sale.let_time_pass(intent_id, seconds=61)
    await sale.services.reconciliation.expire_holds()
    assert (await _intent(sale, intent_id))["status"] == "expired"
    await sale.gateway.attempt(order_id, "captured")
    await _is_due(sale, intent_id)
    await sale.services.reconciliation.find_missed_payments()
    assert (await _intent(sale, intent_id))["status"] == "confirmed"


async def test_money_nobody_told_of_is_found_and_settled(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    services = sale.services
    intent_id, order_id = await _paying(sale)
    await sale.gateway.attempt(order_id, "captured")
    foreign = await sale.gateway.create_order(receipt="not-ours", amount_paise=900, currency="INR")
    stray = await sale.gateway.attempt(foreign.id, "captured")
    other_shop = rules.create_order({"amount": 700, "currency": "INR", "receipt": new_id()})
    theirs = (await sale.gateway.books.add(other_shop, unique_receipt=True)).order["id"]
    not_ours = await sale.gateway.attempt(theirs, "captured")
    fresh = Reconciliation(
        services.database,
        sale.gateway,
        services.intents,
        services.payments,
        services.settlement,
    )
    assert await fresh.find_orphans() >= 2
    assert (await _intent(sale, intent_id))["status"] == "confirmed"
    rows = await sale.query(
        "SELECT amount_paise FROM unmatched_payments WHERE id = ANY(:ids)",
        ids=[stray.payment_id, not_ours.payment_id],
    )
    assert rows == [{"amount_paise": 900}]
    assert await fresh.find_orphans() == 0


async def test_one_failure_stops_no_other_work_and_none_is_lost() -> None:
    done: list[int] = []

    async def work(number: int) -> None:
        if number % 2:
            msg = f"{number}"
            raise ValueError(msg)
        done.append(number)

    with pytest.raises(ExceptionGroup) as caught:
        await for_each(range(6), work, at_once=2)
    assert [str(error) for error in caught.value.exceptions] == ["1", "3", "5"]
    assert done == [0, 2, 4]
