"""Names of attendees on tickets; they can change until the ticket is used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.bookings import records as booking_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.errors import InvalidContact, NamesFixed, NotFound, RateLimited
from surge_app.models import AuditEntry, EventPhase, TicketStatus
from surge_app.observability.log import get_logger
from surge_app.services.bookings.views import BookingView, TicketView
from surge_app.services.checkout.contacts import ATTENDEES, Contacts

_log = get_logger(__name__)

# Privacy finds what holds names in the log by how an action begins.
_ACTION = "booking.correct_attendees"
_MAX_CHANGES = 20
_CHANGES_WITHIN = timedelta(hours=24)


class Attendees:
    """Puts other names on tickets. The codes stay the same, so no ticket has to be sent again."""

    def __init__(self, database: Database, contacts: Contacts) -> None:
        self._database = database
        self._contacts = contacts

    async def rename(self, ref: str, names: Mapping[int, str], *, actor: str) -> int:
        """Change the attendees' names on the tickets of a booking; returns how many names changed.

        Args:
            ref: The booking. Whether the caller may do this is the caller's question.
            names: As typed, by the number of the ticket; a ticket that is not named keeps its.

        Raises:
            InvalidContact: With a sentence for each name that needs another look.
            NamesFixed: If the event asks for no names, has begun or is cancelled, or a ticket is
                void or was used.
            NotFound: If there is no such booking or ticket.
            RateLimited: If names were changed too often within a day.
        """
        wanted = self._read(names)
        async with self._database.transaction() as session:
            booking = await booking_queries.require_booking(session, ref, for_update=True)
            event = await catalog_queries.event_by_id(session, booking.event_id)
            known = await booking_queries.tickets(session, booking.id)
            had = {ticket.seq: ticket.attendee_name for ticket, _ in known}
            if not set(wanted) <= set(had):
                raise NotFound
            changed = {n: name for n, name in wanted.items() if name != had[n]}
            if not changed:
                return 0
            is_over = event.starts_at <= utc_now() or event.phase == EventPhase.CANCELLED
            if is_over or not event.ask_attendee_names:
                raise NamesFixed
            await _check_pace(session, ref)
            # Check-in does not wait for this transaction, so the statement itself checks again.
            if await booking_queries.name_tickets(session, booking.id, changed) < len(changed):
                raise NamesFixed
            # A page that shows the booking shows an older version now.
            booking.version += 1
            entry = AuditEntry(actor=actor, action=_ACTION, subject=ref)
            entry.before = {str(number): had[number] for number in changed}
            entry.after = {str(number): name for number, name in changed.items()}
            session.add(entry)
        _log.info("attendees_renamed", booking=ref, actor=actor, tickets=sorted(changed))
        return len(changed)

    def _read(self, names: Mapping[int, str]) -> dict[int, str]:
        problems = {
            f"{ATTENDEES}{number}": self._contacts.check_field(f"{ATTENDEES}{number}", typed)
            for number, typed in names.items()
        }
        problems = {field: problem for field, problem in problems.items() if problem}
        if problems:
            raise InvalidContact(problems)
        return {number: " ".join(typed.split()) for number, typed in names.items()}


def open_names(booking: BookingView) -> list[TicketView]:
    """Return the tickets of a booking whose names may still be changed."""
    event = booking.event
    if not event.ask_attendee_names or event.status == "cancelled" or event.starts_at <= utc_now():
        return []
    return [one for one in booking.tickets if one.status == TicketStatus.VALID and not one.is_used]


async def _check_pace(session: AsyncSession, ref: str) -> None:
    recent, oldest = await booking_queries.actions_within(session, ref, _ACTION, _CHANGES_WITHIN)
    if recent >= _MAX_CHANGES:
        raise RateLimited(max(1, round(_CHANGES_WITHIN.total_seconds() - oldest)))
