"""Finding a booking again without its link: by what was given with it, or in one's own browser."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from surge_app.db.bookings import records as queries
from surge_app.db.engine import Database
from surge_app.errors import Busy, InvalidContact, NotFound
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.observability.log import get_logger
from surge_app.services.checkout.contacts import Contacts

_log = get_logger(__name__)

_REF = re.compile(r"(?:SRG)?([A-HJ-NP-Z2-9]{8})")
# Guessing must be slow from one place, and slow for one booking from everywhere.
_BY_ADDRESS = Limit("find-address", per_minute=3, burst=10, strict=True)
_BY_REF = Limit("find-ref", per_minute=1, burst=5, strict=True)


class BookingLookup:
    """Tells whether somebody knows a booking well enough to open it."""

    def __init__(self, database: Database, limits: RateLimiter, contacts: Contacts) -> None:
        self._database = database
        self._limits = limits
        self._contacts = contacts

    async def find(self, ref: str, contact: str, *, client_address: str) -> str:
        """Return the reference of the booking that has both.

        A wrong reference and a wrong contact are answered alike, after the same work.

        Args:
            ref: As typed; case, spaces, hyphens and `SRG` in front do not matter.
            contact: The email address or the mobile number given with the booking, as typed.
            client_address: Who is counted, beside the reference.

        Raises:
            NotFound: If there is no such booking with this contact.
            RateLimited: If somebody tries too often.
            LineUnavailable: If nobody can count how often.
        """
        await self._limits.check(_BY_ADDRESS, client_address)
        letters = "".join(letter for letter in ref.upper() if letter.isalnum())
        found = _REF.fullmatch(letters)
        known = f"SRG-{found[1]}" if found else ""
        if known:
            await self._limits.check(_BY_REF, known)
        typed = self._normalized(contact)
        async with self._database.transaction() as session:
            booking = await queries.by_ref(session, known)
        given = (booking.email.lower(), booking.phone) if booking else ("", "")
        matches = [hmac.compare_digest(typed.encode(), one.encode()) for one in given]
        if not typed or booking is None or not any(matches):
            raise NotFound
        return booking.ref

    async def bought(self, slug: str, refs: Sequence[str], *, visitor_id: str = "") -> str | None:
        """Return the newest of a browser's own bookings that stands for an event.

        While Postgres is away it is None: nobody is kept from the line, which does without.

        Args:
            slug: Of the event.
            refs: The bookings this browser may see.
            visitor_id: Of this browser, whose bookings are its own too; empty leaves them out.
        """
        if not (refs or visitor_id):
            return None
        try:
            async with self._database.transaction() as session:
                return await queries.newest_confirmed(session, slug, refs, visitor_id=visitor_id)
        except (SQLAlchemyError, Busy) as error:
            _log.warning("booking_not_looked_up", error=repr(error))
            return None

    def _normalized(self, contact: str) -> str:
        """Return an address in small letters, or a number as E.164; empty if it is neither."""
        is_email = "@" in contact
        try:
            checked = self._contacts.check(
                name="-",
                email=contact if is_email else "nobody@example.com",
                phone="9876543210" if is_email else contact,
            )
        except InvalidContact:
            return ""
        return checked.email.lower() if is_email else checked.phone
