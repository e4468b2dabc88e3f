"""Statements of check-in: one UPDATE admits a ticket once, however many scan it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.bookings.text_search import TextQuery, for_scanner

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
        b.id AS booking_id, b.event_id, coalesce(nullif(t.attendee_name, ''), b.name) AS name,
        tier.name AS tier
    FROM tickets t
    JOIN bookings b ON b.id = t.booking_id
    JOIN units u ON u.id = t.unit_id
    JOIN tiers tier ON tier.id = u.tier_id
"""
_ONE = text(f"{_TICKET} WHERE t.code = :code OR t.id = :ticket_id")
_SEARCH = """
    WHERE b.id IN (SELECT f.id FROM ({found}) f JOIN bookings n ON n.id = f.id
        ORDER BY n.name, n.id LIMIT :most)
    ORDER BY b.name, b.id, t.seq
"""
_OTHERS = text(
    """
    SELECT o.id FROM tickets t JOIN tickets o ON o.booking_id = t.booking_id
    WHERE t.id = :ticket_id AND o.id <> t.id AND o.status = 'valid' AND o.checked_in_at IS NULL
    ORDER BY o.seq
    """
)
_UNDO = """
    UPDATE tickets t SET checked_in_at = NULL, checked_in_gate = NULL, checked_in_by = NULL,
        scan_id = NULL
    FROM bookings b
    WHERE b.id = t.booking_id AND t.checked_in_at IS NOT NULL AND {}
    RETURNING b.ref, t.seq
"""
_UNDO_TICKET = text(_UNDO.format("b.ref = :ref AND t.seq = :seq"))
_UNDO_SCANS = text(
    _UNDO.format("b.event_id = :event_id AND t.scan_id = ANY(CAST(:scan_ids AS text[]))")
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
    result = await session.execute(_UNDO_TICKET, {"ref": ref, "seq": seq})
    return result.scalar() is not None


async def undo_scans(
    session: AsyncSession, event_id: str, scan_ids: Sequence[str]
) -> dict[str, list[int]]:
    """Take the check-ins of these scans back; returns their tickets by booking."""
    values = {"event_id": event_id, "scan_ids": list(scan_ids)}
    undone: dict[str, list[int]] = {}
    for row in await session.execute(_UNDO_SCANS, values):
        undone.setdefault(row.ref, []).append(row.seq)
    return undone


async def others(session: AsyncSession, ticket_id: str) -> Sequence[str]:
    """Return the ids of the other tickets of the booking that can still come in."""
    return (await session.scalars(_OTHERS, {"ticket_id": ticket_id})).all()


async def ticket(session: AsyncSession, wanted: Wanted) -> RowMapping | None:
    """Return what is known of a ticket of any event."""
    return (await session.execute(_ONE, wanted.values())).mappings().one_or_none()


async def search(
    session: AsyncSession, event_id: str, query: str, *, most: int
) -> Sequence[RowMapping]:
    """Return the tickets of at most so many bookings, by name or whole address or reference."""
    wanted = TextQuery.parse(query)
    values = {**wanted.values(), "event_id": event_id, "most": most}
    statement = text(_TICKET + _SEARCH.format(found=for_scanner(wanted)))
    return (await session.execute(statement, values)).mappings().all()


async def counts(session: AsyncSession, event_id: str) -> tuple[int, int]:
    """Count the valid tickets of an event, and how many of them came in."""
    row = (await session.execute(_COUNTS, {"event_id": event_id})).one()
    return row.valid, row.inside


async def codes(session: AsyncSession, event_id: str) -> Sequence[tuple[str, datetime | None, str]]:
    """Return the codes of all valid tickets, with when and where they came in."""
    rows: Sequence[Any] = (await session.execute(_CODES, {"event_id": event_id})).all()
    return [(row.code, row.checked_in_at, row.gate) for row in rows]
