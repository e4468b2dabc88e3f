"""The claim: intents, their lines and their units, for many requests in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.engine import Database

_HOLD = """
SELECT place, expires_at, as_of, reached, short_tier_id, free, is_contended, is_held, is_crowded
FROM hold_units_within(
    %(networks)s::text[], %(percent)s::int,
    %(ask_ids)s::text[], %(event_ids)s::text[], %(visitor_ids)s::text[],
    %(subtotals)s::bigint[], %(fees)s::bigint[], %(currencies)s::text[],
    %(hold_seconds)s::int[], %(first_lines)s::int[], %(line_counts)s::int[],
    %(line_ids)s::text[], %(tier_ids)s::text[], %(quantities)s::int[],
    %(prices)s::bigint[], %(starts)s::int[]
)
"""
_LOCK_NETWORK = text(
    "SELECT pg_advisory_xact_lock(hashtextextended('network ' || :event || ' ' || :network, 0))"
)
_NETWORK_ROOM = text("SELECT live, room FROM network_room(:event, :network, :percent, :but_of)")


@dataclass(frozen=True, slots=True)
class HoldRequestLine:
    """So many units of a tier, at the price that is frozen now (paise).

    Attributes:
        next_unit_hint: The number of a unit; those behind it are tried first. -1 begins anew.
    """

    id: str
    tier_id: str
    quantity: int
    unit_price_paise: int
    next_unit_hint: int = -1


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """An intent that is wanted. `id` becomes the intent's, amounts are paise.

    Attributes:
        lines: In the order of `tier_id`, each tier once.
        network: Where the visitor comes from, if what one network holds is bounded.
    """

    id: str
    event_id: str
    visitor_id: str
    subtotal_paise: int
    fee_paise: int
    currency: str
    hold_seconds: int
    lines: tuple[HoldRequestLine, ...]
    network: str | None = None


@dataclass(frozen=True, slots=True)
class HoldGranted:
    """The units are held until `expires_at`; both times are by `hold_clock()`.

    Attributes:
        next_unit_hint: For each line the highest number of a unit it got: a good next hint.
    """

    expires_at: datetime
    as_of: datetime
    next_unit_hint: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HoldExists:
    """Refused: the visitor has a live intent for this event."""


@dataclass(frozen=True, slots=True)
class HoldShortfall:
    """Refused: a tier has too few free units.

    Attributes:
        free: How many it has.
        is_contended: They would suffice, but others have some of them locked this instant.
        is_held: Whether more may come back from holds.
    """

    tier_id: str
    free: int
    is_contended: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class HoldCrowded:
    """Refused: the visitor's network holds its share of the event unpaid."""


HoldAnswer: TypeAlias = HoldGranted | HoldExists | HoldShortfall | HoldCrowded
_CROWDED = HoldCrowded()
_HOLD_EXISTS = HoldExists()


async def hold(
    database: Database, requests: Sequence[HoldRequest], *, network_percent: int = 100
) -> list[HoldAnswer]:
    """Hold units for each request whole or not at all, passing over rows others have locked.

    Args:
        database: Executes the statement, which never waits for a unit.
        requests: Handled in this order.
        network_percent: Of an event's tickets, what one network may hold unpaid.

    Returns:
        One answer for each request, in their order.
    """
    lines = [line for request in requests for line in request.lines]
    counts = [len(request.lines) for request in requests]
    firsts: list[int] = []
    first = 1
    for count in counts:
        firsts.append(first)
        first += count
    rows = await database.rows(
        _HOLD,
        {
            "networks": [request.network for request in requests],
            "percent": network_percent,
            "ask_ids": [request.id for request in requests],
            "event_ids": [request.event_id for request in requests],
            "visitor_ids": [request.visitor_id for request in requests],
            "subtotals": [request.subtotal_paise for request in requests],
            "fees": [request.fee_paise for request in requests],
            "currencies": [request.currency for request in requests],
            "hold_seconds": [request.hold_seconds for request in requests],
            "first_lines": firsts,
            "line_counts": counts,
            "line_ids": [line.id for line in lines],
            "tier_ids": [line.tier_id for line in lines],
            "quantities": [line.quantity for line in lines],
            "prices": [line.unit_price_paise for line in lines],
            "starts": [line.next_unit_hint for line in lines],
        },
        # The best plan for a tier of ten units is the worst for a million.
        is_planned_once=False,
    )
    return [_answer(row) for row in sorted(rows, key=lambda row: row.place)]


def _answer(row: Any) -> HoldAnswer:
    if row.is_crowded:
        return _CROWDED
    if row.expires_at is not None:
        return HoldGranted(row.expires_at, row.as_of, tuple(row.reached))
    if row.short_tier_id is None:
        return _HOLD_EXISTS
    return HoldShortfall(row.short_tier_id, row.free, row.is_contended, row.is_held)


async def network_has_room(
    session: AsyncSession, *, intent_id: str, event_id: str, network: str, percent: int, wanted: int
) -> bool:
    """Return whether a network may hold this many tickets with one intent; locks what it holds."""
    values = {"event": event_id, "network": network, "percent": percent, "but_of": intent_id}
    await session.execute(_LOCK_NETWORK, values)
    row = (await session.execute(_NETWORK_ROOM, values)).one()
    return row.live == 0 or wanted <= row.room
