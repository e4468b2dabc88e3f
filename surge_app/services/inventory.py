"""The rule of claiming: all or nothing, in a fixed order, with an honest word when it fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db import units
from surge_app.errors import AllHeld, NotEnoughLeft, SoldOut
from surge_app.services.views import Line

_ATTEMPTS = 5


async def claim(
    session: AsyncSession,
    *,
    intent_id: str,
    lines: Sequence[Line],
    taken: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Hold the units of all lines for an intent inside the caller's transaction.

    Tiers are taken in the order of their ids, so two claims never wait for each other in a
    circle.

    Args:
        session: The open transaction; the caller lets it roll back when this raises.
        intent_id: Who holds.
        lines: What is wanted.
        taken: What the intent holds of it already, by tier.

    Raises:
        SoldOut: If a tier can never serve the line.
        AllHeld: If it could, once others let go.
        NotEnoughLeft: If fewer are free than wanted; `details["left"]` tells how many.
    """
    for line in sorted(lines, key=lambda line: line.tier_id):
        missing = line.quantity - taken.get(line.tier_id, 0)
        if missing:
            await _claim_line(session, intent_id=intent_id, line=line, missing=missing)


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
        # Free by the committed count, yet locked this instant: others are claiming or letting
        # go of these very rows. Their transactions are short.
        await units.wait_for_locked(session, tier_id=line.tier_id)
    raise AllHeld


def _refusal(
    counts: units.Counts, *, wanted: int, missing: int, held: int
) -> SoldOut | AllHeld | NotEnoughLeft:
    left = counts.available + wanted - missing
    if left > 0:
        tickets = "ticket is" if left == 1 else "tickets are"
        return NotEnoughLeft(f"Only {left} {tickets} left in this category.", left=left)
    return AllHeld() if held > 0 else SoldOut()
