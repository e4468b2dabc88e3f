"""Write a refund: its row, the ledger, the messages and the state of its booking."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.messaging import event_notices, outbox
from surge_app.db.payments import refunds as queries
from surge_app.errors import NotFound
from surge_app.models import (
    AuditEntry,
    Booking,
    BookingStatus,
    Channel,
    Disposition,
    Intent,
    MessageKind,
    Payment,
    PaymentStatus,
    Refund,
    RefundReason,
    RefundStatus,
    UnmatchedPayment,
)
from surge_app.observability.log import get_logger
from surge_app.services.bookings.versioning import bump_version
from surge_app.services.messaging.outbox_rows import messages_for, notice_messages
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import RefundPlan, adopt_key, part_of, refund_row
from surge_app.services.vendors.ports import GatewayRefund

_log = get_logger(__name__)

UNMATCHED_REFUND = "refund"
_UNSENT = {RefundStatus.REQUESTED, RefundStatus.FAILED}


@dataclass(frozen=True, slots=True)
class PaidBooking:
    """The locked origin of a booking; the payment is None if it was free."""

    booking: Booking
    intent: Intent
    payment: Payment | None


async def lock_paid(session: AsyncSession, ref: str) -> PaidBooking:
    """Lock the intent, then the booking of a reference; NotFound if there is none."""
    found = await booking_queries.require_booking(session, ref)
    intent = await intent_queries.by_id(session, found.intent_id, for_update=True)
    booking = await booking_queries.require_booking(session, ref, for_update=True)
    if intent is None:
        raise NotFound
    return PaidBooking(booking, intent, await booking_queries.applied_payment(session, intent.id))


async def add_refund(session: AsyncSession, paid: PaidBooking, plan: RefundPlan) -> Refund | None:
    """Write down a refund and what the ledger owes for it; None if no money goes back."""
    if paid.payment is None or plan.amount_paise == 0:
        return None
    earlier = await queries.of_payment(session, paid.payment.id)
    refund = refund_row(
        paid.payment, amount_paise=plan.amount_paise, reason=plan.reason, seq=len(earlier) + 1
    )
    session.add(refund)
    await session.flush()
    session.add_all(
        ledger.refund_due(
            refund, paid.booking, tickets_paise=plan.tickets_paise, fee_paise=plan.fee_paise
        )
    )
    return refund


async def adopt_gateway_refund(
    session: AsyncSession, payment: Payment, rows: Sequence[Refund], refund: GatewayRefund
) -> Refund | None:
    """Take in a refund that was made in the gateway's dashboard; its intent is locked.

    If one of ours of the same amount still waits to be sent, the money has gone back by it.
    Otherwise the booking gives up what was refunded: all of it ends the booking, and its tickets.

    Returns:
        Its row, or None if the booking does not have that much left to give back.
    """
    waiting = [row for row in rows if row.gateway_id is None and row.status in _UNSENT]
    same = [row for row in waiting if row.amount_paise == refund.amount_paise and not row.by_hand]
    if same:
        return same[0]
    booking = await booking_queries.by_intent(session, payment.intent_id)
    if booking is None or booking.status != BookingStatus.CONFIRMED:
        return None
    paid = await lock_paid(session, booking.ref)
    balance = ledger.balance(await queries.entries_of_booking(session, paid.booking.id))
    if paid.payment is None or not 0 < refund.amount_paise <= balance.retained_paise:
        return None
    seqs: tuple[int, ...] = ()
    if refund.amount_paise == balance.retained_paise:
        seqs = tuple(await booking_queries.prices_of_valid_tickets(session, paid.booking.id))
    plan = part_of(balance, seqs, refund.amount_paise)
    row = await add_refund(session, paid, plan)
    if row is None:
        return None
    adopt_key(row, refund.id)
    bump_version(paid.booking, None)
    if seqs:
        await booking_queries.void_tickets(session, paid.booking.id, seqs)
        await close_booking(session, paid)
    session.add(audit_entry(booking.ref, plan, actor="gateway", restock=False, handed_over=False))
    await session.flush()
    await notify(session, paid, plan, row)
    return row


def unmatched_refund(refund: GatewayRefund, payment: Payment) -> UnmatchedPayment:
    """Return a refund of the gateway's dashboard that no booking has the money for."""
    return UnmatchedPayment(
        id=refund.id,
        order_id=payment.id,
        amount_paise=refund.amount_paise,
        currency=payment.currency,
        status=UNMATCHED_REFUND,
    )


