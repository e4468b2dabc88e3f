"""`settle`: the one function that turns a payment into a booking or a refund.

Payments that arrive together share one transaction. It locks their intents in the order of their
ids, `settlement_rules` decides from what it read under the locks, and a few statements write the
result. Unique constraints on `payments`, `bookings`, `tickets` and `refunds` guarantee that each
step happens once, even if this code is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database, Transaction
from surge_app.db.group_commit import Batcher
from surge_app.db.payments import payment_start, settlement
from surge_app.db.payments.payment_start import Buyer, PurchaseHistory
from surge_app.db.payments.settlement import SettlementContext
from surge_app.errors import SurgeError
from surge_app.models import LIVE_INTENT_STATUSES, Disposition, IntentStatus, Payment, PaymentStatus
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.observability.metrics import SETTLEMENTS
from surge_app.services.checkout import claims
from surge_app.services.checkout.views import OrderLine
from surge_app.services.concurrency import for_each
from surge_app.services.payments import settlement_writer
from surge_app.services.payments.settlement_rules import (
    HOPELESS,
    Decision,
    apply_gateway_update,
    decide,
    outcome_of,
)
from surge_app.services.payments.settlement_writer import SettlementBatch
from surge_app.services.payments.views import PaymentOutcome
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_MAX_CONCURRENT_SERVED = 16
# How long tickets taken again for an authorized payment are kept while it is being captured.
_CAPTURE_WINDOW = timedelta(seconds=120)
_IS_MONEY = {
    GatewayPaymentStatus.AUTHORIZED,
    GatewayPaymentStatus.CAPTURED,
    GatewayPaymentStatus.REFUNDED,
}


@dataclass(frozen=True, slots=True)
class _FreeOrder:
    """An intent that costs nothing and is confirmed without a payment."""

    intent_id: str
    trace: str | None


@dataclass(frozen=True, slots=True)
class _GatewayUpdate:
    """A gateway's report of a payment, with the trace that received it."""

    payment: GatewayPayment
    trace: str | None


