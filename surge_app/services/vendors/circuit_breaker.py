"""Circuit breaker: while the gateway is down, start no payment and stop the clocks of holds.

Each process judges the calls it makes itself. What one of them finds, all believe: the open row of
`gateway_outages` is the shared truth, looked at once a second at most.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from surge_app.db.engine import Database
from surge_app.db.payments import gateway_outages as queries
from surge_app.errors import Busy, PaymentsPaused
from surge_app.languages import N_
from surge_app.observability.log import get_logger
from surge_app.observability.metrics import GATEWAY_CALLS
from surge_app.services.vendors.ports import (
    GatewayOrder,
    GatewayPayment,
    GatewayRefund,
    PaymentGateway,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
    WebhookEvent,
)

_T = TypeVar("_T")
_log = get_logger(__name__)

RETRY_AFTER_SECONDS = 5
"""When someone whose payment is refused may ask again."""

_WINDOW_SECONDS = 30.0
_WINDOW_CALLS = 20
_MIN_FAILURES = 5
_FAILED_SHARE = 0.5
_SILENCES_IN_A_ROW = 3
_RELOAD_EVERY_SECONDS = 1.0
_ANSWERS_TO_CLOSE = 2
_THROTTLE_SECONDS = 5.0
_MAX_THROTTLE_SECONDS = 60.0
_FREEZE_BUDGET = timedelta(minutes=10)
_FREEZE_PER = timedelta(hours=1)
_CLOCK_RUNS_AGAIN = N_(
    "Payments are still paused on the bank's side, and the clock runs again. Your tickets stay "
    "yours until it ends."
)


class CallResult(Enum):
    """The outcome of a gateway call, as far as its health is concerned."""

    ANSWERED = "answered"
    FAILED = "failed"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class _Call:
    begun_at: float
    ended_at: float
    result: CallResult


class FailureWindow:
    """The last calls, and whether they say that the gateway is out.

    It is bounded in number too: thousands of good calls of the last half minute must not hide
    that nothing has worked since.

    Args:
        clock: Seconds from anywhere, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: deque[_Call] = deque(maxlen=_WINDOW_CALLS)

    def add(self, result: CallResult, *, begun_at: float) -> float | None:
        """Count a call in.

        Args:
            begun_at: When it began, by the same clock.

        Returns:
            None while the gateway is well. Else how many seconds ago the first of the calls
            began that failed; then the window is empty again.
        """
        now = self._clock()
        self._calls.append(_Call(begun_at, now, result))
        while self._calls[0].ended_at < now - _WINDOW_SECONDS:
            self._calls.popleft()
        failed = [call for call in self._calls if call.result is not CallResult.ANSWERED]
        if result is CallResult.ANSWERED or not self._is_outage(len(failed)):
            return None
        self._calls.clear()
        return now - min(call.begun_at for call in failed)

    def _is_outage(self, failures: int) -> bool:
        is_failing = failures >= max(_MIN_FAILURES, _FAILED_SHARE * len(self._calls))
        last = [call.result for call in self._calls][-_SILENCES_IN_A_ROW:]
        return is_failing or last == [CallResult.SILENT] * _SILENCES_IN_A_ROW


class CircuitBreaker:
    """The breaker between Surge and the gateway.

    `gateway` is the unguarded one: the probe must reach it while the breaker is open.
    """

    def __init__(self, database: Database, gateway: PaymentGateway) -> None:
        self._database = database
        self._gateway = gateway
        self._window = FailureWindow()
        self._load_lock = asyncio.Lock()
        self._loaded_at = float("-inf")
        self._outage: queries.OpenOutage | None = None
        self._answers = 0

    async def is_open(self) -> bool:
        """Return whether payments are paused; at most a second old."""
        if time.monotonic() - self._loaded_at >= _RELOAD_EVERY_SECONDS:
            async with self._load_lock:
                if time.monotonic() - self._loaded_at >= _RELOAD_EVERY_SECONDS:
                    await self._load()
        return self._outage is not None

    async def require_closed(self) -> None:
        """Refuse to start a payment while the gateway is out.

        Raises:
            PaymentsPaused: With a sentence that says how it stands with the clock.
        """
        if await self.is_open():
            freeze_left = self._outage.freeze_left_seconds if self._outage else 0
            is_stopped = time.monotonic() - self._loaded_at < freeze_left
            message = None if is_stopped else _CLOCK_RUNS_AGAIN
            raise PaymentsPaused(message, retry_after_seconds=RETRY_AFTER_SECONDS)

    async def record(self, result: CallResult, *, begun_at: float) -> None:
        """Take in how a call went; opens an outage if the last ones went badly enough.

        Args:
            begun_at: `time.monotonic()` when it began.
        """
        seconds = self._window.add(result, begun_at=begun_at)
        if seconds is None:
            return
        try:
            await self._open(timedelta(seconds=seconds))
        except (Busy, queries.LockContended, SQLAlchemyError):
            # The call that failed matters more; the next failures will tell again.
            _log.exception("outage_not_noted")

    async def probe(self) -> None:
        """While the gateway is out, ask it; close the outage after two answers in a row.

        One process does this, the one that runs the jobs.
        """
        if not await self.is_open():
            self._answers = 0
            return
        try:
            await self._gateway.ping()
        except ProviderRejected:
            # It refuses us, but it answers.
            self._answers += 1
        except ProviderError:
            self._answers = 0
        else:
            self._answers += 1
        if self._answers >= _ANSWERS_TO_CLOSE:
            await self._close()

    async def _open(self, failing_for: timedelta) -> None:
        await self._load()
        if self._outage is not None:
            return
        async with self._database.transaction() as session:
            is_new = await queries.begin(
                session, failing_for=failing_for, budget=_FREEZE_BUDGET, per=_FREEZE_PER
            )
        if is_new:
            _log.error("gateway_outage_opened")
        await self._load()

    async def _close(self) -> None:
        try:
            async with self._database.transaction() as session:
                frozen = await queries.finish(session)
        except queries.LockContended:
            _log.info("gateway_outage_not_closed_yet")
            return
        self._answers = 0
        if frozen is not None:
            _log.warning("gateway_outage_closed", frozen_seconds=frozen.total_seconds())
        await self._load()

    async def _load(self) -> None:
        async with self._database.transaction() as session:
            found = await queries.current(session)
        self._outage, self._loaded_at = found, time.monotonic()


