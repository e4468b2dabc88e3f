"""`settle`: the one function that turns a payment into a booking or a refund.

Payments that arrive together share one transaction: their intents are locked in the order of
their ids, `verdicts` decides from what is read under the locks, and a few statements write it
all. The unique constraints of `payments`, `bookings`, `tickets` and `refunds` make each step
happen once even where this code were wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.db.payments import payment_start, settlement
from surge_app.db.payments.payment_start import Person
from surge_app.db.payments.settlement import SettlementContext
from surge_app.errors import SurgeError
from surge_app.models import (
    LIVE_INTENT_STATUSES,
    Disposition,
    Payment,
    PaymentStatus,
)
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.observability.metrics import SETTLEMENTS
from surge_app.services.checkout import claims
from surge_app.services.checkout.views import OrderLine
from surge_app.services.concurrency import for_each
from surge_app.services.payments import settlement_writer
from surge_app.services.payments.settlement_rules import Decision, decide, outcome_of, take_in
from surge_app.services.payments.settlement_writer import SettlementBatch
from surge_app.services.payments.views import PaymentOutcome
from surge_app.services.vendors.ports import GatewayPayment, GatewayPaymentStatus
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_MOST_TOGETHER = 100
_FLIGHTS = 2
_SERVED_AT_ONCE = 16
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
    """What the gateway says of a payment, and the trace in which it was heard."""

    payment: GatewayPayment
    trace: str | None


class Settlement:
    """Decides what becomes of money."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._together = Batcher(self._settle, most=_MOST_TOGETHER, flights=_FLIGHTS)
        self._late = Batcher(self._settle_late, most=1, flights=_FLIGHTS)

    async def settle(self, payment: GatewayPayment) -> PaymentOutcome:
        """Take in the state of a payment; safe to repeat and to run in parallel.

        Args:
            payment: Facts fetched from the gateway or signed by it, never the browser's.

        Returns:
            confirmed with the booking's reference, refunding, checking (nothing captured yet),
            unpaid (it failed), or unmatched (no intent of ours has this order).
        """
        with tracing.event("settle", payment=payment.id):
            told = _GatewayUpdate(payment, tracing.current_traceparent())
            outcome = await self._together.submit(told)
            if outcome is None:
                # To take units again needs locks and time that the others should not wait for.
                outcome = await self._late.submit(told)
        SETTLEMENTS.labels(outcome.status).inc()
        _log.info(
            "settled", payment=payment.id, outcome=outcome.status, booking=outcome.booking_ref
        )
        return outcome

    async def confirm_free(self, intent_id: str) -> PaymentOutcome:
        """Turn a live intent that costs nothing into a booking; safe to repeat.

        Returns:
            confirmed with the booking's reference, or unpaid if the intent is not live.
        """
        outcome = await self._together.submit(_FreeOrder(intent_id, tracing.current_traceparent()))
        return outcome or PaymentOutcome(None, "unpaid")

    async def outcome_of_order(self, order_id: str) -> PaymentOutcome:
        """Return where the payments of an order stand, as far as we know."""
        async with self._database.transaction() as session:
            found = await settlement.cases(session, order_ids=[order_id], for_update=False)
        return outcome_of(found[0]) if found else PaymentOutcome(None, "unmatched")

    async def _settle(
        self, items: Sequence[_GatewayUpdate | _FreeOrder]
    ) -> Sequence[PaymentOutcome | None]:
        """Settle what needs no units but those its intent holds; None for what is late."""
        order_ids = {item.payment.order_id for item in items if isinstance(item, _GatewayUpdate)}
        intent_ids = {item.intent_id for item in items if isinstance(item, _FreeOrder)}
        work = SettlementBatch()
        async with self._database.transaction() as session:
            found = await settlement.cases(session, order_ids=order_ids, intent_ids=intent_ids)
            by_order = {case.intent.order_id: case for case in found}
            by_id = {case.intent.id: case for case in found}
            outcomes = [
                _settle_free(work, _traced(by_id.get(item.intent_id), item.trace))
                if isinstance(item, _FreeOrder)
                else _settle_one(
                    work, _traced(by_order.get(item.payment.order_id), item.trace), item.payment
                )
                for item in items
            ]
            await settlement_writer.write(session, work)
        settlement_writer.tell(work)
        await for_each([case for case, _, _ in work.sold], self._serve, at_once=_SERVED_AT_ONCE)
        return outcomes

    async def _serve(self, case: SettlementContext) -> None:
        await self._waiting_room.mark_served(case.event.slug, case.intent.visitor_id)

    async def _settle_late(self, items: Sequence[_GatewayUpdate]) -> Sequence[PaymentOutcome]:
        return [
            await claims.retry_contended(lambda item=item: self._settle_alone(item))
            for item in items
        ]

    async def _settle_alone(self, item: _GatewayUpdate) -> PaymentOutcome:
        """Settle a payment whose intent has ended: its units are taken again if they can be."""
        work, told = SettlementBatch(), item.payment
        async with self._database.transaction() as session:
            found = await settlement.cases(session, order_ids=[told.order_id])
            case = _traced(found[0] if found else None, item.trace)
            outcome = _settle_one(work, case, told)
            if case is not None and outcome is None:
                payment = case.payments[told.id]
                is_captured = payment.status == PaymentStatus.CAPTURED
                reason = await _take_again(session, case, is_captured=is_captured)
                verdict = _verdict_late(is_captured=is_captured, is_possible=reason is None)
                outcome = _carry_out(work, case, payment, verdict, reason)
            await settlement_writer.write(session, work)
            holds_more = case is not None and await settlement.holds_something(
                session, event_id=case.event.id, visitor_id=case.intent.visitor_id
            )
        settlement_writer.tell(work)
        for sold, _, _ in work.sold:
            if not holds_more:
                await self._waiting_room.mark_served(sold.event.slug, sold.intent.visitor_id)
        return outcome or PaymentOutcome(None, "unmatched")


