"""The rule of claiming inside a transaction of the caller's: all or nothing, in a fixed order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.events import units
from surge_app.errors import AllHeld
from surge_app.services.checkout.shortages import shortage_error
from surge_app.services.checkout.views import OrderLine

_Result = TypeVar("_Result")

_MAX_CLAIMS = 2
_MAX_ATTEMPTS = 6


class LockContended(Exception):
    """Units are free, but others have them locked: roll back, and try again in a moment."""


async def claim(session: AsyncSession, *, intent_id: str, lines: Sequence[OrderLine]) -> None:
    """Hold the units of all lines for an intent inside the caller's transaction.

    It never waits for a row another transaction has locked, so claims cannot deadlock.

    Args:
        session: The open transaction; the caller lets it roll back when this raises.
        intent_id: The holder; it exists already, and none of these units is its own yet.

    Raises:
        SoldOut: If a tier can never serve the order line.
        AllHeld: If it could, once others let go.
        NotEnoughLeft: If fewer are free than wanted; `details["left"]` tells how many.
        Contended: If it cannot be told yet; see `retry_contended`.
    """
    for line in sorted(lines, key=lambda line: line.tier_id):
        await _claim_line(session, intent_id=intent_id, line=line)


async def retry_contended(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Run a whole transaction that claims, again while others have the last units locked.

    Raises:
        AllHeld: If they still have them after several tries.
    """
    for attempt in range(_MAX_ATTEMPTS):
        try:
            return await work()
        except LockContended:
            await asyncio.sleep(random.uniform(0.5, 1) * 0.01 * 2**attempt)  # noqa: S311  jitter
    raise AllHeld


async def _claim_line(session: AsyncSession, *, intent_id: str, line: OrderLine) -> None:
    missing = line.quantity
    for _ in range(_MAX_CLAIMS):
        missing -= await units.claim(
            session, tier_id=line.tier_id, intent_id=intent_id, quantity=missing
        )
        if missing == 0:
            return
        left = await units.leftover(session, tier_id=line.tier_id, but_of=intent_id, most=missing)
        if left.free < missing:
            taken = line.quantity - missing
            raise shortage_error(line.tier_id, free=left.free + taken, is_held=left.is_held)
    # Free by the committed count, yet locked this instant: others are claiming or letting go of
    # these very rows. To wait here, holding rows ourselves, could be waiting in a circle.
    raise LockContended
