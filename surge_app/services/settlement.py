"""`settle`: the one function that turns a payment into a booking or a refund.

One transaction, the intent locked first. The unique constraints of `payments`, `bookings`,
`tickets` and `refunds` make each step happen once even where this code were wrong.
"""

from __future__ import annotations

import json
import secrets
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db import bookings as booking_queries
from surge_app.db import catalog as catalog_queries
from surge_app.db import intents as intent_queries
from surge_app.db import outbox, units
from surge_app.db import payments as queries
from surge_app.db.engine import Database
from surge_app.errors import SurgeError
from surge_app.log import get_logger
from surge_app.models import (
    LIVE_INTENT_STATUSES,
    Booking,
    BookingStatus,
    Disposition,
    EntryKind,
    Event,
    EventPhase,
    Intent,
    IntentStatus,
    MessageKind,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    Ticket,
)
from surge_app.services import inventory, ledger
from surge_app.services.notifications import messages_for
from surge_app.services.ports import GatewayPayment, GatewayRefund, GatewayRefundStatus
from surge_app.services.views import Line, PaymentOutcome
from surge_app.services.waiting_room import WaitingRoom

_log = get_logger(__name__)

_REF_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REF_LENGTH = 8
_RANKS = {
    PaymentStatus.CREATED: 0,
    PaymentStatus.FAILED: 1,
    PaymentStatus.AUTHORIZED: 2,
    PaymentStatus.CAPTURED: 3,
    PaymentStatus.REFUNDED: 4,
}


class Settlement:
    """Decides what becomes of money."""

    def __init__(self, database: Database, waiting_room: WaitingRoom) -> None:
        """Keep the collaborators."""
        self._database = database
        self._waiting_room = waiting_room

    async def settle(self, payment: GatewayPayment) -> PaymentOutcome:
        """Take in the state of a payment; safe to repeat and to run in parallel.

        Args:
            payment: Facts fetched from the gateway or signed by it, never the browser's.

        Returns:
            confirmed with the booking's reference, refunding, checking (nothing captured yet),
            or unmatched (no intent of ours has this order).
        """
        return await inventory.patiently(lambda: self._settle(payment))

    async def _settle(self, payment: GatewayPayment) -> PaymentOutcome:
        async with self._database.transaction() as session:
            intent = await intent_queries.by_order(session, payment.order_id)
            if intent is None:
                _log.error("payment_unmatched", payment=payment.id, order=payment.order_id)
                return PaymentOutcome(None, "unmatched")
            row = await _record(session, intent, payment)
            is_decided = row.disposition is not None
            if row.status == PaymentStatus.CAPTURED and not is_decided:
                await self._dispose(session, intent, row)
            outcome = await _outcome(session, intent)
            event = await catalog_queries.event_by_id(session, intent.event_id)
            newest = await intent_queries.latest(
                session, event_id=event.id, visitor_id=intent.visitor_id
            )
        holds_more = newest is not None and newest.status in LIVE_INTENT_STATUSES
        if row.disposition == Disposition.APPLIED and not (is_decided or holds_more):
            await self._waiting_room.serve(event.slug, intent.visitor_id)
        return outcome

    async def is_wanted(self, payment: GatewayPayment) -> bool:
        """Whether an authorized payment would buy something: right, in time, and not yet paid.

        What is not captured costs nobody a fee; the gateway gives it back by itself.
        """
        async with self._database.transaction() as session:
            intent = await intent_queries.by_order(session, payment.order_id)
            if intent is None or intent.status not in LIVE_INTENT_STATUSES:
                return False
            is_right = payment.amount_paise == intent.total_paise
            return is_right and payment.currency == intent.currency

    async def outcome_of_order(self, order_id: str) -> PaymentOutcome:
        """Return where the payments of an order stand, as far as we know."""
        async with self._database.transaction() as session:
            intent = await intent_queries.by_order(session, order_id)
            if intent is None:
                return PaymentOutcome(None, "unmatched")
            return await _outcome(session, intent)

    async def note_refund(self, refund: GatewayRefund) -> str:
        """Take in the state of a refund; forward only, safe to repeat."""
        async with self._database.transaction() as session:
            row = await queries.open_refund(
                session,
                payment_id=refund.payment_id,
                gateway_id=refund.id,
                amount_paise=refund.amount_paise,
            )
            if row is None:
                _log.error("refund_unmatched", refund=refund.id, payment=refund.payment_id)
                return "unmatched"
            if row.status == RefundStatus.PROCESSED:
                return "processed"
            row.gateway_id = refund.id
            if refund.status == GatewayRefundStatus.PROCESSED:
                await _finish_refund(session, row)
            elif refund.status == GatewayRefundStatus.FAILED:
                row.status = RefundStatus.FAILED
                row.last_error = "the gateway could not pay it out"
                _log.error("refund_failed", refund=row.id, payment=row.payment_id)
            else:
                row.status = RefundStatus.SENT
            return str(row.status)

    async def _dispose(self, session: AsyncSession, intent: Intent, payment: Payment) -> None:
        event = await catalog_queries.event_by_id(session, intent.event_id)
        reason = _why_not(intent, event, payment)
        if reason is None and intent.status not in LIVE_INTENT_STATUSES:
            reason = await _why_not_late(session, intent, event)
        payment.settled_at = utc_now()
        if reason is None:
            await _confirm(session, intent, payment)
            return
        payment.disposition = Disposition.REFUND
        payment.reason = reason
        await session.flush()
        session.add(ledger.received_in_vain(payment))
        session.add(refund_row(payment, amount_paise=payment.amount_paise, reason=reason))
        if intent.status != IntentStatus.CONFIRMED:
            await outbox.add(session, messages_for(intent, None, MessageKind.LATE_PAYMENT))
        _log.warning("payment_refunded", payment=payment.id, intent=intent.id, reason=reason)


