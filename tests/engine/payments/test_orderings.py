"""Every order in which the news of one payment can arrive: a ticket or one refund, never both.

The first few come in every order there is, one after the other; the rest come all at once. With
IN_ORDER=7 all of them come one after the other, in each of the 2,520 orders (ten minutes).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Any

import pytest

from surge_app.clock import new_id
from surge_app.sandbox.razorpay_entities import PaymentStatus
from tests.engine.conftest import NewSale
from tests.engine.gateway import Callback, Webhook
from tests.engine.gateway_books import MemoryBooks
from tests.engine.sale_helper import Sale

# The last is what a repeated `payment.captured` is to the inbox: another body on one payment.
_WEBHOOKS = {
    "failed": "payment.failed",
    "authorized": "payment.authorized",
    "captured": "payment.captured",
    "captured again": "order.paid",
}
_TELLS_OF_MONEY = {"authorized", "captured", "captured again", "callback", "poll"}
_IN_ORDER = int(os.environ.get("IN_ORDER", "3"))
_AT_ONCE = 60
_ENDS = """
SELECT i.id, count(DISTINCT k.id) AS tickets, count(DISTINCT r.id) AS refunds
FROM intents i
LEFT JOIN bookings b ON b.intent_id = i.id
LEFT JOIN tickets k ON k.booking_id = b.id AND k.status = 'valid'
LEFT JOIN payments p ON p.intent_id = i.id
LEFT JOIN refunds r ON r.payment_id = p.id
WHERE i.id = ANY(:ids) GROUP BY i.id
"""


@dataclass(slots=True)
class Payer:
    """One hold whose payment the gateway knows all about, and Surge nothing yet.

    Attributes:
        is_robbed: Whether someone else takes the ticket as soon as the hold has ended.
    """

    sale: Sale
    tier: int
    intent_id: str
    paid: Callback
    webhooks: dict[str, Webhook]
    is_robbed: bool

    async def hear(self, news: str) -> None:
        if news == "expire":
            await self._expire()
        elif news == "callback":
            await self.sale.call_back(self.paid)
        elif news == "poll":
            await self.sale.services.payments.settle_order(self.paid.order_id)
        else:
            await self.sale.deliver(self.webhooks[_WEBHOOKS[news]])

    async def _expire(self) -> None:
        """Let the window of the payment end while the gateway gives no answer."""
        await self.sale.let_time_pass(self.intent_id, 90)
        await self.sale.services.intents.expire(self.intent_id)
        rows = await self.sale.query("SELECT status FROM intents WHERE id = :id", id=self.intent_id)
        if self.is_robbed and rows[0]["status"] == "expired":
            await self.sale.hold(self.sale.line(1, self.tier), visitor=new_id())


async def _payer(sale: Sale, tier: int, outcome: PaymentStatus, *, is_robbed: bool) -> Payer:
    """Hold, start the payment, and let it fail first and succeed later, as banks sometimes do."""
    intent, visitor = await sale.hold(sale.line(1, tier))
    order = await sale.start_payment(intent.id, visitor)
    failed = await sale.gateway.attempt(order.order_id, "failed")
    paid = await sale.gateway.succeed_late(order.order_id, failed.payment_id, outcome)
    told = {hook.kind: hook for hook in sale.gateway.webhooks if hook.order_id == order.order_id}
    return Payer(sale, tier, intent.id, paid, told, is_robbed)


async def _live(
    sale: Sale, orderings: Sequence[tuple[str, ...]], outcome: PaymentStatus, *, is_robbed: bool
) -> list[Payer]:
    """Let one payer live through each ordering, all at once, every one at a tier of its own."""

    async def one(tier: int, ordering: tuple[str, ...]) -> Payer:
        payer = await _payer(sale, tier, outcome, is_robbed=is_robbed)
        for news in ordering[:_IN_ORDER]:
            await payer.hear(news)
        await asyncio.gather(*(payer.hear(news) for news in ordering[_IN_ORDER:]))
        return payer

    payers = await asyncio.gather(*(one(*item) for item in enumerate(orderings)))
    await sale.settle_down()
    assert await sale.violations() == []
    return payers


async def _ends(sale: Sale, payers: Sequence[Payer]) -> list[tuple[int, int, dict[str, Any]]]:
    """Return for each payer: valid tickets, refunds, and the payment as the gateway has it."""
    rows = await sale.query(_ENDS, ids=[payer.intent_id for payer in payers])
    found = {row["id"]: row for row in rows}
    books = sale.gateway.books
    assert isinstance(books, MemoryBooks)
    return [
        (
            found[payer.intent_id]["tickets"],
            found[payer.intent_id]["refunds"],
            books.orders[payer.paid.order_id].payments[payer.paid.payment_id],
        )
        for payer in payers
    ]


def _in_groups(orderings: Sequence[tuple[str, ...]]) -> list[list[tuple[str, ...]]]:
    rest = iter(orderings)
    return [group for _ in orderings[::_AT_ONCE] if (group := list(islice(rest, _AT_ONCE)))]


def _orderings(news: Sequence[str]) -> list[tuple[str, ...]]:
    """Return each beginning once, with the news that are left behind it.

    Which of the two that tell of the capture comes first makes no difference to either.
    """
    beginnings = {
        tuple("captured" if one == "captured again" else one for one in order[:_IN_ORDER]): order
        for order in permutations(news)
    }
    return list(beginnings.values())


def _expectation(ordering: tuple[str, ...], *, is_robbed: bool) -> set[tuple[int, int]]:
    """Return how it may end, as tickets and refunds: both ways if the race decides."""
    if not is_robbed:
        return {(1, 0)}
    heard = ordering[:_IN_ORDER]
    is_over = "expire" in heard
    if any(one in _TELLS_OF_MONEY for one in heard[: heard.index("expire") if is_over else None]):
        return {(1, 0)}
    return {(0, 1)} if is_over else {(1, 0), (0, 1)}


@pytest.mark.parametrize("is_robbed", [False, True], ids=["units still free", "units taken"])
async def test_money_that_was_captured_ends_as_a_ticket_or_as_one_refund(
    new_sale: NewSale, *, is_robbed: bool
) -> None:
    news = ("expire", "failed", "authorized", "captured", "captured again", "callback", "poll")
    for group in _in_groups(_orderings(news)):
        sale = await new_sale(*[1] * len(group), max_per_person=1)
        payers = await _live(sale, group, "captured", is_robbed=is_robbed)
        for ordering, end in zip(group, await _ends(sale, payers), strict=True):
            tickets, refunds, payment = end
            assert (tickets, refunds) in _expectation(ordering, is_robbed=is_robbed), ordering
            assert payment["status"] == ("captured" if tickets else "refunded"), ordering
            assert payment["amount_refunded"] == (0 if tickets else payment["amount"])
        sale.gateway.webhooks.clear()


@pytest.mark.parametrize("is_robbed", [False, True], ids=["units still free", "units taken"])
async def test_money_that_was_authorized_ends_as_a_ticket_or_is_never_captured(
    new_sale: NewSale, *, is_robbed: bool
) -> None:
    for group in _in_groups(_orderings(("expire", "failed", "authorized", "callback", "poll"))):
        sale = await new_sale(*[1] * len(group), max_per_person=1)
        payers = await _live(sale, group, "authorized", is_robbed=is_robbed)
        for ordering, end in zip(group, await _ends(sale, payers), strict=True):
            tickets, refunds, payment = end
            kept_or_returned = {"captured"} if tickets else {"authorized", "refunded"}
            assert payment["status"] in kept_or_returned, ordering
            # What is not captured takes no money, so there is nothing to refund; but the hold
            # may end while it is being captured.
            was_captured_in_vain = payment["status"] == "refunded"
            assert refunds == int(was_captured_in_vain), ordering
            assert not (was_captured_in_vain and "expire" in ordering[:_IN_ORDER]), ordering
            assert (tickets, 1 - tickets) in _expectation(ordering, is_robbed=is_robbed), ordering
        sale.gateway.webhooks.clear()
