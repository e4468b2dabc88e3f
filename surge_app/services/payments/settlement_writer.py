"""Write settlements in bulk: bookings, tickets, ledger, refunds and messages."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from surge_app.db.bulk_insert import insert_many
from surge_app.db.engine import Transaction
from surge_app.db.messaging import outbox
from surge_app.db.payments import settlement
from surge_app.db.payments.settlement import SettlementContext
from surge_app.models import (
    Booking,
    BookingStatus,
    Disposition,
    Intent,
    IntentStatus,
    MessageKind,
    OutboxMessage,
    Payment,
    Refund,
    SalesChannel,
    Ticket,
    UnmatchedPayment,
)
from surge_app.models.base import create_row
from surge_app.observability.log import get_logger
from surge_app.services.messaging.outbox_rows import messages_for
from surge_app.services.payments import ledger
from surge_app.services.payments.refund_policy import refund_row
from surge_app.services.vendors.ports import GatewayPayment

_log = get_logger(__name__)

_REF_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_REF_LENGTH = 8


@dataclass(slots=True)
class SettlementBatch:
    """The pending rows of one transaction.

    Attributes:
        payments: Those that changed, by id.
        sold: What became a booking; None stands for the payment of what costs nothing.
        refused: Payments that buy nothing: sent back if captured, else let go.
        unmatched: Money of no order of ours, by id.
        ended: Live holds that no other payment can turn into a booking.
        attempted: Paying intents the gateway reports an attempt of.
    """

    payments: dict[str, Payment] = field(default_factory=dict[str, Payment])
    sold: list[tuple[SettlementContext, Payment | None, Booking]] = field(
        default_factory=list[tuple[SettlementContext, Payment | None, Booking]]
    )
    refused: list[tuple[SettlementContext, Payment]] = field(
        default_factory=list[tuple[SettlementContext, Payment]]
    )
    unmatched: dict[str, GatewayPayment] = field(default_factory=dict[str, GatewayPayment])
    ended: list[SettlementContext] = field(default_factory=list[SettlementContext])
    attempted: set[str] = field(default_factory=set[str])


def add_booking(
    batch: SettlementBatch,
    context: SettlementContext,
    payment: Payment | None,
    *,
    channel: SalesChannel = SalesChannel.ONLINE,
) -> None:
    """Make a booking of an intent; its case says so from now on."""
    intent = context.intent
    discount = (payment and payment.discount_paise) or 0
    booking = create_row(
        Booking,
        ref=_new_ref(),
        channel=channel,
        event_id=intent.event_id,
        intent_id=intent.id,
        name=intent.name or "",
        email=intent.email or "",
        phone=intent.phone or "",
        subtotal_paise=intent.subtotal_paise - discount,
        fee_paise=intent.fee_paise,
        total_paise=intent.total_paise - discount,
        currency=intent.currency,
    )
    intent.status = IntentStatus.CONFIRMED
    context.booking_ref, context.booking_status = booking.ref, BookingStatus.CONFIRMED
    batch.sold.append((context, payment, booking))


async def flush(session: Transaction, batch: SettlementBatch) -> None:
    """Write it all, in a few statements however much there is.

    Raises:
        RuntimeError: If an intent does not hold as many units as its lines want.
        ValueError: If a payment is stored for another intent already.
    """
    await settlement.write_unmatched(
        session, [_unmatched(payment) for payment in batch.unmatched.values()]
    )
    await settlement.write_payments(session, list(batch.payments.values()))
    attempted = batch.attempted - {context.intent.id for context, _, _ in batch.sold}
    if attempted:
        await settlement.begin_window(session, attempted)
    if batch.ended:
        ids = [context.intent.id for context in batch.ended]
        await settlement.expire(session, ids)
    refunded = [
        payment for _, payment in batch.refused if payment.disposition == Disposition.REFUND
    ]
    await insert_many(session, [ledger.received_unfulfilled(payment) for payment in refunded])
    refunds = {
        payment.id: refund_row(
            payment, amount_paise=payment.amount_paise, reason=payment.reason or ""
        )
        for payment in refunded
    }
    await insert_many(session, list(refunds.values()))
    messages = [
        message
        for context, payment in batch.refused
        for message in _refusal_messages(context, payment, refunds.get(payment.id))
    ]
    if batch.sold:
        await _write_bookings(session, batch)
    messages += [
        message
        for context, _, booking in batch.sold
        for message in _traced(
            context, messages_for(context.intent, booking, MessageKind.CONFIRMATION)
        )
    ]
    await outbox.add(session, messages)


def _refusal_messages(
    context: SettlementContext, payment: Payment, refund: Refund | None
) -> list[OutboxMessage]:
    """Return what to tell a person whose payment buys nothing, once for each payment."""
    is_booked = context.intent.status == IntentStatus.CONFIRMED
    if is_booked and refund is None:
        return []
    kind = MessageKind.REFUNDED if is_booked else MessageKind.LATE_PAYMENT
    return _traced(context, messages_for(context.intent, None, kind, refund=refund, key=payment.id))


def _traced(context: SettlementContext, messages: list[OutboxMessage]) -> list[OutboxMessage]:
    # They are written together with others, so what is open here is not what caused them.
    for message in messages:
        message.trace = context.trace
    return messages


async def _write_bookings(session: Transaction, batch: SettlementBatch) -> None:
    quantities = {context.intent.id: context.quantity for context, _, _ in batch.sold}
    sold = await settlement.sell(session, quantities)
    if {intent_id: len(unit_ids) for intent_id, unit_ids in sold.items()} != quantities:
        raise RuntimeError("an intent does not hold the units it was paid for")
    await insert_many(session, [booking for _, _, booking in batch.sold])
    await insert_many(
        session,
        [
            ticket
            for context, _, booking in batch.sold
            for ticket in _tickets(context.intent, booking, sold[context.intent.id])
        ],
    )
    await insert_many(
        session,
        [
            entry
            for _, payment, booking in batch.sold
            if payment is not None
            for entry in ledger.sale(payment, booking)
        ],
    )


def _tickets(
    intent: Intent, booking: Booking, units: Sequence[tuple[str, str]]
) -> Iterator[Ticket]:
    """Make the tickets of a booking; names go to the units of their tier in turn."""
    coming = {tier_id: iter(names) for tier_id, names in (intent.attendee_names or {}).items()}
    for seq, (tier_id, unit_id) in enumerate(units, start=1):
        yield create_row(
            Ticket,
            booking_id=booking.id,
            unit_id=unit_id,
            seq=seq,
            code=_new_code(),
            attendee_name=next(coming.get(tier_id, iter(())), ""),
        )


def _unmatched(update: GatewayPayment) -> UnmatchedPayment:
    return UnmatchedPayment(
        id=update.id,
        order_id=update.order_id,
        amount_paise=update.amount_paise,
        currency=update.currency,
        status=update.status.value,
    )


def log_outcome(batch: SettlementBatch) -> None:
    """Log what was written, once it is."""
    for context, payment, booking in batch.sold:
        _log.info(
            "booking_confirmed",
            booking=booking.ref,
            intent=context.intent.id,
            payment=payment.id if payment else None,
            tickets=context.quantity,
            subtotal_paise=booking.subtotal_paise,
            fee_paise=booking.fee_paise,
            total_paise=booking.total_paise,
        )
    for context, payment in batch.refused:
        is_refunded = payment.disposition == Disposition.REFUND
        _log.warning(
            "payment_refunded" if is_refunded else "payment_let_go",
            payment=payment.id,
            intent=context.intent.id,
            reason=payment.reason,
        )


def _new_ref() -> str:
    return "SRG-" + "".join(secrets.choice(_REF_ALPHABET) for _ in range(_REF_LENGTH))


def _new_code() -> str:
    return secrets.token_urlsafe(16)
