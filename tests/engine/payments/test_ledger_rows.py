"""The ledger in the database: only ever added to, and of the price that was shown first."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from tests.engine.conftest import NewSale
from tests.engine.sale_helper import PRICE_PAISE


@pytest.mark.parametrize("table", ["ledger_entries", "audit_log"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"]
)
async def test_what_was_written_is_never_changed_or_deleted(
    new_sale: NewSale, table: str, change: str
) -> None:
    sale = await new_sale(3)
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor)
    await sale.call_back(await sale.gateway.attempt(order.order_id, "captured"))
    before = await sale.query(f"SELECT count(*) AS rows FROM {table}")
    assert before[0]["rows"] > 0
    with pytest.raises(IntegrityError, match="never changed or deleted"):
        await sale.execute(change.format(table))
    assert await sale.query(f"SELECT count(*) AS rows FROM {table}") == before


async def test_a_changed_fee_alters_no_hold_that_is_live(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    intent, visitor = await sale.hold()
    await sale.execute("UPDATE events SET fee_paise = 9900 WHERE slug = :slug", slug=sale.slug)
    sale.services.catalog.invalidate()
    order = await sale.start_payment(intent.id, visitor)
    assert order.amount_paise == intent.total_paise == PRICE_PAISE + 2_500
    assert (await sale.services.intents.get(intent.id, visitor)).fee_paise == 2_500
    paid = await sale.gateway.attempt(order.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query(
        "SELECT g.amount_paise FROM ledger_entries g WHERE g.payment_id = :id "
        "AND g.kind = 'sale_fee'",
        id=paid.payment_id,
    )
    assert rows == [{"amount_paise": 2_500}]
    newer, _ = await sale.hold()
    assert newer.fee_paise == 9_900
    assert await sale.violations() == []


async def test_a_free_booking_has_no_payment_and_no_entries(new_sale: NewSale) -> None:
    sale = await new_sale(3)
    await sale.execute(
        "UPDATE tiers SET price_paise = 0 WHERE id = ANY(:ids)", ids=list(sale.tier_ids)
    )
    sale.services.catalog.invalidate()
    intent, visitor = await sale.hold(sale.line(2))
    await sale.start_payment(intent.id, visitor)
    assert (await sale.services.settlement.confirm_free(intent.id)).status == "confirmed"
    rows = await sale.query(
        "SELECT b.ref FROM bookings b LEFT JOIN ledger_entries g ON g.booking_id = b.id "
        "WHERE b.intent_id = :id AND g.id IS NULL",
        id=intent.id,
    )
    assert len(rows) == 1
    assert await sale.violations() == []
    refunds = sale.services.refunds
    one = await refunds.refund(rows[0]["ref"], actor="test", restock=True, tickets=[1])
    assert (one.status, one.amount_paise) == ("confirmed", 0)
    rest = await refunds.refund(rows[0]["ref"], actor="test", restock=True)
    assert (rest.status, rest.amount_paise) == ("refunded", 0)
    assert (await sale.counts())["available"] == 3
    assert await sale.violations() == []
