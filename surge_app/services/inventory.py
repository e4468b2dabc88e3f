"""The rule of claiming: all or nothing, in a fixed order, with an honest word when it fails."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db import units
from surge_app.errors import AllHeld, NotEnoughLeft, SoldOut
from surge_app.services.views import Line

_Result = TypeVar("_Result")

_ATTEMPTS = 2
_TRIES = 6


class Contended(Exception):
    """Units are free, but others have them locked: roll back, and try again in a moment."""


async def claim(
    session: AsyncSession,
    *,
    intent_id: str,
    lines: Sequence[Line],
    taken: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Hold the units of all lines for an intent inside the caller's transaction.

    It never waits for a row another transaction has locked, so claims cannot deadlock.

    Args:
        session: The open transaction; the caller lets it roll back when this raises.
        intent_id: Who holds.
        lines: What is wanted.
        taken: What the intent holds of it already, by tier.

    Raises:
        SoldOut: If a tier can never serve the line.
        AllHeld: If it could, once others let go.
        NotEnoughLeft: If fewer are free than wanted; `details["left"]` tells how many.
        Contended: If it cannot be told yet; see `patiently`.
    """
    for line in sorted(lines, key=lambda line: line.tier_id):
        missing = line.quantity - taken.get(line.tier_id, 0)
        if missing:
            await _claim_line(session, intent_id=intent_id, line=line, missing=missing)


async def patiently(work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Run a whole transaction that claims, again while others have the last units locked.

    Raises:
        AllHeld: If they still have them after several tries.
    """
    for attempt in range(_TRIES):
        try:
            return await work()
        except Contended:
            await asyncio.sleep(random.uniform(0.5, 1) * 0.01 * 2**attempt)  # noqa: S311  jitter
    raise AllHeld


async def _claim_line(session: AsyncSession, *, intent_id: str, line: Line, missing: int) -> None:
    for _ in range(_ATTEMPTS):
        missing -= await units.claim(
            session, tier_id=line.tier_id, intent_id=intent_id, quantity=missing
        )
        if missing == 0:
            return
        counts = (await units.counts_by_tier(session, [line.tier_id])).get(
            line.tier_id, units.Counts()
        )
        if counts.available < missing:
            # This transaction's own holds are no one else's to give back.
            held_by_others = counts.held - (line.quantity - missing)
            raise _refusal(counts, wanted=line.quantity, missing=missing, held=held_by_others)
    # Free by the committed count, yet locked this instant: others are claiming or letting go of
    # these very rows. To wait here, holding rows ourselves, could be waiting in a circle.
    raise Contended


def _refusal(
    counts: units.Counts, *, wanted: int, missing: int, held: int
) -> SoldOut | AllHeld | NotEnoughLeft:
    left = counts.available + wanted - missing
    if left > 0:
        tickets = "ticket is" if left == 1 else "tickets are"
        return NotEnoughLeft(f"Only {left} {tickets} left in this category.", left=left)
    return AllHeld() if held > 0 else SoldOut()
