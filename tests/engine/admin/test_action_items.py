"""What waits for a person: each kind is listed, mended by its one action, and only once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from surge_app.clock import new_id
from surge_app.errors import AlreadyResolved
from surge_app.services.admin.action_items import ActionItem
from tests.engine.conftest import NewSale
from tests.engine.gateway import Callback, Fault
from tests.engine.sale_helper import Sale

# So long ago that it is the first of what waits, whatever other tests left.
_LONG_AGO = "2020-01-01T00:00:00+00:00"


async def _pay(sale: Sale) -> tuple[str, Callback]:
    intent, visitor = await sale.hold(sale.line(2))
    checkout = await sale.start_payment(intent.id, visitor)
    assert checkout.order_id is not None
    return intent.id, await sale.gateway.attempt(checkout.order_id, "captured")


async def _booked(sale: Sale) -> tuple[str, Callback]:
    intent_id, paid = await _pay(sale)
    await sale.call_back(paid)
    (row,) = await sale.query("SELECT id FROM bookings WHERE intent_id = :id", id=intent_id)
    return row["id"], paid


async def _unmatched_payment(sale: Sale) -> str:
    payment_id = f"pay_{new_id()}"
    await sale.execute(
        "INSERT INTO unmatched_payments (id, order_id, amount_paise, currency, status, seen_at)"
        f" VALUES (:id, 'order_of_nobody', 70000, 'INR', 'captured', '{_LONG_AGO}')",
        id=payment_id,
    )
    return payment_id


async def _undecided_payment(sale: Sale) -> str:
    intent_id, paid = await _pay(sale)
    await sale.execute(
        "INSERT INTO payments"
        " (id, intent_id, order_id, amount_paise, currency, status, source, created_at)"
        " SELECT :id, i.id, i.order_id, i.total_paise, i.currency, 'captured', 'gateway',"
        f" '{_LONG_AGO}' FROM intents i WHERE i.id = :intent",
        id=paid.payment_id,
        intent=intent_id,
    )
    return paid.payment_id


async def _unpaid_booking(sale: Sale) -> str:
    booking_id, paid = await _booked(sale)
    await sale.execute(
        "UPDATE payments SET disposition = NULL, status = 'failed' WHERE id = :id",
        id=paid.payment_id,
    )
    await sale.execute(
        f"UPDATE bookings SET created_at = '{_LONG_AGO}' WHERE id = :id", id=booking_id
    )
    return booking_id


async def _stuck_refund(sale: Sale) -> str:
    booking_id, paid = await _booked(sale)
    (row,) = await sale.query("SELECT ref FROM bookings WHERE id = :id", id=booking_id)
    await sale.services.refunds.refund(row["ref"], actor="test", restock=True)
    await sale.execute(
        f"UPDATE refunds SET attempts = 23, next_attempt_at = now(), created_at = '{_LONG_AGO}'"
        " WHERE payment_id = :id",
        id=paid.payment_id,
    )
    with sale.gateway.failing(Fault.LOST_ANSWER):
        await sale.services.refunds.submit_pending()
    (row,) = await sale.query("SELECT id FROM refunds WHERE payment_id = :id", id=paid.payment_id)
    return row["id"]


async def _stuck_webhook(sale: Sale) -> str:
    _, paid = await _pay(sale)
    hook = next(one for one in reversed(sale.gateway.webhooks) if one.order_id == paid.order_id)
    stored = await sale.services.payments.receive_webhook(
        hook.body, signature=hook.signature, event_id=hook.event_id
    )
    assert stored is not None
    await sale.execute(
        f"UPDATE webhook_inbox SET received_at = '{_LONG_AGO}' WHERE id = :id", id=stored.event.id
    )
    return stored.event.id


async def _dead_message(sale: Sale) -> str:
    booking_id, _ = await _booked(sale)
    (row,) = await sale.query(
        "UPDATE message_outbox SET status = 'dead', last_error = 'no such mailbox',"
        f" created_at = '{_LONG_AGO}' WHERE channel = 'email' AND booking_id = :id RETURNING id",
        id=booking_id,
    )
    return row["id"]


_SEEDS: dict[str, Callable[[Sale], Awaitable[str]]] = {
    "unmatched_payment": _unmatched_payment,
    "undecided_payment": _undecided_payment,
    "unpaid_booking": _unpaid_booking,
    "stuck_refund": _stuck_refund,
    "stuck_webhook": _stuck_webhook,
    "dead_message": _dead_message,
}


async def _listed(sale: Sale, item_id: str) -> list[ActionItem]:
    return [one for one in await sale.services.action_items.list(most=10_000) if one.id == item_id]


async def _audited(sale: Sale) -> int:
    rows = await sale.query("SELECT count(*) AS rows FROM audit_log WHERE actor = 'operator'")
    return rows[0]["rows"]


@pytest.mark.parametrize("kind", _SEEDS)
async def test_what_waits_says_what_happened_and_its_action_works_once(
    kind: str, new_sale: NewSale
) -> None:
    sale = await new_sale(5)
    item_id = await _SEEDS[kind](sale)
    (item,) = await _listed(sale, item_id)
    assert item.kind == kind
    assert item.subject
    assert item.detail or kind == "stuck_webhook"
    before = await _audited(sale)
    await sale.services.action_items.resolve(kind, item_id, actor="operator")
    assert await _listed(sale, item_id) == []
    assert await _audited(sale) == before + 1
    with pytest.raises(AlreadyResolved):
        await sale.services.action_items.resolve(kind, item_id, actor="operator")
    assert await _audited(sale) == before + 1


@pytest.mark.parametrize("kind", ["undecided_payment", "stuck_webhook"])
async def test_money_nothing_was_decided_about_becomes_one_booking(
    kind: str, new_sale: NewSale
) -> None:
    sale = await new_sale(5)
    item_id = await _SEEDS[kind](sale)
    await sale.services.action_items.resolve(kind, item_id, actor="operator")
    assert (await sale.counts())["sold"] == 2
    assert await sale.violations() == []


async def test_no_item_is_acted_on_as_another_kind(new_sale: NewSale) -> None:
    sale = await new_sale(20)
    for kind, seed in _SEEDS.items():
        item_id = await seed(sale)
        for other in set(_SEEDS) - {kind}:
            with pytest.raises(AlreadyResolved):
                await sale.services.action_items.resolve(other, item_id, actor="operator")
        assert [one.kind for one in await _listed(sale, item_id)] == [kind]
