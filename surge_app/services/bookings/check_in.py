"""Check-in: a ticket admits once, whichever entrance scans it, online or offline."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import ConfigDict
from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.bookings import check_in as queries
from surge_app.db.bookings.check_in import Wanted
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.errors import AlreadyResolved, InvalidRequest
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.languages import gettext as _
from surge_app.models import AuditEntry, Event, TicketStatus
from surge_app.services.bookings.ticket_signing import NotATicket, TicketCodes
from surge_app.services.recent_values import RecentValues

_MAX_RESULTS = 20
_MAX_SCANS = 500
_MAX_ENTRANCE = 40
_MIN_QUERY = 2
_SEARCHES = Limit("door-search", per_minute=60, burst=30)
_HASH_BYTES = 12
_FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan: the text of a code, or the id of a ticket found by hand.

    Attributes:
        id: Made by the scanner; the same scan sent again gets the same answer.
        at: When it was made; may be a while ago if the scanner was offline.
    """

    id: str
    at: datetime
    text: str = ""
    ticket_id: str = ""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """The result of a scan.

    Attributes:
        verdict: admitted, already, void, other_event or unknown.
        ref: Of the booking; empty for a ticket found by hand.
        others: Ids of the other tickets of the booking that can still come in.
        checked_in_at: The first check-in; with `admitted`, by this scan.
    """

    scan_id: str
    verdict: str
    name: str = ""
    tier: str = ""
    ref: str = ""
    ticket: int = 0
    checked_in_at: datetime | None = None
    gate: str = ""
    others: tuple[str, ...] = ()

    # Every field is in every answer of the API.
    __pydantic_config__ = ConfigDict(json_schema_serialization_defaults_required=True)


@dataclass(frozen=True, slots=True)
class CheckInTicket:
    """A ticket found by hand; without reference or address, which would open its booking.

    Attributes:
        booking: Tickets of one booking have the same.
    """

    id: str
    booking: str
    ticket: int
    name: str
    tier: str
    is_valid: bool
    checked_in_at: datetime | None
    gate: str


@dataclass(frozen=True, slots=True)
class CheckInCounts:
    """Counts of valid tickets, and of those that are checked in."""

    slug: str
    name: str
    venue: str
    time_zone: str
    starts_at: datetime
    valid: int
    inside: int


@dataclass(frozen=True, slots=True)
class OfflineList:
    """The valid tickets for a scanner that goes offline.

    Attributes:
        tickets: The first 12 bytes of the SHA-256 of each code in base64url, with time and
            entrance of its check-in. It admits and names no one.
    """

    event_id: str
    at: datetime
    tickets: tuple[tuple[str, datetime | None, str], ...]