class GuardedGateway:
    """A gateway that records its calls, and refuses new orders while the breaker is open.

    Queries, captures and refunds still pass then: they belong to payments that have begun. When
    the gateway throttles, queries are refused here until it takes them again.
    """

    def __init__(self, gateway: PaymentGateway, breaker: CircuitBreaker) -> None:
        self._gateway = gateway
        self._breaker = breaker
        self._throttled_until = float("-inf")

    @property
    def key_id(self) -> str:
        """The public key the checkout in the browser needs."""
        return self._gateway.key_id

    @property
    def checkout_script_url(self) -> str:
        """Return the address of the checkout script."""
        return self._gateway.checkout_script_url

    async def ping(self) -> None:
        """Ask for something that costs the gateway little."""
        await self._observed(self._gateway.ping())

    async def create_order(self, *, receipt: str, amount_paise: int, currency: str) -> GatewayOrder:
        """Create the order for a receipt; refused at once while the gateway is out."""
        if await self._breaker.is_open():
            msg = "Payments are paused: the gateway is out."
            raise ProviderUnavailable(msg, retry_after_seconds=RETRY_AFTER_SECONDS)
        return await self._observed(
            self._gateway.create_order(
                receipt=receipt, amount_paise=amount_paise, currency=currency
            )
        )

    async def order_payments(self, order_id: str) -> list[GatewayPayment]:
        """Return every attempt to pay an order."""
        self._require_unthrottled()
        return await self._observed(self._gateway.order_payments(order_id))

    async def payment(self, payment_id: str) -> GatewayPayment:
        """Return the current state of one payment."""
        return await self._observed(self._gateway.payment(payment_id))

    async def discount_paise(self, payment: GatewayPayment) -> int:
        """Return by how much an offer lowered the order of a payment."""
        return await self._observed(self._gateway.discount_paise(payment))

    async def capture(self, payment_id: str, *, amount_paise: int, currency: str) -> GatewayPayment:
        """Capture an authorized payment."""
        return await self._observed(
            self._gateway.capture(payment_id, amount_paise=amount_paise, currency=currency)
        )

    async def refund(self, payment_id: str, *, body: str, idempotency_key: str) -> GatewayRefund:
        """Ask for a refund."""
        return await self._observed(
            self._gateway.refund(payment_id, body=body, idempotency_key=idempotency_key)
        )

    async def payment_refunds(self, payment_id: str) -> list[GatewayRefund]:
        """Return every refund of a payment."""
        self._require_unthrottled()
        return await self._observed(self._gateway.payment_refunds(payment_id))

    async def recent_payments(self, since: datetime, until: datetime) -> list[GatewayPayment]:
        """Return every payment created in a span of time."""
        self._require_unthrottled()
        return await self._observed(self._gateway.recent_payments(since, until))

    def verifies_callback(self, *, order_id: str, payment_id: str, signature: str) -> bool:
        """Return whether the gateway signed that this payment belongs to this (stored) order."""
        return self._gateway.verifies_callback(
            order_id=order_id, payment_id=payment_id, signature=signature
        )

    def verifies_webhook(self, body: bytes, signature: str | None) -> bool:
        """Return whether the gateway signed these raw bytes with one of the webhook secrets."""
        return self._gateway.verifies_webhook(body, signature)

    def parse_webhook(self, body: bytes) -> WebhookEvent:
        """Read a verified webhook."""
        return self._gateway.parse_webhook(body)

    def _require_unthrottled(self) -> None:
        """Ask nothing that can wait while the gateway throttles; orders and captures still pass."""
        left = self._throttled_until - time.monotonic()
        if left > 0:
            raise ProviderThrottled("The gateway throttles requests.", retry_after_seconds=left)

    async def _observed(self, call: Awaitable[_T]) -> _T:
        begun_at = time.monotonic()
        try:
            answer = await call
        except ProviderError as error:
            if isinstance(error, ProviderThrottled):
                pause = error.retry_after_seconds or _THROTTLE_SECONDS
                self._throttled_until = time.monotonic() + min(pause, _MAX_THROTTLE_SECONDS)
            await self._record(_result_of(error), begun_at)
            raise
        await self._record(CallResult.ANSWERED, begun_at)
        return answer

    async def _record(self, result: CallResult, begun_at: float) -> None:
        GATEWAY_CALLS.labels(result.value).observe(time.monotonic() - begun_at)
        await self._breaker.record(result, begun_at=begun_at)


def _result_of(error: ProviderError) -> CallResult:
    if isinstance(error, ProviderRejected | ProviderThrottled):
        return CallResult.ANSWERED
    is_silent = isinstance(error, ProviderOutcomeUnknown) or (
        isinstance(error, ProviderUnavailable) and error.timed_out
    )
    return CallResult.SILENT if is_silent else CallResult.FAILED
