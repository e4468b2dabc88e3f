"""Queries of reconciliation: whose payment the gateway is asked about, and what it told before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# One that is due further away than the pause was not asked about since its deadline.
_OVERDUE = text(
    """
    WITH picked AS (
        SELECT id FROM intents
        WHERE status = 'paying' AND order_id IS NOT NULL AND expires_at <= (SELECT hold_clock())
          AND (next_check_at IS NULL OR next_check_at <= clock_timestamp()
               OR next_check_at > clock_timestamp() + CAST(:pause AS interval))
        ORDER BY expires_at
        FOR UPDATE SKIP LOCKED
    )
    UPDATE intents i SET next_check_at = clock_timestamp() + CAST(:pause AS interval)
    FROM picked WHERE i.id = picked.id
    RETURNING i.id, i.order_id
    """
)
# The next date is set when one is taken: it is the lease, too, and a crash only delays.
_DUE = text(
    """
    WITH picked AS (
        SELECT id FROM intents
        WHERE next_check_at <= clock_timestamp()
          AND NOT (status = 'paying' AND expires_at <= (SELECT hold_clock()))
        ORDER BY next_check_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    UPDATE intents i SET checks = i.checks + 1, next_check_at = CASE
        WHEN i.status = 'confirmed' OR i.order_id IS NULL
            OR coalesce(i.paying_at, i.created_at)
               < clock_timestamp() - CAST(:not_older_than AS interval) THEN NULL
        ELSE clock_timestamp() + make_interval(
            mins => coalesce((ARRAY[2, 5, 15])[i.checks + 1], 60))
        END
    FROM picked WHERE i.id = picked.id
    RETURNING i.id, i.order_id, i.status
    """
)
_AGAIN = text(
    """
    UPDATE intents
    SET checks = greatest(0, checks - 1),
        next_check_at = clock_timestamp() + CAST(:pause AS interval)
    WHERE id = ANY(:ids) AND status <> 'confirmed'
    """
)
_UNKNOWN = text(
    """
    SELECT told.id FROM unnest(CAST(:ids AS text[])) AS told (id)
    WHERE NOT EXISTS (
            SELECT FROM payments p WHERE p.id = told.id AND p.disposition IS NOT NULL)
      AND NOT EXISTS (SELECT FROM unmatched_payments u WHERE u.id = told.id)
    """
)


@dataclass(frozen=True, slots=True)
class OrderToCheck:
    """An intent and the order to ask the gateway about."""

    intent_id: str
    order_id: str


async def claim_overdue(session: AsyncSession, *, pause: timedelta) -> list[OrderToCheck]:
    """Take every paying intent past its deadline, the longest overdue first.

    Args:
        pause: None is taken again before this is over.
    """
    result = await session.execute(_OVERDUE, {"pause": pause})
    return [OrderToCheck(row.id, row.order_id) for row in result]


async def claim_due(
    session: AsyncSession, *, limit: int, not_older_than: timedelta
) -> tuple[list[OrderToCheck], int]:
    """Take intents whose order may have been paid unheard, the longest due first.

    They are due again after 2, 5 and 15 minutes, then every hour.

    Args:
        not_older_than: One whose payment began before that is asked about for the last time.

    Returns:
        What to ask, and how many intents were taken: those confirmed by now need no question.
    """
    values = {"limit": limit, "not_older_than": not_older_than}
    rows = (await session.execute(_DUE, values)).all()
    orders = [
        OrderToCheck(row.id, row.order_id)
        for row in rows
        if row.order_id is not None and row.status != "confirmed"
    ]
    return orders, len(rows)


async def reschedule(
    session: AsyncSession, intent_ids: Collection[str], *, pause: timedelta
) -> None:
    """Make intents due once more: the gateway did not answer."""
    await session.execute(_AGAIN, {"ids": list(intent_ids), "pause": pause})


async def never_decided(session: AsyncSession, payment_ids: Sequence[str]) -> set[str]:
    """Return those of these captured payments that are not decided."""
    result = await session.execute(_UNKNOWN, {"ids": list(payment_ids)})
    return {row.id for row in result}
