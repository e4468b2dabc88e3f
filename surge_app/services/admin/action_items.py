"""The organizer's inbox: what nothing goes on with by itself, each with one safe action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from surge_app.db.admin import action_items as queries
from surge_app.db.engine import Database
from surge_app.errors import AlreadyResolved, InvalidRequest, NotFound, RefundNotStuck
from surge_app.models import AuditEntry
from surge_app.services.messaging.notifications import MessagePending, Notifications
from surge_app.services.payments.refunds import Refunds
from surge_app.services.payments.service import Payments


@dataclass(frozen=True, slots=True)
class ActionItem:
    """Something that waits for a person.

    Attributes:
        kind: unmatched_payment, undecided_payment, unpaid_booking, stuck_refund, cash_refund,
            stuck_webhook or dead_message.
        event: Its event's slug, empty if it has none.
        subject: A booking's reference, or the vendor's own id.
    """

    kind: str
    id: str
    at: datetime
    event: str
    subject: str
    amount_paise: int
    detail: str


class ActionItems:
    """Lists what waits, and does the one thing that mends it, once."""

    def __init__(
        self,
        database: Database,
        payments: Payments,
        refunds: Refunds,
        notifications: Notifications,
    ) -> None:
        """Keep the collaborators."""
        self._notifications = notifications
        self._database = database
        self._payments = payments
        self._refunds = refunds

    async def waiting(self) -> list[ActionItem]:
        """Return what waits, the oldest first, at most 100."""
        async with self._database.transaction() as session:
            return [ActionItem(**row) for row in await queries.waiting(session)]

    async def act(self, kind: str, item_id: str, *, actor: str) -> None:
        """Do what mends an item of this kind; a second call does nothing.

        An unmatched payment, or a booking without one, is closed once somebody dealt with it; of
        an undecided payment the gateway is asked again; a refund is tried again, cash noted as
        handed back, a webhook settled again, a message sent again.

        Raises:
            AlreadyDealtWith: If it does not wait any more.
            GatewayUnavailable: If the gateway had to be asked and does not answer.
            InvalidRequest: If there is no such kind.
        """
        actions: dict[str, Callable[[str, str], Awaitable[None]]] = {
            "unmatched_payment": self._close,
            "undecided_payment": self._decide,
            "unpaid_booking": self._look_into,
            "stuck_refund": self._retry,
            "cash_refund": self._hand_over,
            "stuck_webhook": self._replay,
            "dead_message": self._revive,
        }
        action = actions.get(kind)
        if action is None:
            raise InvalidRequest
        await action(item_id, actor)

    async def _close(self, payment_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            if not await queries.resolve(session, payment_id):
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="payment.close", subject=payment_id))

    async def _decide(self, payment_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            order_id = await queries.order_of(session, payment_id)
            if order_id is None:
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="payment.settle", subject=payment_id))
        await self._payments.settle_order(order_id)

    async def _look_into(self, booking_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            ref = await queries.unpaid_booking(session, booking_id)
            if ref is None:
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="booking.unpaid", subject=ref))

    async def _retry(self, refund_id: str, actor: str) -> None:
        try:
            await self._refunds.retry(refund_id, actor=actor)
        except (NotFound, RefundNotStuck) as error:
            raise AlreadyResolved from error

    async def _hand_over(self, refund_id: str, actor: str) -> None:
        try:
            await self._refunds.hand_over(refund_id, actor=actor)
        except (NotFound, RefundNotStuck) as error:
            raise AlreadyResolved from error

    async def _replay(self, event_id: str, actor: str) -> None:
        async with self._database.transaction() as session:
            if not await queries.is_unprocessed(session, event_id):
                raise AlreadyResolved
            session.add(AuditEntry(actor=actor, action="webhook.replay", subject=event_id))
        await self._payments.process_event(event_id)

    async def _revive(self, message_id: str, actor: str) -> None:
        try:
            await self._notifications.retry(message_id, actor=actor)
        except (NotFound, MessagePending) as error:
            raise AlreadyResolved from error
