"""Money that buys nothing: what its buyer is told, and what becomes of the tickets it was for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surge_app.clock import new_id
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from tests.engine.conftest import NewSale
from tests.engine.mail_helper import Post
from tests.engine.sale_helper import Sale


async def _order(sale: Sale, person: str | None = None) -> GatewayPayment:
    intent, visitor = await sale.hold()
    order = await sale.start_payment(intent.id, visitor, person=person)
    return GatewayPayment(
        f"pay_{new_id()}",
        order.order_id or "",
        order.amount_paise,
        order.currency,
        GatewayPaymentStatus.CAPTURED,
    )


@pytest.mark.parametrize("first", [GatewayPaymentStatus.AUTHORIZED, GatewayPaymentStatus.CAPTURED])
async def test_a_wrong_sum_is_named_as_it_was_paid_and_never_as_it_was_ordered(
    new_sale: NewSale, first: GatewayPaymentStatus
) -> None:
    sale = await new_sale(1)
    paid = replace(await _order(sale), amount_paise=100, discount_paise=0)
    await sale.services.settlement.settle(replace(paid, status=first))
    await sale.services.settlement.settle(paid)
    post = await Post.of(sale)
    await post.empty()
    (mail,), (sms,) = post.mails, post.texts
    assert "payment of ₹1 for" in mail.text
    assert "₹1 " in mail.html
    assert "Rs 1 goes back" in sms.text
    assert not any("525" in text for text in (mail.subject, mail.text, mail.html, sms.text))
    assert (await sale.counts())["held"] == 1


async def test_tickets_beyond_the_limit_of_a_person_are_free_at_once(new_sale: NewSale) -> None:
    sale = await new_sale(5, max_per_person=1)
    person = new_id()[-8:].encode().hex()[:8]
    first, second = await _order(sale, person), await _order(sale, person)
    assert (await sale.services.settlement.settle(first)).status == "confirmed"
    assert (await sale.services.settlement.settle(second)).status == "refunding"
    counts = await sale.counts()
    assert (counts["sold"], counts["held"], counts["available"]) == (1, 0, 4)
    post = await Post.of(sale)
    await post.empty()
    told = [mail for mail in post.mails if "being returned" in mail.subject]
    assert len(told) == 1
    assert "already have the most tickets" in told[0].text
    assert await sale.violations() == []


async def test_a_payment_for_a_cancelled_event_says_that_the_event_is_cancelled(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(1)
    paid = await _order(sale)
    await sale.services.lifecycle.cancel(sale.slug, actor="test")
    assert (await sale.services.settlement.settle(paid)).status == "refunding"
    assert (await sale.counts())["held"] == 0
    post = await Post.of(sale)
    await post.empty()
    (mail,) = post.mails
    assert "is cancelled, so we could not book" in mail.text
    assert "₹525" in mail.text
    assert await sale.violations() == []
