"""What keeps truth true while nobody looks: expiry and missed payments.

Every method is safe to run on several machines at once and to repeat after a crash.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from surge_app.db import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.errors import GatewayUnavailable
from surge_app.log import get_logger
from surge_app.services.intents import Intents
from surge_app.services.payments import Payments

_log = get_logger(__name__)

# A paying hold is kept this long for the gateway's answer, then released; late money is settled.
PAYING_SLACK = timedelta(seconds=60)
_BATCH = 50
_QUIET_FOR = timedelta(seconds=60)
_LATE_FOR = timedelta(days=4)


class Reconciliation:
    """The work of the jobs that touch money and holds."""

    def __init__(
        self,
        database: Database,
        intents: Intents,
        payments: Payments,
    ) -> None:
        """Keep the collaborators."""
        self._database = database
        self._intents = intents
        self._payments = payments

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

    async def _ask(self, intent_id: str, order_id: str) -> None:
        try:
            outcome = await self._payments.settle_order(order_id)
        except GatewayUnavailable:
            _log.warning("gateway_away", order=order_id)
            return
        if outcome.status != "checking":
            await self._intents.expire(intent_id)
