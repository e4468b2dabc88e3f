"""Action items: what Surge cannot resolve automatically, each with one safe action."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.admin import action_items as queries
from surge_app.db.engine import Database
from surge_app.errors import AlreadyResolved, InvalidRequest, NotFound, RefundNotStuck
from surge_app.models import AuditEntry
from surge_app.services.messaging.notifications import MessagePending, Notifications
from surge_app.services.payments.refunds import Refunds
from surge_app.services.payments.service import Payments

_FRESH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ActionItem:
    """Something that needs an organizer.

    Attributes:
        kind: dispute, undecided_payment, unpaid_booking, stuck_refund, unmatched_refund,
            stuck_webhook, cash_refund, gateway_refund, dead_message or unmatched_payment.
        event: Its event's slug, empty if it has none.
        subject: A booking's reference, or the vendor's own id.
        due_at: The vendor's deadline, if there is one.
    """

    kind: str
    id: str
    at: datetime
    event: str
    subject: str
    amount_paise: int
    detail: str
    due_at: datetime | None


class ActionItems:
    """Lists action items, and resolves each once."""

    def __init__(
        self, database: Database, payments: Payments, refunds: Refunds, notifications: Notifications
    ) -> None:
        self._notifications = notifications
        self._database = database
        self._payments = payments
        self._refunds = refunds
        self._recent: tuple[float, Sequence[ActionItem]] = float("-inf"), ()

    async def recent(self) -> Sequence[ActionItem]:
        """Return the open items as they were some seconds ago at most."""
        read_at, found = self._recent
        if time.monotonic() - read_at >= _FRESH_SECONDS:
            # Set first, so that everyone else goes on with the last ones.
            self._recent = reading = time.monotonic(), found
            found = await self.list()
            # The list may have an item that was resolved since it was read.
            if self._recent is reading:
                self._recent = time.monotonic(), found
        return found

    async def list(self, *, most: int = 100, skip: int = 0) -> Sequence[ActionItem]:
        """Return open items, what needs a decision soonest first."""
        async with self._database.transaction() as session:
            rows = await queries.open_items(session, most=most, skip=skip)
        return [ActionItem(**row) for row in rows]

    async def resolve(self, kind: str, item_id: str, *, actor: str) -> None:
        """Close an unmatched or missing payment, or retry what failed; a second call does nothing.

        Raises:
            AlreadyResolved: If it is not open any more.
            GatewayUnavailable: If the gateway is needed and does not respond.
            InvalidRequest: If there is no such kind.
        """
        actions: dict[str, Callable[[str, str], Awaitable[None]]] = {
            "unmatched_payment": partial(
                self._close, partial(queries.resolve, is_refund=False), "payment.close"
            ),
            "unmatched_refund": partial(
                self._close, partial(queries.resolve, is_refund=True), "payment.close"
            ),
            "dispute": partial(self._close, queries.resolve_dispute, "payment.dispute"),
            "gateway_refund": partial(self._close, queries.gateway_refund, "refund.noted"),
            "undecided_payment": self._settle_payment,
            "unpaid_booking": self._close_unpaid_booking,
            "stuck_refund": self._retry_refund,
            "cash_refund": self._hand_over_refund,
            "stuck_webhook": self._replay_webhook,
            "dead_message": self._resend_message,
        }
        action = actions.get(kind)
        if action is None:
            raise InvalidRequest
        await action(item_id, actor)
        left = tuple(one for one in self._recent[1] if one.id != item_id)
        self._recent = float("-inf"), left

    async def _close(
        self,
        close: Callable[[AsyncSession, str], Awaitable[bool]],
        action: str,
        item_id: str,
        actor: str,
    ) -> None:
        async with self._database.transaction() as session:
            if not await close(session, item_id):
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action=action, subject=item_id))

    async def _settle_payment(self, payment_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            order_id = await queries.order_of(session, payment_id)
            if order_id is None:
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="payment.settle", subject=payment_id))
        await self._payments.settle_order(order_id)

    async def _close_unpaid_booking(self, booking_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            ref = await queries.unpaid_booking(session, booking_id)
            if ref is None:
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="booking.unpaid", subject=ref))

    async def _retry_refund(self, refund_id: str, actor: str) -> None:
        try:
            await self._refunds.retry(refund_id, actor=actor)
        except (NotFound, RefundNotStuck) as error:
            raise AlreadyResolved from error

    async def _hand_over_refund(self, refund_id: str, actor: str) -> None:
        try:
            await self._refunds.hand_over(refund_id, actor=actor)
        except (NotFound, RefundNotStuck) as error:
            raise AlreadyResolved from error

    async def _replay_webhook(self, event_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            if not await queries.is_unprocessed(session, event_id):
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="webhook.replay", subject=event_id))
        await self._payments.process_event(event_id)

    async def _resend_message(self, message_id: str, actor: str) -> None:
        try:
            await self._notifications.retry(message_id, actor=actor)
        except (NotFound, MessagePending) as error:
            raise AlreadyResolved from error
