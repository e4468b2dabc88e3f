"""Payments: starting one, hearing of one, and `settle`, the one function that decides.

Browser callback, webhook and reconciliation all end in `settle` with facts the gateway itself
stated. Whichever comes first does the work; the others find it done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import structlog

from surge_app.clock import utc_now
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.payments import records as queries
from surge_app.errors import BadSignature, NotFound
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.languages import A_
from surge_app.models import BookingStatus, WebhookEventRow
from surge_app.models.base import create_row
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.payments.gateway_queries import GatewayQueries
from surge_app.services.payments.payment_start import PaymentStarter
from surge_app.services.payments.refunds import Refunds
from surge_app.services.payments.views import CheckoutView, PaymentOutcome
from surge_app.services.vendors.ports import (
    GatewayDispute,
    GatewayPayment,
    GatewayPaymentStatus,
    PaymentGateway,
    ProviderRejected,
    WebhookEvent,
)

_log = get_logger(__name__)

_PROVIDER = "razorpay"
_STARTS = Limit("pay-visitor", per_minute=30, burst=15)
_WEBHOOK_LEASE = timedelta(seconds=30)
# An order captures its payment automatically, at once. One that it did not is captured by us.
_CAPTURE_PATIENCE = timedelta(seconds=5)
_WEBHOOK_BATCH = 50
# It comes in an unsigned header; the index of ids takes no more than a few hundred bytes.
_MAX_EVENT_ID_LENGTH = 200
# Organizers read it; what exactly went wrong is in the log, under the webhook's id.
_UNFORESEEN = A_("It could not be settled yet; the log tells why.")
_MAX_BACKOFF_SECONDS = 600


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    """A webhook that was just stored; `can_wait` leaves it to the job that looks for due ones."""

    event: WebhookEventRow
    can_wait: bool


class Payments:
    """Starts payments and takes in what the gateway says about them."""

    def __init__(
        self,
        database: Database,
        gateway: PaymentGateway,
        contacts: Contacts,
        starter: PaymentStarter,
        queries: GatewayQueries,
        refunds: Refunds,
        limits: RateLimiter,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._contacts = contacts
        self._starter = starter
        self._queries = queries
        self._refunds = refunds
        self._limits = limits
        self._stored_events = Batcher(self._store_events)
        self._processed = Batcher(self._process_received)

    async def start(
        self,
        intent_id: str,
        visitor_id: str,
        *,
        name: object,
        email: object,
        phone: object,
        attendees: Mapping[str, Sequence[str]] | None = None,
    ) -> CheckoutView:
        """Prepare the payment of a live hold; repeating it returns the same order.

        The hold becomes a payment window of its own, once: no repeat makes it longer. What costs
        nothing is booked at once; there is no order then.

        Raises:
            InvalidContact: With a sentence for each field; names of attendees count only if
                the event asks for them.
            IntentExpired: If the time is over.
            NotOnSale: If the event was cancelled.
            PersonLimit: If this person has too many tickets already.
            PaymentBeingChecked: If an earlier payment of this person for this event is still
                open; `details["booking_ref"]` is set if it has just come through.
            PaymentStarted: If the tickets kept changing while the order was made.
            GatewayUnavailable: If the gateway does not answer; the hold is unchanged.
            PaymentsPaused: If it has not answered for a while; the clock stands still.
            RateLimited: If the visitor starts payments too often.
            NotFound: If the intent is not the visitor's own.
        """
        await self._limits.check(_STARTS, visitor_id)
        contact = self._contacts.check(name=name, email=email, phone=phone, attendees=attendees)
        return await self._starter.start(intent_id, visitor_id, contact)

    async def settle_callback(
        self, *, order_id: str, payment_id: str, signature: str
    ) -> PaymentOutcome:
        """Take in what the checkout handed to the browser.

        The signature proves only that the payment belongs to the stored order; amount and
        capture are asked of the gateway. If it does not answer, the webhook will tell.

        Raises:
            BadSignature: If the order is not ours or the signature does not fit.
        """
        stored = await queries.order_and_booking(self._database, order_id, payment_id)
        if stored is None or not self._gateway.verifies_callback(
            order_id=stored[0], payment_id=payment_id, signature=signature
        ):
            raise BadSignature
        stored_order_id, ref, status = stored
        if ref is not None:
            return PaymentOutcome(ref, status or BookingStatus.CONFIRMED)
        return await self._queries.settle_callback(stored_order_id, payment_id)

    async def check(self, intent_id: str, visitor_id: str) -> PaymentOutcome:
        """Ask the gateway how a visitor's payment stands, and settle what it says.

        Raises:
            NotFound: If the intent is not the visitor's own.
        """
        async with self._database.transaction() as session:
            intent = await intent_queries.by_id(session, intent_id)
        if intent is None or intent.visitor_id != visitor_id:
            raise NotFound
        if intent.order_id is None:
            return PaymentOutcome(None, "unpaid")
        return await self._queries.settle_for_visitor(intent.order_id, visitor_id)

    async def event_of_order(self, order_id: str) -> str | None:
        """Return the slug of the event an order of ours was made for."""
        async with self._database.transaction() as session:
            return await queries.event_of_order(session, order_id)

    async def settle(self, payment: GatewayPayment) -> PaymentOutcome:
        """Settle a payment the gateway has listed."""
        return await self._queries.settle(payment)

    async def settle_order(self, order_id: str) -> PaymentOutcome:
        """Ask the gateway for every payment of an order and settle each.

        Raises:
            GatewayUnavailable: If the gateway does not answer.
        """
        return await self._queries.settle_order(order_id)

    async def receive_webhook(
        self, body: bytes, *, signature: str | None, event_id: str | None
    ) -> ReceivedWebhook | None:
        """Verify and store a webhook; the caller answers 200 and processes it afterwards.

        Args:
            body: The raw bytes as they came.
            event_id: The vendor's event id; the hash of the body stands in if it is missing.

        Returns:
            The stored webhook, None if there is nothing to process: it was stored before, or
            its payment was settled before.

        Raises:
            BadSignature: If it was not signed with one of our secrets; nothing is stored.
        """
        if not self._gateway.verifies_webhook(body, signature):
            raise BadSignature
        payment = _payment_of(self._read(body))
        can_wait = payment is not None and payment.status == GatewayPaymentStatus.AUTHORIZED
        digest = hashlib.sha256(body)
        event = create_row(
            WebhookEventRow,
            provider=_PROVIDER,
            event_id=(event_id or digest.hexdigest())[:_MAX_EVENT_ID_LENGTH],
            body_sha256=digest.digest(),
            body=body,
            next_attempt_at=utc_now() + (_CAPTURE_PATIENCE if can_wait else _WEBHOOK_LEASE),
            trace=tracing.current_traceparent(),
        )
        is_done = await self._stored_events.submit((event, payment.id if payment else None))
        if is_done is None:
            return None
        _log.info("webhook_stored", webhook=event.id)
        return None if is_done else ReceivedWebhook(event, can_wait=can_wait)

    async def process_received(self, webhook: ReceivedWebhook) -> None:
        """Settle what a webhook says that was just stored; safe to repeat."""
        await self._processed.submit(webhook.event)

    async def process_event(self, event_id: str) -> None:
        """Settle what a stored webhook says; safe to repeat.

        Raises:
            NotFound: If no such event is stored.
        """
        async with self._database.transaction() as session:
            found = await queries.events_by_id(session, [event_id])
        if not found:
            raise NotFound
        await self._process(found)

    async def _store_events(
        self, events: Sequence[tuple[WebhookEventRow, str | None]]
    ) -> Sequence[bool | None]:
        stored = await queries.store_events(self._database, events)
        return [stored.get(event.id) for event, _ in events]

    async def process_pending_webhooks(self) -> int:
        """Process webhooks that were stored and not finished; returns how many were tried."""
        async with self._database.transaction() as session:
            due = await queries.lease_due_events(
                session, limit=_WEBHOOK_BATCH, lease=_WEBHOOK_LEASE
            )
        await self._process(due)
        return len(due)

    async def _record_dispute(self, dispute: GatewayDispute) -> str:
        """Store how a dispute of one of our payments stands; a final state is kept."""
        async with self._database.transaction() as session:
            is_ours = await queries.store_dispute(session, asdict(dispute))
        if not is_ours:
            return "ignored: the disputed payment is not ours"
        _log.error("payment_disputed", dispute=dispute.id, payment=dispute.payment_id)
        return f"dispute {dispute.status}"

    async def _process_received(self, events: Sequence[WebhookEventRow]) -> Sequence[None]:
        await self._process(events)
        return [None] * len(events)

    async def _process(self, events: Sequence[WebhookEventRow]) -> None:
        """Settle what stored webhooks say, side by side: they share the transactions of it."""
        outcomes_or_errors = await asyncio.gather(
            *(self._handle_stored(event) for event in events), return_exceptions=True
        )
        outcomes: dict[str, str] = {}
        for event, outcome in zip(events, outcomes_or_errors, strict=True):
            if isinstance(outcome, str):
                outcomes[event.id] = outcome
                continue
            # Whatever went wrong, the event is tried again until it can be settled.
            _log.error("webhook_failed", event_id=event.id, exc_info=outcome)
            delay = timedelta(seconds=min(_MAX_BACKOFF_SECONDS, 2**event.attempts))
            async with self._database.transaction() as session:
                await queries.postpone_event(session, event.id, delay=delay, error=_UNFORESEEN)
        await queries.finish_events(self._database, outcomes)

    async def _handle_stored(self, event: WebhookEventRow) -> str:
        # Requests share this work: what is logged here belongs to the webhook, to no one request.
        with (
            structlog.contextvars.bound_contextvars(webhook=event.id),
            tracing.span("webhook", kind="consumer", continues=event.trace, webhook=event.id),
        ):
            return await self._handle(event.body)

    def _read(self, body: bytes) -> WebhookEvent | str:
        """Return what a verified webhook says, or why it is ignored."""
        try:
            return self._gateway.parse_webhook(body)
        except ProviderRejected as error:
            return f"ignored: {error}"

    async def _handle(self, body: bytes) -> str:
        event = self._read(body)
        if isinstance(event, str):
            return event
        if event.dispute is not None:
            return await self._record_dispute(event.dispute)
        if event.refund is not None:
            return await self._refunds.record_gateway_refund(event.refund)
        if event.payment is not None:
            return (await self._queries.settle(event.payment)).status
        return "ignored"


def _payment_of(event: WebhookEvent | str) -> GatewayPayment | None:
    """Return the payment a webhook is about, unless it is about a refund or a dispute of it."""
    if isinstance(event, str) or event.refund or event.dispute:
        return None
    return event.payment
