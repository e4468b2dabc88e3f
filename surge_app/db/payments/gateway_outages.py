"""Queries over outages of the gateway. The open row, if there is one, is the shared truth.

The function `hold_clock()` of the database reads it: while it is open the clock of holds stands
still, for at most its `cap_seconds`. Closing it shifts every live deadline by the time it stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Row, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import new_id

# What was frozen lately is taken off what this one may freeze, so that an outage that comes and
# goes cannot hold tickets for ever.
_OPEN = text(
    """
    INSERT INTO gateway_outages (id, provider, opened_at, cap_seconds)
    SELECT :id, 'razorpay', clock_timestamp(), greatest(0, floor(CAST(:budget AS int)
        - coalesce(sum(extract(epoch FROM frozen_until
              - greatest(opened_at, clock_timestamp() - CAST(:per AS interval)))), 0)))
    FROM (
        SELECT opened_at,
               least(closed_at, opened_at + make_interval(secs => cap_seconds)) AS frozen_until
        FROM gateway_outages WHERE closed_at IS NOT NULL
    ) AS earlier
    WHERE frozen_until > clock_timestamp() - CAST(:per AS interval)
    HAVING NOT EXISTS (SELECT FROM gateway_outages
                       WHERE closed_at > clock_timestamp() - CAST(:failing_for AS interval))
    ON CONFLICT (provider) WHERE closed_at IS NULL DO NOTHING
    RETURNING id
    """
)
_CURRENT = text(
    """
    SELECT opened_at, CAST(greatest(0, cap_seconds
           - extract(epoch FROM clock_timestamp() - opened_at)) AS float8) AS freeze_left
    FROM gateway_outages WHERE closed_at IS NULL
    """
)
_HOLD_TIME = text(
    """
    SELECT hold_clock() AS now, outage.id IS NOT NULL AS is_out, coalesce(
        clock_timestamp() < outage.opened_at + make_interval(secs => outage.cap_seconds), false
    ) AS is_stopped
    FROM (VALUES (1)) AS once
    LEFT JOIN gateway_outages AS outage ON outage.closed_at IS NULL
    """
)
# Shorter than the second after which Postgres ends one of two transactions that wait for each
# other: it must be this one that gives way, and never a visitor's.
_LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '700ms'")
_LOCK_LIVE_INTENTS = text(
    "SELECT count(*) FROM (SELECT id FROM intents WHERE status IN ('held', 'paying') "
    "ORDER BY id FOR NO KEY UPDATE) AS locked"
)
_LOCK_OUTAGES = text("LOCK TABLE gateway_outages IN ACCESS EXCLUSIVE MODE")
_CLOSE = text(
    """
    UPDATE gateway_outages SET closed_at = clock_timestamp() WHERE closed_at IS NULL
    RETURNING least(closed_at - opened_at, make_interval(secs => cap_seconds)) AS frozen
    """
)
_SHIFT = text(
    "UPDATE intents SET expires_at = expires_at + CAST(:frozen AS interval) "
    "WHERE status IN ('held', 'paying')"
)


class LockContended(Exception):
    """Others have locks that are needed; nothing was changed. Try again in a moment."""


@dataclass(frozen=True, slots=True)
class OpenOutage:
    """The outage that lasts.

    Attributes:
        freeze_left_seconds: For how long the clock of holds will still stand; 0 beyond the cap.
    """

    opened_at: datetime
    freeze_left_seconds: float


@dataclass(frozen=True, slots=True)
class HoldTime:
    """The moment by the clock of holds, and whether that clock stands still.

    Attributes:
        is_out: Whether no payment can be started.
        is_stopped: Whether the clock stands still; no longer true beyond the cap of an outage.
    """

    now: datetime
    is_out: bool
    is_stopped: bool


async def hold_time(session: AsyncSession) -> HoldTime:
    """Return the moment by the only clock that decides about holds, and how that clock is."""
    row: Row[tuple[datetime, bool, bool]] = (await session.execute(_HOLD_TIME)).one()
    return HoldTime(*row)


async def current(session: AsyncSession) -> OpenOutage | None:
    """Return the outage that lasts, if one does."""
    row: Row[tuple[datetime, float]] | None = (await session.execute(_CURRENT)).one_or_none()
    return None if row is None else OpenOutage(*row)


async def begin(
    session: AsyncSession, *, failing_for: timedelta, budget: timedelta, per: timedelta
) -> bool:
    """Open an outage unless one is open already; returns whether this call did.

    Transactions that used the running clock end before it stops, so no hold gains.

    Args:
        failing_for: How old the news is. Calls that began before an outage was closed, and
            failed after it, open none.
        budget: For how long clocks may stand still in all.
        per: Within which time.

    Raises:
        Contended: If the lock was not to be had at once; let the transaction roll back.
    """
    values = {"id": new_id(), "budget": int(budget.total_seconds()), "per": per}
    try:
        await session.execute(_LOCK_TIMEOUT)
        await session.execute(_LOCK_OUTAGES)
    except OperationalError as error:
        raise LockContended from error
    opened = await session.execute(_OPEN, {**values, "failing_for": failing_for})
    return opened.scalar_one_or_none() is not None


async def finish(session: AsyncSession) -> timedelta | None:
    """Close the open outage, and give every live hold the time its clock stood still.

    Transactions that read the open row, and used a stopped clock, end before the lock on
    the table is granted; later readers of the clock wait for this transaction. Intents are
    locked first, as everywhere: who has locked one may still be about to ask the clock.

    Returns:
        How long the clock stood, None if no outage was open.

    Raises:
        Contended: If a lock was not to be had at once; let the transaction roll back.
    """
    try:
        await session.execute(_LOCK_TIMEOUT)
        await session.execute(_LOCK_LIVE_INTENTS)
        await session.execute(_LOCK_OUTAGES)
        frozen: timedelta | None = await session.scalar(_CLOSE)
        if frozen is not None:
            await session.execute(_SHIFT, {"frozen": frozen})
    except OperationalError as error:
        raise LockContended from error
    return frozen