class Settlement:
    """Decides what becomes of money."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._batcher = Batcher(self._settle)
        self._late_batcher = Batcher(self._settle_late, max_batch=1)

    async def settle(self, payment: GatewayPayment) -> PaymentOutcome:
        """Take in the state of a payment; safe to repeat and to run in parallel.

        Args:
            payment: Facts fetched from the gateway or signed by it, never the browser's.

        Returns:
            confirmed with the booking's reference, refunding, checking (nothing captured yet),
            unpaid (it failed), or unmatched (no intent of ours has this order).
        """
        with tracing.event("settle", payment=payment.id):
            update = _GatewayUpdate(payment, tracing.current_traceparent())
            outcome = await self._batcher.submit(update)
            if outcome is None:
                # To take units again needs locks and time that the others should not wait for.
                outcome = await self._late_batcher.submit(update)
        SETTLEMENTS.labels(outcome.status).inc()
        _log.info(
            "settled", payment=payment.id, outcome=outcome.status, booking=outcome.booking_ref
        )
        return outcome

    async def confirm_free(self, intent_id: str) -> PaymentOutcome:
        """Turn a live intent that costs nothing into a booking; safe to repeat.

        Returns:
            confirmed with the booking's reference, person_limit if its buyer would have too many
            tickets, or unpaid if the intent is not live.
        """
        outcome = await self._batcher.submit(_FreeOrder(intent_id, tracing.current_traceparent()))
        return outcome or PaymentOutcome(None, "unpaid")

    async def outcome_of_order(self, order_id: str) -> PaymentOutcome:
        """Return where the payments of an order stand, as far as we know."""
        async with self._database.transaction() as session:
            found = await settlement.contexts(session, order_ids=[order_id], for_update=False)
        return outcome_of(found[0]) if found else PaymentOutcome(None, "unmatched")

    async def _settle(
        self, items: Sequence[_GatewayUpdate | _FreeOrder]
    ) -> Sequence[PaymentOutcome | None]:
        """Settle what needs no units but those its intent holds; None for what is late."""
        order_ids = {item.payment.order_id for item in items if isinstance(item, _GatewayUpdate)}
        intent_ids = {item.intent_id for item in items if isinstance(item, _FreeOrder)}
        batch = SettlementBatch()
        async with self._database.planned_transaction() as session:
            found = await settlement.contexts(session, order_ids=order_ids, intent_ids=intent_ids)
            by_order = {context.intent.order_id: context for context in found}
            by_id = {context.intent.id: context for context in found}
            limits = await _BuyerLimits.load(session, found)
            outcomes: list[PaymentOutcome | None] = []
            for item in items:
                is_free = isinstance(item, _FreeOrder)
                named = (
                    by_id.get(item.intent_id) if is_free else by_order.get(item.payment.order_id)
                )
                with limits.applied(_traced(named, item.trace)) as context:
                    outcomes.append(
                        _settle_free(batch, context)
                        if is_free
                        else _settle_one(batch, context, item.payment)
                    )
            await settlement_writer.flush(session, batch)
        settlement_writer.log_outcome(batch)
        for context in batch.ended:
            await self._waiting_room.end_hold(context.event.slug, [context.intent.visitor_id])
        await for_each(
            [context for context, _, _ in batch.sold], self._serve, at_once=_MAX_CONCURRENT_SERVED
        )
        return outcomes

    async def _serve(self, context: SettlementContext) -> None:
        await self._waiting_room.mark_served(context.event.slug, context.intent.visitor_id)

    async def _settle_late(self, items: Sequence[_GatewayUpdate]) -> Sequence[PaymentOutcome]:
        return [
            await claims.retry_contended(lambda item=item: self._settle_alone(item))
            for item in items
        ]

    async def _settle_alone(self, item: _GatewayUpdate) -> PaymentOutcome:
        """Settle a payment whose intent has ended: its units are taken again if they can be."""
        batch, update = SettlementBatch(), item.payment
        async with self._database.transaction() as session:
            found = await settlement.contexts(session, order_ids=[update.order_id])
            limits = await _BuyerLimits.load(session, found)
            with limits.applied(_traced(found[0] if found else None, item.trace)) as context:
                outcome = _settle_one(batch, context, update)
            if context is not None and outcome is None:
                payment = context.payments[update.id]
                is_captured = payment.status == PaymentStatus.CAPTURED
                reason = await _reclaim_units(session, context, is_captured=is_captured)
                decision = _decide_late(is_captured=is_captured, is_possible=reason is None)
                outcome = _apply_decision(batch, context, payment, decision, reason)
            await settlement_writer.flush(session, batch)
            holds_more = context is not None and await settlement.holds_something(
                session, event_id=context.event.id, visitor_id=context.intent.visitor_id
            )
        settlement_writer.log_outcome(batch)
        for sold, _, _ in batch.sold:
            if not holds_more:
                await self._waiting_room.mark_served(sold.event.slug, sold.intent.visitor_id)
        return outcome or PaymentOutcome(None, "unmatched")


class _BuyerLimits:
    """The tickets that the buyers of a batch have already, those of the batch included.

    It is decided here and not when a payment starts: until money has come, anyone may have typed
    anyone's address. Free tickets never prove an address, so a free booking is compared with
    those of its own browser alone: any other answer would tell a stranger who has booked.
    """

    def __init__(self, histories: Mapping[str, PurchaseHistory]) -> None:
        self._histories = histories
        self._sold: Counter[tuple[str, str, bool]] = Counter()

    @classmethod
    async def load(
        cls, session: Transaction, contexts: Sequence[SettlementContext]
    ) -> _BuyerLimits:
        """Read and lock what these buyers have; intents that are confirmed already are left out."""
        buyers = [
            Buyer(intent.id, intent.event_id, "", intent.email or "", intent.phone or "")
            for intent in (context.intent for context in contexts)
            if intent.status != IntentStatus.CONFIRMED
        ]
        return cls(await payment_start.purchase_histories(session, buyers))

    @contextmanager
    def applied(self, context: SettlementContext | None) -> Generator[SettlementContext | None]:
        """Mark a context as over the limit or not, and count what the block sells it."""
        history = None if context is None else self._histories.get(context.intent.id)
        if context is None or history is None or context.booking_ref is not None:
            yield context
            return
        keys = [f"{context.event.id}:{key}" for key in history.keys]
        visitor, is_free = context.intent.visitor_id, context.intent.total_paise == 0
        whose = visitor if is_free else ""
        sold = (self._sold[key, visitor, True] + self._sold[key, whose, False] for key in keys)
        bought = (history.bought_here if is_free else history.bought) + max(sold, default=0)
        context.is_over_limit = bought + context.quantity > context.event.max_per_person
        yield context
        if context.booking_ref is not None:
            counted = [(key, one, is_free) for key in keys for one in {visitor, whose}]
            self._sold.update(dict.fromkeys(counted, context.quantity))


def _settle_one(
    batch: SettlementBatch, context: SettlementContext | None, update: GatewayPayment
) -> PaymentOutcome | None:
    if context is None:
        # A shared account has payments of other shops; they are none of ours.
        if update.has_our_notes and update.status in _IS_MONEY:
            _log.error("payment_unmatched", payment=update.id, order=update.order_id)
            batch.unmatched[update.id] = update
        return PaymentOutcome(None, "unmatched")
    payment, is_new = apply_gateway_update(context, update)
    decision, reason = decide(context, payment)
    if is_new and decision not in {Decision.PAID_LATE, Decision.VERIFY}:
        batch.payments[payment.id] = payment
        if context.intent.status == IntentStatus.PAYING:
            batch.attempted.add(context.intent.id)
    return _apply_decision(batch, context, payment, decision, reason)


def _traced(context: SettlementContext | None, trace: str | None) -> SettlementContext | None:
    if context is not None and context.trace is None:
        context.trace = trace
    return context


def _settle_free(
    batch: SettlementBatch, context: SettlementContext | None
) -> PaymentOutcome | None:
    if context is None:
        return None
    if context.intent.total_paise == 0 and context.intent.status in LIVE_INTENT_STATUSES:
        if context.is_over_limit:
            return PaymentOutcome(None, "person_limit")
        settlement_writer.add_booking(batch, context, None)
    return outcome_of(context)


def _decide_late(*, is_captured: bool, is_possible: bool) -> Decision:
    if is_captured:
        return Decision.APPLY if is_possible else Decision.REFUND
    return Decision.CAPTURE if is_possible else Decision.LET_LAPSE


def _apply_decision(
    batch: SettlementBatch,
    context: SettlementContext,
    payment: Payment,
    decision: Decision,
    reason: str | None,
) -> PaymentOutcome | None:
    """Collect what a decision writes; None if it needs a transaction of its own."""
    if decision == Decision.PAID_LATE:
        return None
    if decision == Decision.APPLY:
        payment.disposition, payment.settled_at = Disposition.APPLIED, utc_now()
        # What the buyer pays the gateway on top never was the organizer's money.
        payment.discount_paise = context.discounts.get(payment.id) or None
        payment.amount_paise = context.intent.total_paise - (payment.discount_paise or 0)
        settlement_writer.add_booking(batch, context, payment)
    elif decision in {Decision.REFUND, Decision.LET_LAPSE}:
        payment.reason = reason
        if decision == Decision.REFUND:
            payment.disposition, payment.settled_at = Disposition.REFUND, utc_now()
        if reason in HOPELESS and context.intent.status in LIVE_INTENT_STATUSES:
            context.intent.status = IntentStatus.EXPIRED
            batch.ended.append(context)
        batch.refused.append((context, payment))
    if decision not in {Decision.NOTHING, Decision.VERIFY}:
        batch.payments[payment.id] = payment
    return replace(
        outcome_of(context),
        is_capture_due=decision == Decision.CAPTURE,
        is_discount_due=decision == Decision.VERIFY,
    )


async def _reclaim_units(
    session: AsyncSession, context: SettlementContext, *, is_captured: bool
) -> str | None:
    """Take the units of an ended intent again; return why that cannot be.

    Orders can be paid long after their hold, so what a new hold would be refused for counts
    here too. For money that is not captured yet the intent becomes a paying one first: tickets
    are had before they are paid for.
    """
    intent, event = context.intent, context.event
    if await intent_queries.database_now(session) >= (event.sales_close_at or event.starts_at):
        return "sale_is_over"
    rows = await intent_queries.lines(session, intent.id)
    wanted = [OrderLine(line.tier_id, line.quantity) for line, _ in rows]
    try:
        async with session.begin_nested():
            if not is_captured:
                await settlement.resume_payment(session, intent.id, window=_CAPTURE_WINDOW)
            await claims.claim(session, intent_id=intent.id, lines=wanted)
    except IntegrityError:
        # One visitor has one live intent for an event, and this one has another by now.
        return "holds_others"
    except SurgeError:
        return "sold_out_after_expiry"
    return None