def audit_entry(
    ref: str, plan: RefundPlan, *, actor: str, restock: bool, handed_over: bool
) -> AuditEntry:
    """Return the audit log's row of an organizer's refund."""
    after: dict[str, object] = {
        "amount_paise": plan.amount_paise,
        "tickets": list(plan.seqs),
        "restock": restock and bool(plan.seqs),
        "reason": plan.reason,
    }
    if handed_over:
        after["handed_over"] = True
    return AuditEntry(actor=actor, action="booking.refund", subject=ref, after=after)


async def notify(
    session: AsyncSession, paid: PaidBooking, plan: RefundPlan, refund: Refund | None
) -> None:
    """Queue the messages of an organizer's refund, or those of the cancellation behind it."""
    if plan.reason == RefundReason.WHOLE:
        kind = MessageKind.EVENT_CANCELLED
        notice = await event_notices.latest(session, paid.booking.event_id, kind)
        if notice is not None:
            # It names the refund, and may have reached the booking already: it is stored once.
            await outbox.add(session, notice_messages(paid.intent, paid.booking, kind, notice.id))
            return
    key = refund.id if refund else f"{paid.intent.id}-{'-'.join(map(str, plan.seqs))}"
    kind = MessageKind.REFUNDED
    messages = messages_for(paid.intent, paid.booking, kind, refund=refund, key=key)
    if refund is not None and refund.by_hand and plan.reason == RefundReason.GOODWILL:
        # No registered SMS speaks of money handed back; the others only name the tickets.
        messages = [one for one in messages if one.channel != Channel.SMS]
    await outbox.add(session, messages)


async def notify_paid(session: AsyncSession, intent: Intent, refund: Refund) -> None:
    """Queue the email that the gateway has paid a refund."""
    booking = await booking_queries.by_intent(session, intent.id)
    messages = messages_for(intent, booking, MessageKind.REFUND_PAID, refund=refund)
    await outbox.add(session, [one for one in messages if one.channel == Channel.EMAIL])


async def close_booking(session: AsyncSession, paid: PaidBooking) -> None:
    """End a booking without valid tickets; refunded as soon as no refund is under way."""
    rows: Sequence[Refund] = []
    if paid.payment is not None:
        rows = await queries.of_payment(session, paid.payment.id)
    is_done = all(row.status == RefundStatus.PROCESSED for row in rows)
    paid.booking.status = BookingStatus.REFUNDED if is_done else BookingStatus.REFUNDING


async def finish_refund(
    session: AsyncSession, payment: Payment, refund: Refund, all_rows: Sequence[Refund]
) -> None:
    """Record a processed refund; the payment and the booking end with the last one."""
    refund.status = RefundStatus.PROCESSED
    refund.processed_at = utc_now()
    booking = None
    if payment.disposition == Disposition.APPLIED:
        booking = await booking_queries.by_intent(session, payment.intent_id)
    session.add(ledger.refund_paid(refund, booking.id if booking else None))
    processed = [row for row in all_rows if row.status == RefundStatus.PROCESSED]
    if sum(row.amount_paise for row in processed) >= payment.amount_paise:
        payment.status = PaymentStatus.REFUNDED
    is_all = len(processed) == len(all_rows)
    if booking is not None and booking.status == BookingStatus.REFUNDING and is_all:
        booking.status = BookingStatus.REFUNDED
    _log.info("refund_processed", refund=refund.id, payment=payment.id)
