"""Where the gateway of a test keeps its orders."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Protocol, TypeVar

from surge_app.sandbox.store import JsonObject, OrderBook, UnknownIdError

_T = TypeVar("_T")


class Books(Protocol):
    """Where orders are kept: `MemoryBooks`, or the sandbox's `Orders` to share them by Redis."""

    async def add(self, order: JsonObject, *, unique_receipt: bool) -> OrderBook:
        """Store an order, or return the one with its receipt."""
        ...

    async def get(self, order_id: str) -> OrderBook:
        """Return an order or raise UnknownIdError."""
        ...

    async def by_payment(self, payment_id: str) -> OrderBook:
        """Return the order of a payment or raise UnknownIdError."""
        ...

    async def change(self, order_id: str, change: Callable[[OrderBook], _T]) -> _T:
        """Apply a change; what it raises leaves the order as it was."""
        ...


class MemoryBooks:
    """Orders of one process, changed one at a time because nothing here waits."""

    def __init__(self) -> None:
        """Start empty."""
        self.orders: dict[str, OrderBook] = {}
        self._by_receipt: dict[str, str] = {}
        self._by_payment: dict[str, str] = {}

    async def add(self, order: JsonObject, *, unique_receipt: bool) -> OrderBook:
        """Store an order, or return the one with its receipt."""
        known = self._by_receipt.get(order["receipt"])
        if known and unique_receipt:
            return self.orders[known]
        self._by_receipt[order["receipt"]] = order["id"]
        return self.orders.setdefault(order["id"], OrderBook(order))

    async def get(self, order_id: str) -> OrderBook:
        """Return an order or raise UnknownIdError."""
        try:
            return self.orders[order_id]
        except KeyError as error:
            raise UnknownIdError(order_id) from error

    async def by_payment(self, payment_id: str) -> OrderBook:
        """Return the order of a payment or raise UnknownIdError."""
        return await self.get(self._by_payment.get(payment_id, payment_id))

    async def change(self, order_id: str, change: Callable[[OrderBook], _T]) -> _T:
        """Apply a change; what it raises leaves the order as it was."""
        book = copy.deepcopy(await self.get(order_id))
        result = change(book)
        self.orders[order_id] = book
        self._by_payment |= dict.fromkeys(book.payments, order_id)
        return result
