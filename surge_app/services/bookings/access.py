"""The right to a booking: the browser that paid owns it, a current link or cookie shows it."""

from __future__ import annotations

from enum import Enum

from surge_app.db.bookings import records as queries
from surge_app.db.engine import Database
from surge_app.services.access.identity import Cookie, Identity


class BookingRight(Enum):
    """The rights of a browser to a booking."""

    OWN = "own"
    """Change the contact as well: the browser that paid."""
    VIEW = "view"
    """See the tickets and have them sent to their current address."""


class BookingAccess:
    """Decides from cookies and link token, against the current version of the booking's link."""

    def __init__(self, database: Database, identity: Identity) -> None:
        self._database = database
        self._identity = identity

    async def right(self, ref: str, cookies: str, token: str = "") -> BookingRight | None:
        """Return the right of a browser; None also for a booking that does not exist."""
        return (await self.visit(ref, cookies, token))[0]

    async def visit(
        self, ref: str, cookies: str, token: str
    ) -> tuple[BookingRight | None, Cookie | None]:
        """Return the right of a browser, and the cookie that keeps it if it has none yet."""
        identity = self._identity
        bookings, visitor_id = identity.bookings(cookies), identity.visitor_id(cookies)
        if not (ref in bookings or visitor_id or token):
            return None, None
        async with self._database.transaction() as session:
            booking = await queries.access_facts(session, ref)
        if booking is None:
            return None, None
        version = booking.link_version
        is_marked = bookings.get(ref, -1) is None
        if is_marked or booking.visitor_id == visitor_id:
            cookie = None if is_marked else identity.add_booking_cookie(cookies, ref)
            return BookingRight.OWN, cookie
        if bookings.get(ref) == version:
            return BookingRight.VIEW, None
        if not identity.opens_booking(token, ref, version):
            return None, None
        cookie = identity.add_booking_cookie(cookies, ref, link_version=version)
        return BookingRight.VIEW, cookie
