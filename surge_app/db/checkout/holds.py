"""The claim: intents, their lines and their units, for many asks in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_HOLD = text(
    """
    SELECT place, expires_at, as_of, reached, short_tier_id, free, is_contended, is_held
    FROM hold_units(
        CAST(:ask_ids AS text[]), CAST(:event_ids AS text[]), CAST(:visitor_ids AS text[]),
        CAST(:subtotals AS bigint[]), CAST(:fees AS bigint[]), CAST(:currencies AS text[]),
        CAST(:hold_seconds AS int[]), CAST(:first_lines AS int[]), CAST(:line_counts AS int[]),
        CAST(:line_ids AS text[]), CAST(:tier_ids AS text[]), CAST(:quantities AS int[]),
        CAST(:prices AS bigint[]), CAST(:starts AS int[])
    )
    """
)


@dataclass(frozen=True, slots=True)
class HoldRequestLine:
    """So many units of a tier, at the price that is frozen now (paise).

    Attributes:
        start: The number of a unit; those behind it are looked at first. -1 begins at the head.
    """

    id: str
    tier_id: str
    quantity: int
    unit_price_paise: int
    start: int = -1


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """An intent that is wanted. `id` becomes the intent's, amounts are paise.

    Attributes:
        lines: In the order of `tier_id`, each tier once.
    """

    id: str
    event_id: str
    visitor_id: str
    subtotal_paise: int
    fee_paise: int
    currency: str
    hold_seconds: int
    lines: tuple[HoldRequestLine, ...]


@dataclass(frozen=True, slots=True)
class HoldGranted:
    """The units are held until `expires_at`; both times are by `hold_clock()`.

    Attributes:
        reached: For each line the highest number of a unit it got: a good next `start`.
    """

    expires_at: datetime
    as_of: datetime
    reached: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HoldExists:
    """Nothing was done: the visitor has a live intent for this event."""


@dataclass(frozen=True, slots=True)
class HoldShortfall:
    """Nothing was done: a tier has too few free units.

    Attributes:
        free: How many it has.
        is_contended: They would suffice, but others have some of them locked this instant.
        is_held: Whether more may come back from holds.
    """

    tier_id: str
    free: int
    is_contended: bool
    is_held: bool


HoldAnswer: TypeAlias = HoldGranted | HoldExists | HoldShortfall
_ALREADY_LIVE = HoldExists()


async def hold(connection: AsyncConnection, asks: Sequence[HoldRequest]) -> list[HoldAnswer]:
    """Hold units for each ask whole or not at all, passing over rows others have locked.

    Args:
        connection: As `Database.statement` gives it. The statement never waits for a unit.
        asks: Dealt with in this order.

    Returns:
        One answer for each ask, in their order.
    """
    lines = [line for ask in asks for line in ask.lines]
    counts = [len(ask.lines) for ask in asks]
    firsts: list[int] = []
    first = 1
    for count in counts:
        firsts.append(first)
        first += count
    result = await connection.execute(
        _HOLD,
        {
            "ask_ids": [ask.id for ask in asks],
            "event_ids": [ask.event_id for ask in asks],
            "visitor_ids": [ask.visitor_id for ask in asks],
            "subtotals": [ask.subtotal_paise for ask in asks],
            "fees": [ask.fee_paise for ask in asks],
            "currencies": [ask.currency for ask in asks],
            "hold_seconds": [ask.hold_seconds for ask in asks],
            "first_lines": firsts,
            "line_counts": counts,
            "line_ids": [line.id for line in lines],
            "tier_ids": [line.tier_id for line in lines],
            "quantities": [line.quantity for line in lines],
            "prices": [line.unit_price_paise for line in lines],
            "starts": [line.start for line in lines],
        },
    )
    return [_answer(*row) for row in sorted(result.all(), key=lambda row: row.place)]


def _answer(
    _place: int,
    expires_at: datetime | None,
    as_of: datetime,
    reached: list[int],
    short_tier_id: str | None,
    free: int,
    is_contended: bool,  # noqa: FBT001
    is_held: bool,  # noqa: FBT001
) -> HoldAnswer:
    if expires_at is not None:
        return HoldGranted(expires_at, as_of, tuple(reached))
    if short_tier_id is None:
        return _ALREADY_LIVE
    return HoldShortfall(short_tier_id, free, is_contended, is_held)