class CheckIn:
    """Checks tickets in, once each."""

    def __init__(self, database: Database, codes: TicketCodes, limits: RateLimiter) -> None:
        self._limits = limits
        self._database = database
        self._codes = codes
        self._counts = RecentValues(self._count, seconds=_FRESH_SECONDS)

    async def scan(
        self, slug: str, scans: Sequence[Scan], *, gate: str, actor: str
    ) -> list[ScanResult]:
        """Apply scans in their order; safe to repeat with the same ids.

        Raises:
            InvalidRequest: If the entrance has no name or there are too many scans.
            NotFound: If there is no such event.
        """
        name = gate.strip()
        if not 0 < len(name) <= _MAX_ENTRANCE or len(scans) > _MAX_SCANS:
            msg = _(
                "Enter a name of up to {letters} letters for the entrance, and send at most "
                "{scans} scans at once. No one was checked in.",
                letters=_MAX_ENTRANCE,
                scans=_MAX_SCANS,
            )
            raise InvalidRequest(msg)
        event = await self._event(slug)
        results: list[ScanResult] = []
        for scan in scans:
            # One transaction each, so that a scan that waits for another entrance delays no other.
            async with self._database.transaction() as session:
                results.append(await self._record(session, event, scan, gate=name, actor=actor))
        self._counts.invalidate(slug)
        return results

    async def undo(self, ref: str, ticket: int, *, actor: str) -> None:
        """Take a check-in back, so that the ticket can be used again.

        Raises:
            AlreadyResolved: If the ticket is not checked in.
        """
        async with self._database.transaction() as session:
            if not await queries.undo(session, ref, ticket):
                raise AlreadyResolved
            session.add(_undo_entry(actor, ref, [ticket]))
        self._counts.invalidate_all()

    async def undo_scans(self, slug: str, scan_ids: Sequence[str], *, actor: str) -> int:
        """Take check-ins of this event back that these scans made; returns how many.

        Raises:
            NotFound: If there is no such event.
        """
        event = await self._event(slug)
        async with self._database.transaction() as session:
            undone = await queries.undo_scans(session, event.id, scan_ids[:_MAX_SCANS])
            session.add_all(_undo_entry(actor, ref, seqs) for ref, seqs in undone.items())
        self._counts.invalidate(slug)
        return sum(map(len, undone.values()))

    async def search(self, slug: str, query: str, *, actor: str) -> list[CheckInTicket]:
        """Find the tickets of bookings by words of a name, or by a whole address or reference.

        Raises:
            NotFound: If there is no such event.
            RateLimited: If the scanner searches more than 60 times a minute.
        """
        await self._limits.check(_SEARCHES, actor)
        event = await self._event(slug)
        if len(query.strip()) < _MIN_QUERY:
            return []
        async with self._database.transaction() as session:
            rows = await queries.search(session, event.id, query.strip(), most=_MAX_RESULTS)
        return [
            CheckInTicket(
                id=row["id"],
                booking=row["booking_id"],
                ticket=row["seq"],
                name=row["name"],
                tier=row["tier"],
                is_valid=row["status"] == TicketStatus.VALID,
                checked_in_at=row["checked_in_at"],
                gate=row["checked_in_gate"] or "",
            )
            for row in rows
        ]

    async def counts(self, slug: str) -> CheckInCounts:
        """Return how many are checked in, at most a second old; raises NotFound."""
        return await self._counts.get(slug)

    async def offline_list(self, slug: str) -> OfflineList:
        """Return the list for a scanner that goes offline; raises NotFound."""
        event = await self._event(slug)
        async with self._database.transaction() as session:
            codes = await queries.codes(session, event.id)
        tickets = tuple((hashed(code), came_in, gate) for code, came_in, gate in codes)
        return OfflineList(event.id, utc_now(), tickets)

    async def _count(self, slug: str) -> CheckInCounts:
        event = await self._event(slug)
        async with self._database.transaction() as session:
            valid, inside = await queries.counts(session, event.id)
        return CheckInCounts(
            slug=slug,
            name=event.name,
            venue=event.venue,
            time_zone=event.time_zone,
            starts_at=event.starts_at,
            valid=valid,
            inside=inside,
        )

    async def _event(self, slug: str) -> Event:
        async with self._database.transaction() as session:
            return await catalog_queries.require_event(session, slug)

    async def _record(
        self, session: AsyncSession, event: Event, scan: Scan, *, gate: str, actor: str
    ) -> ScanResult:
        try:
            wanted = self._wanted(scan)
        except NotATicket:
            return ScanResult(scan.id, "unknown")
        is_in = await queries.let_in(
            session, wanted, event_id=event.id, gate=gate, by=actor, scan_id=scan.id, at=scan.at
        )
        row = await queries.ticket(session, wanted)
        if row is None:
            return ScanResult(scan.id, "unknown")
        if row["event_id"] != event.id:
            return ScanResult(scan.id, "other_event")
        others = await queries.others(session, row["id"])
        return _result(row, scan, others, is_in=is_in)

    def _wanted(self, scan: Scan) -> Wanted:
        if scan.text:
            return Wanted(code=self._codes.read(scan.text).code)
        if not scan.ticket_id:
            raise NotATicket
        return Wanted(ticket_id=scan.ticket_id)


def hashed(code: str) -> str:
    """Return the digest of a code for a scanner's offline list."""
    digest = hashlib.sha256(code.encode()).digest()[:_HASH_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _undo_entry(actor: str, ref: str, tickets: list[int]) -> AuditEntry:
    return AuditEntry(actor=actor, action="check_in.undo", subject=ref, after={"tickets": tickets})


def _result(row: RowMapping, scan: Scan, others: Sequence[str], *, is_in: bool) -> ScanResult:
    if row["status"] != TicketStatus.VALID:
        verdict = "void"
    elif is_in or row["scan_id"] == scan.id:
        verdict = "admitted"
    else:
        verdict = "already"
    return ScanResult(
        scan_id=scan.id,
        verdict=verdict,
        name=row["name"],
        tier=row["tier"],
        ref=row["ref"] if scan.text else "",
        ticket=row["seq"],
        checked_in_at=row["checked_in_at"],
        gate=row["checked_in_gate"] or "",
        others=tuple(others),
    )
