"""What payers, their banks and the gateway do, and how news of it travels or is lost."""

from __future__ import annotations

from dataclasses import replace

from surge_app.sandbox.razorpay_entities import PaymentStatus, new_entity_id
from tests.engine.gateway import Callback, InProcessGateway, Webhook
from tests.engine.gateway_books import MemoryBooks
from tests.engine.sale_helper import Sale


class Payers:
    """Everybody who has an order of a sale, before a gateway full of bad days.

    Attributes:
        orders: Those a visitor was given; one whose making seemed to fail nobody can pay.
        callbacks: What the checkout handed to some page.
        delivered: Webhooks that were handed in.
    """

    sale: Sale
    gateway: InProcessGateway

    def __init__(self) -> None:
        """Begin without a payment."""
        self.orders: list[str] = []
        self.callbacks: list[Callback] = []
        self.delivered: list[Webhook] = []

    @property
    def books(self) -> MemoryBooks:
        """What the gateway knows."""
        assert isinstance(self.gateway.books, MemoryBooks)
        return self.gateway.books

    async def pay(self, one: int, _two: int) -> None:
        """Pay an order; the gateway has the money."""
        await self._attempt(one, "captured")

    async def authorize(self, one: int, _two: int) -> None:
        """Pay an order; the bank says yes and the gateway waits."""
        await self._attempt(one, "authorized")

    async def fail(self, one: int, _two: int) -> None:
        """Try to pay an order."""
        await self._attempt(one, "failed")

    async def pay_wrongly(self, one: int, two: int) -> None:
        """Pay an order with too much or too little."""
        if unpaid := self._unpaid():
            amount = self.books.orders[unpaid[one % len(unpaid)]].order["amount"]
            await self._attempt(one, "captured", amount + (100 if two % 2 else -100))

    async def pay_twice(self, one: int, _two: int) -> None:
        """Pay an order that is paid already."""
        if paid := self._payments("captured"):
            self.callbacks.append(await self.gateway.pay_again(paid[one % len(paid)][0]))

    async def succeed_late(self, one: int, two: int) -> None:
        """Let a failed payment succeed after all."""
        if failed := self._payments("failed"):
            order_id, payment_id = failed[one % len(failed)]
            outcome: PaymentStatus = "authorized" if two % 2 else "captured"
            self.callbacks.append(await self.gateway.succeed_late(order_id, payment_id, outcome))

    async def capture_by_itself(self, one: int, _two: int) -> None:
        """Let the gateway capture what is authorized."""
        if waiting := self._payments("authorized"):
            await self.gateway.capture_by_itself(*waiting[one % len(waiting)])

    async def give_back(self, one: int, _two: int) -> None:
        """Let the gateway return what nobody captured."""
        if waiting := self._payments("authorized"):
            await self.gateway.give_back(*waiting[one % len(waiting)])

    async def deliver(self, one: int, _two: int) -> None:
        """Hand in any webhook that waits, whatever came before it."""
        if self.gateway.webhooks:
            webhook = self.gateway.webhooks.pop(one % len(self.gateway.webhooks))
            self.delivered.append(webhook)
            await self.sale.deliver(webhook)

    async def deliver_again(self, one: int, two: int) -> None:
        """Hand in a webhook once more, under its own or under a new event id."""
        if self.delivered:
            webhook = self.delivered[one % len(self.delivered)]
            if two % 2:
                webhook = replace(webhook, event_id=new_entity_id("evt"))
            await self.sale.deliver(webhook)

    async def lose_webhook(self, one: int, _two: int) -> None:
        """Let a webhook never arrive."""
        if self.gateway.webhooks:
            self.gateway.webhooks.pop(one % len(self.gateway.webhooks))

    async def call_back(self, one: int, _two: int) -> None:
        """Hand in what the checkout gave to some page, perhaps not for the first time."""
        if self.callbacks:
            await self.sale.call_back(self.callbacks[one % len(self.callbacks)])

    async def _attempt(self, one: int, outcome: PaymentStatus, amount: int | None = None) -> None:
        if unpaid := self._unpaid():
            order_id = unpaid[one % len(unpaid)]
            paid = await self.gateway.attempt(order_id, outcome, amount_paise=amount)
            if outcome != "failed":
                self.callbacks.append(paid)

    def _unpaid(self) -> list[str]:
        return [
            order_id
            for order_id in self.orders
            if all(
                payment["status"] == "failed"
                for payment in self.books.orders[order_id].payments.values()
            )
        ]

    def _payments(self, status: str) -> list[tuple[str, str]]:
        return [
            (order_id, payment["id"])
            for order_id, book in self.books.orders.items()
            for payment in book.payments.values()
            if payment["status"] == status
        ]
