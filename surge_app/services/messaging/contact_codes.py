"""A code by email that proves access to a booking's current address."""

from __future__ import annotations

from datetime import timedelta

from surge_app.clock import utc_now
from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.messaging import messages as queries, outbox
from surge_app.errors import NotFound, RateLimited, SurgeError
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.languages import N_
from surge_app.models import Channel, MessageKind
from surge_app.services.access.identity import Identity
from surge_app.services.messaging.outbox_rows import NoContact, message_row

_GUESSES = Limit("contact-code", per_minute=1, burst=5, strict=True)
_MAX_CODES = 5
_PER = timedelta(hours=24)
_CODE_LIFE = timedelta(minutes=20)


class ContactCodeRequired(SurgeError, code="contact_code_required", status=403):
    """The caller neither paid for the booking nor knows a current code."""

    message = N_(
        "To change this booking, enter the 6-digit code we've emailed to your current address. "
        "Nothing was changed yet."
    )


class ContactCodes:
    """Sends and verifies codes. A code is derived from the booking, so nothing is stored."""

    def __init__(self, database: Database, identity: Identity, limits: RateLimiter) -> None:
        self._database = database
        self._identity = identity
        self._limits = limits

    async def send(self, ref: str) -> None:
        """Email a code to the booking's address, at most one in ten minutes and five a day.

        Raises:
            NoContact: If the booking has no email address.
            NotFound: If there is no such booking.
            RateLimited: If five codes were sent within a day.
        """
        async with self._database.transaction() as session:
            booking = await booking_queries.by_ref(session, ref)
            intent = booking and await intent_queries.by_id(session, booking.intent_id)
            if booking is None or intent is None:
                raise NotFound
            if not booking.email:
                raise NoContact
            sent, oldest = await queries.sent_within(
                session, booking.id, MessageKind.CONTACT_CODE, _PER
            )
            if sent >= _MAX_CODES:
                raise RateLimited(max(1, round(_PER.total_seconds() - oldest)))
            code = self._identity.contact_code(ref, booking.link_version or 0, utc_now())
            row = message_row(
                intent,
                booking,
                MessageKind.CONTACT_CODE,
                Channel.EMAIL,
                booking.email,
                key=f"{booking.id}:{code}",
            )
            await outbox.add(session, [row])

    async def verify(self, ref: str, code: str) -> bool:
        """Return whether a code was sent to the booking's address lately.

        Raises:
            RateLimited: If codes are guessed too fast.
            QueueUnavailable: If guesses cannot be counted.
        """
        if not code:
            return False
        await self._limits.check(_GUESSES, ref)
        async with self._database.transaction() as session:
            booking = await booking_queries.by_ref(session, ref)
            if booking is None:
                return False
            sent, _ = await queries.sent_within(
                session, booking.id, MessageKind.CONTACT_CODE, _CODE_LIFE
            )
        return bool(sent) and self._identity.is_contact_code(
            code, ref, booking.link_version or 0, utc_now()
        )
