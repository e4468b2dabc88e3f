"""Asking the gateway about orders, and settling its answers; how often a visitor may cause that."""

from __future__ import annotations

import time
from dataclasses import replace

from surge_app.errors import GatewayUnavailable, RateLimited
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.observability.log import get_logger
from surge_app.services.payments.settlement import Settlement
from surge_app.services.payments.views import PaymentOutcome
from surge_app.services.vendors.ports import (
    GatewayPayment,
    GatewayPaymentStatus,
    PaymentGateway,
    ProviderError,
)

_log = get_logger(__name__)

_PER_ORDER = Limit("gateway-order", per_minute=12, burst=1)
_PER_VISITOR = Limit("gateway-visitor", per_minute=10, burst=10)
_PER_CALLBACK = Limit("gateway-callback", per_minute=12, burst=2)
_ANSWER_LASTS_SECONDS = 5.0
_MAX_ANSWERS = 10_000
_OPEN = {GatewayPaymentStatus.CREATED, GatewayPaymentStatus.AUTHORIZED}


class GatewayQueries:
    """Queries the gateway and settles what it says.

    What it said is in the database, so a query that is refused is answered from there. Only that
    an order has no payment leaves no row: it is remembered here for as long as it may be repeated.
    """

    def __init__(
        self, gateway: PaymentGateway, settlement: Settlement, limits: RateLimiter
    ) -> None:
        self._gateway = gateway
        self._settlement = settlement
        self._limits = limits
        self._unpaid_at: dict[str, float] = {}

    async def settle_order(self, order_id: str) -> PaymentOutcome:
        """Query every payment of an order and settle each.

        Raises:
            GatewayUnavailable: If the gateway does not answer.
        """
        try:
            attempts = await self._gateway.order_payments(order_id)
        except ProviderError as error:
            raise GatewayUnavailable from error
        for payment in attempts:
            await self.settle(payment)
        outcome = await self._settlement.outcome_of_order(order_id)
        if outcome.status == "unpaid" and any(payment.status in _OPEN for payment in attempts):
            return PaymentOutcome(None, "checking")
        return outcome

    async def settle_for_visitor(self, order_id: str, visitor_id: str) -> PaymentOutcome:
        """Query an order for a visitor: once in 5 s, and 10 times a minute for all their orders.

        Raises:
            GatewayUnavailable: If the gateway does not answer.
        """
        try:
            await self._limits.check(_PER_VISITOR, visitor_id)
            await self._limits.check(_PER_ORDER, order_id)
        except RateLimited:
            return await self._stored_outcome(order_id)
        outcome = await self.settle_order(order_id)
        if outcome.status == "unpaid":
            if len(self._unpaid_at) >= _MAX_ANSWERS:
                self._unpaid_at.clear()
            self._unpaid_at[order_id] = time.monotonic()
        return outcome

    async def settle_callback(self, order_id: str, payment_id: str) -> PaymentOutcome:
        """Query and settle a payment whose signature was verified, and belongs to this order."""
        try:
            await self._limits.check(_PER_CALLBACK, payment_id)
            payment = await self._gateway.payment(payment_id)
        except (RateLimited, ProviderError) as error:
            _log.warning("callback_unconfirmed", payment=payment_id, error=str(error))
            outcome = await self._settlement.outcome_of_order(order_id)
            # The gateway signed that there is a payment, so this is never unpaid.
            is_unknown = outcome.status == "unpaid"
            return PaymentOutcome(None, "checking") if is_unknown else outcome
        return await self.settle(payment)

    async def settle(self, payment: GatewayPayment) -> PaymentOutcome:
        """Settle a payment, ask for its discount if it needs one, capture it if it buys."""
        outcome = await self._settlement.settle(payment)
        if outcome.is_discount_due:
            try:
                discount = await self._gateway.discount_paise(payment)
            except ProviderError as error:
                # Nothing is decided about it, and reconciliation asks about it again.
                _log.warning("discount_unknown", payment=payment.id, error=str(error))
                return outcome
            payment = replace(payment, discount_paise=discount)
            outcome = await self._settlement.settle(payment)
        if not outcome.is_capture_due:
            return outcome
        try:
            captured = await self._gateway.capture(
                payment.id, amount_paise=payment.amount_paise, currency=payment.currency
            )
        except ProviderError as error:
            # It stays authorized, and reconciliation asks about it again.
            _log.warning("capture_failed", payment=payment.id, error=str(error))
            return outcome
        return await self.settle(captured)

    async def _stored_outcome(self, order_id: str) -> PaymentOutcome:
        """Return what is stored; an order without payments counts as unpaid only if just asked."""
        outcome = await self._settlement.outcome_of_order(order_id)
        asked_at = self._unpaid_at.get(order_id, float("-inf"))
        is_known = time.monotonic() - asked_at < _ANSWER_LASTS_SECONDS
        return (
            PaymentOutcome(None, "checking")
            if outcome.status == "unpaid" and not is_known
            else outcome
        )