async def _record(session: AsyncSession, intent: Intent, payment: GatewayPayment) -> Payment:
    status = PaymentStatus(payment.status.value)
    row = await queries.by_id(session, payment.id)
    if row is None:
        row = Payment(
            id=payment.id,
            intent_id=intent.id,
            order_id=payment.order_id,
            amount_paise=payment.amount_paise,
            currency=payment.currency,
            status=status,
            method=payment.method,
            error=payment.error_description,
        )
        session.add(row)
    # A webhook is a snapshot and may come late: never backwards.
    elif _RANKS[status] > _RANKS[PaymentStatus(row.status)] and row.disposition is None:
        row.status = status
        row.amount_paise = payment.amount_paise
        row.currency = payment.currency
        row.error = payment.error_description
    await session.flush()
    return row


def _why_not(intent: Intent, event: Event, payment: Payment) -> str | None:
    reasons = (
        ("amount_differs", payment.amount_paise != intent.total_paise),
        ("currency_differs", payment.currency != intent.currency),
        ("paid_already", intent.status == IntentStatus.CONFIRMED),
        ("event_cancelled", event.phase == EventPhase.CANCELLED),
    )
    return next((reason for reason, applies in reasons if applies), None)


async def _why_not_late(session: AsyncSession, intent: Intent, event: Event) -> str | None:
    """Take the units again for money that came late; return why that cannot be.

    Orders can be paid long after their hold, so what a new hold would be refused for counts
    here too.
    """
    if await intent_queries.database_now(session) >= (event.sales_close_at or event.starts_at):
        return "sale_is_over"
    person = {"event_id": event.id, "email": intent.email or "", "phone": intent.phone or ""}
    await intent_queries.lock_person(session, **person)
    others = await intent_queries.tickets_of_person(session, **person, but_not=intent.id)
    rows = await intent_queries.lines(session, intent.id)
    if others + sum(line.quantity for line, _ in rows) > event.max_per_person:
        return "person_limit"
    wanted = [Line(line.tier_id, line.quantity) for line, _ in rows]
    try:
        async with session.begin_nested():
            await inventory.claim(session, intent_id=intent.id, lines=wanted)
    except SurgeError:
        return "sold_out_after_expiry"
    return None


async def _confirm(session: AsyncSession, intent: Intent, payment: Payment) -> None:
    unit_ids = await units.sell(session, intent.id)
    booking = Booking(
        ref=_new_ref(),
        event_id=intent.event_id,
        intent_id=intent.id,
        name=intent.name or "",
        email=intent.email or "",
        phone=intent.phone or "",
        subtotal_paise=intent.subtotal_paise,
        fee_paise=intent.fee_paise,
        total_paise=intent.total_paise,
        currency=intent.currency,
    )
    intent.status = IntentStatus.CONFIRMED
    intent.ended_at = utc_now()
    payment.disposition = Disposition.APPLIED
    session.add(booking)
    await session.flush()
    session.add_all(
        Ticket(booking_id=booking.id, unit_id=unit_id, seq=seq, code=_new_code())
        for seq, unit_id in enumerate(unit_ids, start=1)
    )
    session.add_all(ledger.sale(payment, booking))
    await session.flush()
    await outbox.add(session, messages_for(intent, booking, MessageKind.CONFIRMATION))
    _log.info(
        "booking_confirmed",
        booking=booking.ref,
        payment=payment.id,
        tickets=len(unit_ids),
        subtotal_paise=booking.subtotal_paise,
        fee_paise=booking.fee_paise,
        total_paise=booking.total_paise,
    )


async def _outcome(session: AsyncSession, intent: Intent) -> PaymentOutcome:
    booking = await booking_queries.by_intent(session, intent.id)
    if booking is not None:
        return PaymentOutcome(booking.ref, str(booking.status))
    dispositions = await queries.dispositions(session, intent.id)
    if Disposition.REFUND in dispositions:
        return PaymentOutcome(None, "refunding")
    return PaymentOutcome(None, "checking" if None in dispositions else "unpaid")


async def _finish_refund(session: AsyncSession, refund: Refund) -> None:
    refund.status = RefundStatus.PROCESSED
    refund.processed_at = utc_now()
    payment = await queries.by_id(session, refund.payment_id)
    if payment is None:
        return
    payment.status = PaymentStatus.REFUNDED
    if EntryKind.REFUNDED not in await queries.ledger_kinds(session, payment.id):
        session.add(ledger.paid_back(payment, refund.amount_paise))
    booking = await booking_queries.by_intent(session, payment.intent_id)
    is_of_booking = payment.disposition == Disposition.APPLIED
    if is_of_booking and booking is not None and booking.status == BookingStatus.REFUNDING:
        booking.status = BookingStatus.REFUNDED
    _log.info("refund_processed", refund=refund.id, payment=payment.id)


def refund_row(payment: Payment, *, amount_paise: int, reason: str) -> Refund:
    """Return the refund of a payment, with the exact body every attempt will send."""
    key = f"rf-{payment.id}-1"
    body = json.dumps(
        {
            "amount": amount_paise,
            "speed": "normal",
            "receipt": key,
            "notes": {"reason": reason},
        },
        separators=(",", ":"),
    )
    return Refund(
        payment_id=payment.id,
        amount_paise=amount_paise,
        reason=reason,
        idempotency_key=key,
        body=body,
        next_attempt_at=utc_now() - timedelta(seconds=1),
    )


def _new_ref() -> str:
    return "SRG-" + "".join(secrets.choice(_REF_ALPHABET) for _ in range(_REF_LENGTH))


def _new_code() -> str:
    return secrets.token_urlsafe(16)
