"""Statements of check-in: one UPDATE admits a ticket once, whoever scans it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

_LET_IN = text(
    """
    UPDATE tickets t
    SET checked_in_at = least(clock_timestamp(), CAST(:at AS timestamptz)),
        checked_in_gate = :gate, checked_in_by = :by, scan_id = :scan_id
    FROM bookings b
    WHERE b.id = t.booking_id AND b.event_id = :event_id AND t.status = 'valid'
        AND t.checked_in_at IS NULL
        AND (t.code = :code OR t.id = :ticket_id)
    RETURNING t.id
    """
)
_TICKET = """
    SELECT t.id, t.seq, t.status, t.checked_in_at, t.checked_in_gate, t.scan_id, b.ref,
        b.event_id, coalesce(nullif(t.attendee_name, ''), b.name) AS name, tier.name AS tier
    FROM tickets t
    JOIN bookings b ON b.id = t.booking_id
    JOIN units u ON u.id = t.unit_id
    JOIN tiers tier ON tier.id = u.tier_id
"""
_ONE = text(f"{_TICKET} WHERE t.code = :code OR t.id = :ticket_id")
_SEARCH = text(
    f"""{_TICKET}
    WHERE b.event_id = :event_id AND (
        b.name ILIKE :like OR t.attendee_name ILIKE :like OR lower(b.email) = lower(:exact)
        OR (:digits <> '' AND b.phone IN ('+' || :digits, '+91' || :digits))
        OR b.ref = upper(:exact))
    ORDER BY b.name, b.id, t.seq LIMIT :most
    """
)
_UNDO = text(
    """
    UPDATE tickets t SET checked_in_at = NULL, checked_in_gate = NULL, checked_in_by = NULL,
        scan_id = NULL
    FROM bookings b
    WHERE b.id = t.booking_id AND b.ref = :ref AND t.seq = :seq AND t.checked_in_at IS NOT NULL
    RETURNING b.event_id
    """
)
_COUNTS = text(
    """
    SELECT count(*) FILTER (WHERE t.status = 'valid') AS valid,
        count(*) FILTER (WHERE t.status = 'valid' AND t.checked_in_at IS NOT NULL) AS inside
    FROM tickets t JOIN bookings b ON b.id = t.booking_id WHERE b.event_id = :event_id
    """
)
_CODES = text(
    """
    SELECT t.code, t.checked_in_at, coalesce(t.checked_in_gate, '') AS gate
    FROM tickets t JOIN bookings b ON b.id = t.booking_id
    WHERE b.event_id = :event_id AND t.status = 'valid' ORDER BY t.id
    """
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ticket to admit: by its code, or by its id when found by hand."""

    code: str = ""
    ticket_id: str = ""

    def values(self) -> dict[str, object]:
        """Return the parameters of the statements; an empty one matches nothing."""
        return {"code": self.code, "ticket_id": self.ticket_id}


async def let_in(
    session: AsyncSession,
    wanted: Wanted,
    *,
    event_id: str,
    gate: str,
    by: str,
    scan_id: str,
    at: datetime,
) -> bool:
    """Check a valid ticket in that was not; returns whether this call did it.

    A moment that is still to come counts as now.
    """
    values = {"event_id": event_id, "gate": gate, "by": by, "scan_id": scan_id, "at": at}
    result = await session.execute(_LET_IN, {**values, **wanted.values()})
    return result.scalar() is not None


async def undo(session: AsyncSession, ref: str, seq: int) -> bool:
    """Make a ticket usable again that was checked in; returns whether it was."""
    result = await session.execute(_UNDO, {"ref": ref, "seq": seq})
    return result.scalar() is not None


async def ticket(session: AsyncSession, wanted: Wanted) -> RowMapping | None:
    """Return what is known of a ticket of any event."""
    return (await session.execute(_ONE, wanted.values())).mappings().one_or_none()


async def search(
    session: AsyncSession, event_id: str, query: str, *, most: int
) -> Sequence[RowMapping]:
    """Return tickets of an event by part of a name, or by whole email, number or reference."""
    digits = "".join(one for one in query if one.isdigit())
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    values = {
        "event_id": event_id,
        "like": f"%{escaped}%",
        # Part of a number or address would let a scanner guess the rest of it.
        "digits": digits.removeprefix("0"),
        "exact": query,
        "most": most,
    }
    return (await session.execute(_SEARCH, values)).mappings().all()


async def counts(session: AsyncSession, event_id: str) -> tuple[int, int]:
    """Count the valid tickets of an event, and how many of them came in."""
    row = (await session.execute(_COUNTS, {"event_id": event_id})).one()
    return row.valid, row.inside


async def codes(session: AsyncSession, event_id: str) -> Sequence[tuple[str, datetime | None, str]]:
    """Return the codes of all valid tickets, with when and where they came in."""
    rows: Sequence[Any] = (await session.execute(_CODES, {"event_id": event_id})).all()
    return [(row.code, row.checked_in_at, row.gate) for row in rows]
