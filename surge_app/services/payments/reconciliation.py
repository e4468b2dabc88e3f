"""Background reconciliation: expire holds, find missed payments, refund unmatched ones.

Every method is safe to run on several machines at once and to repeat after a crash.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.payments import reconciliation as queries, records as payment_queries
from surge_app.db.payments.reconciliation import OrderToCheck
from surge_app.errors import GatewayUnavailable
from surge_app.observability.log import get_logger
from surge_app.services.checkout.intents import Intents
from surge_app.services.concurrency import for_each
from surge_app.services.payments.service import Payments
from surge_app.services.payments.settlement import Settlement
from surge_app.services.vendors.ports import GatewayPaymentStatus, PaymentGateway, ProviderError

_log = get_logger(__name__)

# A paying hold is kept this long for the gateway's answer, then released; late money is settled.
PAYING_SLACK = timedelta(seconds=60)
_QUERY_PAUSE = timedelta(seconds=5)
_AWAY_PAUSE = timedelta(seconds=60)
_LATE_FOR = timedelta(days=4)
_BATCH = 500
_MAX_CONCURRENT = 16
_MAX_SILENCES = 2 * _MAX_CONCURRENT
_SCAN_OVERLAP = timedelta(hours=1)
_FULL_SCAN_EVERY = timedelta(days=1)
_SCAN_BATCH = 1000


class _QueryRound:
    """Ask the gateway about open payments once; stop early if it no longer answers."""

    def __init__(self) -> None:
        self.unanswered: list[str] = []
        self._silences = 0

    @property
    def is_finished(self) -> bool:
        """Return whether to ask no more for now."""
        return self._silences >= _MAX_SILENCES

    def answered(self) -> None:
        """Count an answer."""
        self._silences = 0

    def silent(self, order: OrderToCheck) -> None:
        """Count a question without an answer."""
        self._silences += 1
        self.unanswered.append(order.intent_id)


class Reconciliation:
    """The work of the jobs that touch money and holds."""

    def __init__(
        self,
        database: Database,
        gateway: PaymentGateway,
        intents: Intents,
        payments: Payments,
        settlement: Settlement,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._intents = intents
        self._payments = payments
        self._settlement = settlement
        self._scanned_until: datetime | None = None
        self._full_scan_at: datetime | None = None

    async def expire_holds(self) -> int:
        """End overdue holds; returns how many."""
        return await self._intents.expire_due(paying_slack=PAYING_SLACK)

    async def settle_before_expiry(self) -> int:
        """Ask the gateway about every overdue payment, settle what was paid, end the rest.

        If the gateway does not answer, the hold stays for `PAYING_SLACK`.

        Returns:
            How many were asked about.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are dealt with.
        """
        async with self._database.transaction() as session:
            overdue = await queries.claim_overdue(session, pause=_QUERY_PAUSE)
        round_ = _QueryRound()

        async def work(order: OrderToCheck) -> None:
            if await self._query_gateway(order, round_) not in {None, "checking"}:
                await self._intents.expire(order.intent_id)

        await for_each(overdue, work, at_once=_MAX_CONCURRENT)
        return len(overdue)

    async def find_missed_payments(self) -> int:
        """Ask about orders whose webhook may have been lost; returns how many were asked about.

        Banks may confirm a payment up to three days late, so orders are watched for four.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are dealt with.
        """
        round_, total, taken = _QueryRound(), 0, _BATCH
        while taken == _BATCH and not round_.is_finished:
            async with self._database.transaction() as session:
                due, taken = await queries.claim_due(
                    session, limit=_BATCH, not_older_than=_LATE_FOR
                )

            async def work(order: OrderToCheck) -> None:
                await self._query_gateway(order, round_)

            try:
                await for_each(due, work, at_once=_MAX_CONCURRENT)
            finally:
                await self._reschedule(round_)
            total += len(due)
        return total

    async def find_orphans(self) -> int:
        """Settle captured payments the gateway has and we never decided about.

        It looks back to an hour before the last look, and over four days once a day and after
        a start: a payment may be captured long after it was made. What belongs to no order of
        ours is kept among the unmatched.

        Returns:
            How many there were.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are settled.
        """
        now = utc_now()
        is_full = self._full_scan_at is None or now - self._full_scan_at >= _FULL_SCAN_EVERY
        since = now - _LATE_FOR
        if self._scanned_until is not None and not is_full:
            since = self._scanned_until - _SCAN_OVERLAP
        try:
            listed = await self._gateway.recent_payments(since, now)
        except ProviderError as error:
            _log.warning("orphan_scan_failed", error=str(error))
            return 0
        captured = {one.id: one for one in listed if one.status == GatewayPaymentStatus.CAPTURED}
        foreign = [one for one in captured.values() if not one.has_our_notes]
        async with self._database.transaction() as session:
            ours = await payment_queries.stored_orders(session, [one.order_id for one in foreign])
        for one in foreign:
            if one.order_id not in ours:
                del captured[one.id]
        orphans = await self._never_decided(list(captured))

        async def work(payment_id: str) -> None:
            outcome = await self._payments.settle(captured[payment_id])
            _log.error("orphan_payment", payment=payment_id, outcome=outcome.status)

        await for_each(orphans, work, at_once=_MAX_CONCURRENT)
        self._scanned_until = now
        self._full_scan_at = now if is_full else self._full_scan_at
        return len(orphans)

    async def _query_gateway(self, order: OrderToCheck, round_: _QueryRound) -> str | None:
        """Settle an order as the gateway tells it; None if it does not answer."""
        if round_.is_finished:
            round_.silent(order)
            return None
        try:
            outcome = await self._payments.settle_order(order.order_id)
        except GatewayUnavailable:
            round_.silent(order)
            _log.warning("gateway_away", order=order.order_id)
            return None
        round_.answered()
        return outcome.status

    async def _reschedule(self, round_: _QueryRound) -> None:
        if round_.unanswered:
            async with self._database.transaction() as session:
                await queries.reschedule(session, round_.unanswered, pause=_AWAY_PAUSE)
            round_.unanswered.clear()

    async def _never_decided(self, payment_ids: list[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(payment_ids), _SCAN_BATCH):
            async with self._database.transaction() as session:
                batch = payment_ids[start : start + _SCAN_BATCH]
                found += await queries.never_decided(session, batch)
        return found
