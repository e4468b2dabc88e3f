"""What keeps truth true while nobody looks: expiry, missed payments, refunds.

Every method is safe to run on several machines at once and to repeat after a crash.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from surge_app.db import intents as intent_queries
from surge_app.db import payments as payment_queries
from surge_app.db.engine import Database
from surge_app.errors import GatewayUnavailable
from surge_app.log import get_logger
from surge_app.models import Refund, RefundStatus
from surge_app.services.intents import Intents
from surge_app.services.payments import Payments
from surge_app.services.ports import GatewayRefundStatus, PaymentGateway, ProviderError
from surge_app.services.settlement import Settlement

_log = get_logger(__name__)

# A paying hold is kept this long for the gateway's answer, then released; late money is settled.
PAYING_SLACK = timedelta(seconds=60)
_BATCH = 50
_QUIET_FOR = timedelta(seconds=60)
_LATE_FOR = timedelta(days=4)
_REFUND_LEASE = timedelta(seconds=30)
_LONGEST_REFUND_PAUSE_SECONDS = 3600


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
        """Keep the collaborators."""
        self._database = database
        self._gateway = gateway
        self._intents = intents
        self._payments = payments
        self._settlement = settlement

    async def expire_holds(self) -> int:
        """End overdue holds; returns how many."""
        return await self._intents.expire_due(paying_slack=PAYING_SLACK)

    async def ask_before_expiry(self) -> int:
        """Ask the gateway about overdue payments, settle what was paid, end the rest.

        If the gateway does not answer, the hold stays for `PAYING_SLACK`.

        Returns:
            How many were asked about.
        """
        async with self._database.transaction() as session:
            overdue = await intent_queries.due_while_paying(session, limit=_BATCH)
        await asyncio.gather(
            *(self._ask(intent.id, intent.order_id) for intent in overdue if intent.order_id)
        )
        return len(overdue)

    async def find_missed_payments(self) -> int:
        """Ask about orders whose webhook may have been lost; returns how many were asked about.

        Banks may confirm a payment up to three days late, so orders are watched for four.
        """
        async with self._database.transaction() as session:
            quiet = await intent_queries.unsettled_orders(
                session, quiet_for=_QUIET_FOR, not_older_than=_LATE_FOR, limit=_BATCH
            )
        for intent in quiet:
            if intent.order_id is None:
                continue
            try:
                await self._payments.settle_order(intent.order_id)
            except GatewayUnavailable:
                _log.warning("gateway_away", order=intent.order_id)
                break
        return len(quiet)

    async def push_refunds(self) -> int:
        """Ask the gateway for refunds that are due, or how they stand; returns how many."""
        async with self._database.transaction() as session:
            due = await payment_queries.due_refunds(session, limit=_BATCH, lease=_REFUND_LEASE)
        await asyncio.gather(*(self._push(refund) for refund in due))
        return len(due)

    async def _ask(self, intent_id: str, order_id: str) -> None:
        try:
            outcome = await self._payments.settle_order(order_id)
        except GatewayUnavailable:
            _log.warning("gateway_away", order=order_id)
            return
        if outcome.status != "checking":
            await self._intents.expire(intent_id)

    async def _push(self, refund: Refund) -> None:
        try:
            # Asking again with the same key and body returns the refund that exists already.
            answer = await self._gateway.refund(
                refund.payment_id, body=refund.body, idempotency_key=refund.idempotency_key
            )
        except ProviderError as error:
            await self._postpone(refund, str(error))
            return
        await self._settlement.note_refund(answer)
        if answer.status != GatewayRefundStatus.PROCESSED:
            await self._postpone(refund, "")

    async def _postpone(self, refund: Refund, error: str) -> None:
        seconds = min(_LONGEST_REFUND_PAUSE_SECONDS, 2 ** min(refund.attempts, 12))
        async with self._database.transaction() as session:
            row = await payment_queries.refund_by_id(session, refund.id)
            if row is None or row.status == RefundStatus.PROCESSED:
                return
            row.last_error = error or row.last_error
            now = await intent_queries.database_now(session)
            row.next_attempt_at = now + timedelta(seconds=seconds)
        if error:
            _log.warning("refund_postponed", refund=refund.id, error=error)
