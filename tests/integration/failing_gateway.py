"""A gateway that fails as told, behind the circuit breaker of one process."""

from __future__ import annotations

from typing import Any

import pytest

from surge_app.container import Container
from surge_app.services.vendors.circuit_breaker import CircuitBreaker, GuardedGateway
from surge_app.services.vendors.ports import GatewayOrder


class Gateway:
    """A gateway that does as told, and counts what reached it."""

    key_id = "rzp_test_1"
    checkout_script_url = "/checkout.js"

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls = 0

    async def ping(self) -> None:
        self._do()

    async def create_order(self, *, receipt: str, amount_paise: int, currency: str) -> GatewayOrder:
        self._do()
        return GatewayOrder("order_1", receipt, amount_paise, currency, "created")

    async def order_payments(self, _order_id: str) -> list[Any]:
        self._do()
        return []

    def _do(self) -> None:
        self.calls += 1
        if self.error is not None:
            raise self.error


class Guarded:
    """One process's breaker and gateway."""

    def __init__(self, services: Container) -> None:
        self.vendor: Any = Gateway()
        self.outages = CircuitBreaker(services.database, self.vendor)
        self.gateway = GuardedGateway(self.vendor, self.outages)

    async def order(self) -> GatewayOrder:
        return await self.gateway.create_order(receipt="r", amount_paise=100, currency="INR")

    async def fail(self, error: Exception, times: int) -> None:
        self.vendor.error = error
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.gateway.order_payments("order_1")
