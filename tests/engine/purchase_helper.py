"""A booking of a sale, and what becomes of its money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.engine.sale_helper import Sale

FEE_PAISE = 2_500


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
        await self.sale.services.refunds.submit_pending()

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


async def buy(sale: Sale, *lines: Any) -> Bought:
    """Buy tickets, three of the first tier unless told otherwise."""
    intent, visitor = await sale.hold(*(lines or (sale.line(3),)))
    order = await sale.start_payment(intent.id, visitor)
    paid = await sale.gateway.attempt(order.order_id, "captured")
    assert await sale.call_back(paid) == "confirmed"
    rows = await sale.query("SELECT ref FROM bookings WHERE intent_id = :id", id=intent.id)
    return Bought(sale, rows[0]["ref"], paid.payment_id, order.order_id)