def _settle_one(
    work: SettlementBatch, case: SettlementContext | None, told: GatewayPayment
) -> PaymentOutcome | None:
    if case is None:
        _log.error("payment_unmatched", payment=told.id, order=told.order_id)
        if told.status in _IS_MONEY:
            work.unmatched[told.id] = told
        return PaymentOutcome(None, "unmatched")
    payment, is_new = take_in(case, told)
    verdict, reason = decide(case, payment)
    if is_new and verdict != Decision.LATE:
        work.payments[payment.id] = payment
    return _carry_out(work, case, payment, verdict, reason)


def _traced(case: SettlementContext | None, trace: str | None) -> SettlementContext | None:
    if case is not None and case.trace is None:
        case.trace = trace
    return case


def _settle_free(work: SettlementBatch, case: SettlementContext | None) -> PaymentOutcome | None:
    is_free = case is not None and case.intent.total_paise == 0
    if case is not None and is_free and case.intent.status in LIVE_INTENT_STATUSES:
        settlement_writer.book(work, case, None)
    return outcome_of(case) if case is not None else None


def _verdict_late(*, is_captured: bool, is_possible: bool) -> Decision:
    if is_captured:
        return Decision.APPLY if is_possible else Decision.REFUND
    return Decision.CAPTURE if is_possible else Decision.LET_GO


def _carry_out(
    work: SettlementBatch,
    case: SettlementContext,
    payment: Payment,
    verdict: Decision,
    reason: str | None,
) -> PaymentOutcome | None:
    """Note what a verdict asks to be written; None if it is not for now."""
    if verdict == Decision.LATE:
        return None
    if verdict == Decision.APPLY:
        payment.disposition, payment.settled_at = Disposition.APPLIED, utc_now()
        settlement_writer.book(work, case, payment)
    elif verdict in {Decision.REFUND, Decision.LET_GO}:
        payment.reason = reason
        if verdict == Decision.REFUND:
            payment.disposition, payment.settled_at = Disposition.REFUND, utc_now()
        work.refused.append((case, payment))
    if verdict != Decision.NOTHING:
        work.payments[payment.id] = payment
    return replace(outcome_of(case), is_capture_due=verdict == Decision.CAPTURE)


async def _take_again(
    session: AsyncSession, case: SettlementContext, *, is_captured: bool
) -> str | None:
    """Take the units of an ended intent again; return why that cannot be.

    Orders can be paid long after their hold, so what a new hold would be refused for counts
    here too. For money that is not captured yet the intent becomes a paying one first: tickets
    are had before they are paid for.
    """
    intent, event = case.intent, case.event
    if await intent_queries.database_now(session) >= (event.sales_close_at or event.starts_at):
        return "sale_is_over"
    person = Person(intent.id, event.id, intent.name or "", intent.email or "", intent.phone or "")
    standing = (await payment_start.purchase_histories(session, [person]))[intent.id]
    if standing.others + standing.own > event.max_per_person:
        return "person_limit"
    rows = await intent_queries.lines(session, intent.id)
    wanted = [OrderLine(line.tier_id, line.quantity) for line, _ in rows]
    try:
        async with session.begin_nested():
            if not is_captured:
                await settlement.pay_again(session, intent.id, window=_CAPTURE_WINDOW)
            await claims.claim(session, intent_id=intent.id, lines=wanted)
    except IntegrityError:
        # One visitor has one live intent for an event, and this one has another by now.
        return "holds_others"
    except SurgeError:
        return "sold_out_after_expiry"
    return None
