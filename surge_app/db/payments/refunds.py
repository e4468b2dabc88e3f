"""Queries over refunds and the ledger entries they are decided by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.engine import locked
from surge_app.db.leases import lease_due
from surge_app.models import BALANCE_LOW, Booking, LedgerEntry, Payment, Refund, RefundStatus

_NOW = func.clock_timestamp()
_UNFINISHED = (RefundStatus.REQUESTED, RefundStatus.SENT, RefundStatus.FAILED)


async def lease_due_refunds(
    session: AsyncSession, *, limit: int, lease: timedelta
) -> Sequence[Refund]:
    """Lease refunds that wait to be sent, checked or retried; see `lease_due`."""
    is_waiting = col(Refund.status).in_(_UNFINISHED)
    return await lease_due(session, Refund, is_waiting, limit=limit, lease=lease)


async def by_id(
    session: AsyncSession, refund_id: str, *, for_update: bool = False
) -> Refund | None:
    """Return a refund, locked for a change if asked."""
    query = select(Refund).where(col(Refund.id) == refund_id)
    return await session.scalar(locked(query) if for_update else query)


async def payment_of(session: AsyncSession, refund_id: str) -> Payment | None:
    """Return the payment a refund is of."""
    return await session.scalar(
        select(Payment)
        .join(Refund, col(Refund.payment_id) == col(Payment.id))
        .where(col(Refund.id) == refund_id)
    )


async def of_payment(session: AsyncSession, payment_id: str) -> Sequence[Refund]:
    """Return the refunds of a payment in their order, locked for a change."""
    query = select(Refund).where(col(Refund.payment_id) == payment_id).order_by(col(Refund.seq))
    return (await session.scalars(locked(query))).all()


async def stuck(session: AsyncSession) -> Sequence[tuple[Refund, str | None]]:
    """Return the refunds that need an organizer, the oldest first.

    With each comes the reference of the booking its intent became, if it became one.
    """
    result = await session.execute(
        select(Refund, col(Booking.ref))
        .join(Payment, col(Payment.id) == col(Refund.payment_id))
        .join(Booking, col(Booking.intent_id) == col(Payment.intent_id), isouter=True)
        .where(
            col(Refund.status).in_(_UNFINISHED),
            col(Refund.next_attempt_at).is_(None) | (col(Refund.last_error) == BALANCE_LOW),
        )
        .order_by(col(Refund.created_at), col(Refund.id))
    )
    return [(refund, ref) for refund, ref in result.all()]


async def entries_of_booking(session: AsyncSession, booking_id: str) -> Sequence[LedgerEntry]:
    """Return everything the ledger says about a booking."""
    result = await session.scalars(
        select(LedgerEntry).where(col(LedgerEntry.booking_id) == booking_id)
    )
    return result.all()
