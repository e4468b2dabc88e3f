"""What keeps truth true while nobody looks: expiry, missed payments, money nobody told of.

Every method is safe to run on several machines at once and to repeat after a crash.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.payments import reconciliation as queries
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
_ASK_PAUSE = timedelta(seconds=5)
_AWAY_PAUSE = timedelta(seconds=60)
_LATE_FOR = timedelta(days=4)
_BATCH = 500
_AT_ONCE = 16
_MOST_SILENCES = 2 * _AT_ONCE
_SCAN_OVERLAP = timedelta(hours=1)
_FULL_SCAN_EVERY = timedelta(days=1)
_SCAN_BATCH = 1000


class _Pass:
    """One round of questions; it ends early when the gateway answers nothing any more."""

    def __init__(self) -> None:
        self.unanswered: list[str] = []
        self._silences = 0

    @property
    def is_over(self) -> bool:
        """Whether to ask no more for now."""
        return self._silences >= _MOST_SILENCES

    def answered(self) -> None:
        """Count an answer."""
        self._silences = 0

    def silent(self, question: OrderToCheck) -> None:
        """Count a question without an answer."""
        self._silences += 1
        self.unanswered.append(question.intent_id)


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

    async def ask_before_expiry(self) -> int:
        """Ask the gateway about every overdue payment, settle what was paid, end the rest.

        If the gateway does not answer, the hold stays for `PAYING_SLACK`.

        Returns:
            How many were asked about.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are dealt with.
        """
        async with self._database.transaction() as session:
            overdue = await queries.take_overdue(session, pause=_ASK_PAUSE)
        asking = _Pass()

        async def work(question: OrderToCheck) -> None:
            if await self._ask(question, asking) not in {None, "checking"}:
                await self._intents.expire(question.intent_id)

        await for_each(overdue, work, at_once=_AT_ONCE)
        return len(overdue)

    async def find_missed_payments(self) -> int:
        """Ask about orders whose webhook may have been lost; returns how many were asked about.

        Banks may confirm a payment up to three days late, so orders are watched for four.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are dealt with.
        """
        asking, total, taken = _Pass(), 0, _BATCH
        while taken == _BATCH and not asking.is_over:
            async with self._database.transaction() as session:
                due, taken = await queries.take_due(session, limit=_BATCH, not_older_than=_LATE_FOR)

            async def work(question: OrderToCheck) -> None:
                await self._ask(question, asking)

            try:
                await for_each(due, work, at_once=_AT_ONCE)
            finally:
                await self._ask_again(asking)
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
            told = await self._gateway.recent_payments(since, now)
        except ProviderError as error:
            _log.warning("orphan_scan_failed", error=str(error))
            return 0
        captured = {one.id: one for one in told if one.status == GatewayPaymentStatus.CAPTURED}
        orphans = await self._never_decided(list(captured))

        async def work(payment_id: str) -> None:
            outcome = await self._settlement.settle(captured[payment_id])
            _log.error("orphan_payment", payment=payment_id, outcome=outcome.status)

        await for_each(orphans, work, at_once=_AT_ONCE)
        self._scanned_until = now
        self._full_scan_at = now if is_full else self._full_scan_at
        return len(orphans)

    async def _ask(self, question: OrderToCheck, asking: _Pass) -> str | None:
        """Settle an order as the gateway tells it; None if it does not answer."""
        if asking.is_over:
            asking.silent(question)
            return None
        try:
            outcome = await self._payments.settle_order(question.order_id)
        except GatewayUnavailable:
            asking.silent(question)
            _log.warning("gateway_away", order=question.order_id)
            return None
        asking.answered()
        return outcome.status

    async def _ask_again(self, asking: _Pass) -> None:
        if asking.unanswered:
            async with self._database.transaction() as session:
                await queries.ask_again(session, asking.unanswered, pause=_AWAY_PAUSE)
            asking.unanswered.clear()

    async def _never_decided(self, payment_ids: list[str]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(payment_ids), _SCAN_BATCH):
            async with self._database.transaction() as session:
                batch = payment_ids[start : start + _SCAN_BATCH]
                found += await queries.never_decided(session, batch)
        return found
