"""Find a booking without its link: by reference and contact, or by this browser's cookies."""

from __future__ import annotations

import contextlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError

from surge_app.db.bookings import records as queries
from surge_app.db.engine import Database
from surge_app.errors import Busy, NotFound, RateLimited, SurgeError
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.languages import N_
from surge_app.observability.log import get_logger
from surge_app.services.checkout.contacts import Contacts

_log = get_logger(__name__)

_REF = re.compile(r"(?:SRG)?([A-HJ-NP-Z2-9]{8})")
# Only failures count. Guessing is slow from one network, and slow for one booking from it.
_BY_NETWORK = Limit("find-network", per_minute=3, burst=10, strict=True)
_BY_REF = Limit("find-ref", per_minute=1, burst=5, strict=True)
# From everywhere together. Beyond it the owner gets the link by mail, so it keeps no one out.
_BY_REF_IN_TOTAL = Limit("find-ref-total", per_minute=1, burst=30, strict=True)


class BookingGuarded(SurgeError, code="booking_guarded", status=429):
    """Too many wrong contacts came for this reference; `ref` is set if this one was right."""

    message = N_(
        "This booking was searched for too often. If your details are right, its link is on the "
        "way to the booking's email address."
    )

    def __init__(self, ref: str = "") -> None:
        super().__init__()
        self.ref = ref


@dataclass(frozen=True, slots=True)
class FoundBooking:
    """A booking that was found by its reference and contact."""

    ref: str
    link_version: int


class BookingLookup:
    """Finds bookings by what the buyer knows, or by what their browser carries."""

    def __init__(self, database: Database, limits: RateLimiter, contacts: Contacts) -> None:
        self._database = database
        self._limits = limits
        self._contacts = contacts

    async def find(self, ref: str, contact: str, *, client_address: str) -> FoundBooking:
        """Return the booking with this reference and contact.

        A wrong reference and a wrong contact get the same answer, after the same work.

        Args:
            ref: As typed; case, spaces, hyphens and `SRG` in front do not matter.
            contact: The email address or mobile number of the booking, as typed.
            client_address: Its network is limited, beside the reference.

        Raises:
            BookingGuarded: If wrong contacts keep coming for this reference from anywhere.
            NotFound: If there is no such booking with this contact.
            RateLimited: If the network failed too often.
            QueueUnavailable: If failures cannot be counted.
        """
        letters = "".join(letter for letter in ref.upper() if letter.isalnum())
        match = _REF.fullmatch(letters)
        full_ref = f"SRG-{match[1]}" if match else ""
        network = networks(client_address).narrow
        attempt = ((_BY_NETWORK, network), (_BY_REF, f"{full_ref}:{network}"))
        await self._limits.check_all("find", *attempt)
        email_or_phone = self._normalized(contact)
        async with self._database.transaction() as session:
            booking = await queries.by_ref(session, full_ref)
            addresses = [email_or_phone, booking.email if booking else ""]
            given, expected = await queries.email_keys(session, addresses)
        phone = booking.phone if booking else ""
        pairs = ((given, expected), (email_or_phone, phone))
        matches = [hmac.compare_digest(one.encode(), other.encode()) for one, other in pairs]
        found = booking if email_or_phone and any(matches) else None
        if full_ref and await self._is_guarded(full_ref):
            raise BookingGuarded(found.ref if found else "")
        if found is None:
            raise NotFound
        await self._limits.forgive("find", *attempt)
        await self._limits.forgive("find-ref", (_BY_REF_IN_TOTAL, full_ref))
        return FoundBooking(found.ref, found.link_version or 0)

    async def _is_guarded(self, ref: str) -> bool:
        """Count an attempt for a reference; return whether there were too many."""
        try:
            await self._limits.check_all("find-ref", (_BY_REF_IN_TOTAL, ref))
        except RateLimited:
            return True
        return False

    async def latest_for_event(
        self, slug: str, refs: Iterable[str], *, visitor_id: str = ""
    ) -> str | None:
        """Return the newest confirmed booking of this browser for an event.

        While Postgres is unavailable it returns None, so that no one is kept from the queue.

        Args:
            refs: The bookings in this browser's cookie.
            visitor_id: Adds the bookings this visitor paid for; empty leaves them out.
        """
        if not (refs or visitor_id):
            return None
        try:
            async with self._database.transaction() as session:
                return await queries.newest_confirmed(
                    session, slug, list(refs), visitor_id=visitor_id
                )
        except (SQLAlchemyError, Busy) as error:
            _log.warning("booking_not_looked_up", error=repr(error))
            return None

    def _normalized(self, contact: str) -> str:
        """Return an address, or a number as E.164; empty if it is neither."""
        for field in ("email", "phone"):
            with contextlib.suppress(ValueError):
                return self._contacts.read_field(field, contact)
        return ""
