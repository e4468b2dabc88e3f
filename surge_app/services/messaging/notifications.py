"""Messages on request: confirmations again, retries, and their state."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.clock import new_id
from surge_app.db.bookings import records as booking_queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.messaging import messages as queries, outbox
from surge_app.errors import AlreadyRefunded, NotFound, RateLimited, SurgeError
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.languages import N_
from surge_app.models import (
    AuditEntry,
    Booking,
    BookingStatus,
    Channel,
    DeliveryStatus,
    Intent,
    MessageKind,
    MessageStatus,
    OutboxMessage,
    SalesChannel,
)
from surge_app.observability.log import get_logger
from surge_app.services.bookings.versioning import bump_version
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.messaging.contact_codes import ContactCodeRequired, ContactCodes
from surge_app.services.messaging.outbox_rows import NoContact, message_row, messages_for
from surge_app.services.messaging.views import MessagePage, MessageView, SentMessage

_log = get_logger(__name__)

ATTENDEE = "attendee"
"""The actor of changes that a browser with a right to the booking requests."""

_CONFIRMATIONS = (MessageKind.CONFIRMATION, MessageKind.CONFIRMATION_AGAIN)
_ADDRESSES = {Channel.EMAIL: "email", Channel.SMS: "phone"}
_MAX_RESENDS = 5
_RESENDS_WITHIN = timedelta(hours=24)
# Of attendees; each also sends a code where a contact is to be changed.
_BY_NETWORK = Limit("resend-network", per_minute=5, burst=100)
_IN_TOTAL = Limit("resend-total", per_minute=60, burst=2_000)
_MAX_PAGE = 200


class MessagePending(SurgeError, code="message_on_its_way", status=409):
    """The message is still being tried, or has arrived."""

    message = N_(
        "This message is still being sent, or has arrived. Nothing was changed. No action is "
        "needed."
    )


class Notifications:
    """Sends confirmations again, and reports delivery."""

    def __init__(
        self, database: Database, contacts: Contacts, codes: ContactCodes, limits: RateLimiter
    ) -> None:
        self._database = database
        self._limits = limits
        self._contacts = contacts
        self._codes = codes

    async def resend(  # noqa: PLR0913  the fields of a form, and who sent it
        self,
        ref: str,
        *,
        actor: str,
        email: str | None = None,
        phone: str | None = None,
        version: int | None = None,
        may_change_contact: bool = True,
        code: str = "",
        client_address: str = "",
    ) -> int:
        """Send the confirmation of a booking again, perhaps to a corrected address.

        A corrected address replaces the old one, which is informed. Earlier links stop working.

        Args:
            ref: The booking. The caller has checked the right to see it.
            actor: For the audit log: an organizer, or `ATTENDEE`, limited to five times a day.
            email: The new address as typed; None keeps the current one.
            phone: The new number as typed; None keeps the current one.
            version: Of the booking as an organizer saw it.
            may_change_contact: False requires a valid `code` for a change.
            code: As emailed to the current address.
            client_address: Of an attendee, whose network is limited.

        Returns:
            How many messages are on their way to the booking's address.

        Raises:
            AlreadyRefunded: If the booking has no valid tickets.
            ContactCodeRequired: If a change needs a code; one is on its way.
            EditConflict: If someone else changed the booking since it was read.
            InvalidContact: If an address is not valid.
            NoContact: If the booking has no address.
            NotFound: If there is no such booking.
            RateLimited: If it was requested too often within a day.
        """
        if client_address:
            network = networks(client_address).wide
            await self._limits.check_all("resend", (_BY_NETWORK, network), (_IN_TOTAL, "all"))
        is_allowed = may_change_contact or await self._codes.verify(ref, code)
        try:
            return await self._resend(
                ref, actor=actor, email=email, phone=phone, version=version, is_allowed=is_allowed
            )
        except ContactCodeRequired:
            await self._codes.send(ref)
            raise

    async def require_code(self, ref: str, code: str) -> None:
        """Refuse a change of a booking by a link alone; raises like `resend` without a code."""
        if not await self._codes.verify(ref, code):
            await self._codes.send(ref)
            raise ContactCodeRequired

    async def _resend(
        self,
        ref: str,
        *,
        actor: str,
        email: str | None,
        phone: str | None,
        version: int | None,
        is_allowed: bool,
    ) -> int:
        async with self._database.transaction() as session:
            booking = await booking_queries.by_ref(session, ref, for_update=True)
            intent = booking and await intent_queries.by_id(session, booking.intent_id)
            if booking is None or intent is None:
                raise NotFound
            if booking.status != BookingStatus.CONFIRMED:
                raise AlreadyRefunded
            if version is not None:
                bump_version(booking, version)
            before = {"email": booking.email, "phone": booking.phone}
            contact = self._contacts.check(
                name=booking.name,
                email=email or booking.email,
                phone=phone or booking.phone,
                may_lack_address=booking.channel != SalesChannel.ONLINE,
            )
            after = {"email": contact.email, "phone": contact.phone}
            changed = {field: after[field] for field in after if after[field] != before[field]}
            if changed and not is_allowed:
                raise ContactCodeRequired
            if actor == ATTENDEE:
                await _check_pace(session, booking)
            key = new_id()
            rows = _farewells(intent, booking, changed, key)
            booking.email, booking.phone = contact.email, contact.phone
            if changed:
                booking.link_version = (booking.link_version or 0) + 1
            if changed and version is None:
                # A booking already shown elsewhere is now out of date.
                booking.version += 1
            confirmations = _confirmations(intent, booking, before, key)
            if not confirmations:
                raise NoContact
            rows += confirmations
            await session.flush()
            await outbox.redirect(session, booking.id, **after)
            await outbox.resolve_lost(
                session,
                col(OutboxMessage.intent_id) == intent.id,
                col(OutboxMessage.kind).in_(_CONFIRMATIONS),
            )
            await outbox.add(session, rows)
            action = "booking.correct_contact" if changed else "booking.resend"
            old = {field: before[field] for field in changed}
            session.add(
                AuditEntry(actor=actor, action=action, subject=ref, before=old, after=changed)
            )
        _log.info("booking_resent", booking=ref, actor=actor, corrected=sorted(changed))
        return len(confirmations)

    async def listed(
        self, *, status: str, slug: str | None = None, before: str | None = None, limit: int = 50
    ) -> MessagePage:
        """Return messages for an organizer, the newest first.

        Args:
            status: pending, sent or dead; or bounced for what did not arrive though it was sent;
                or trouble for dead and bounced together.
            slug: Of one event only.
            before: From `next_before` of the page before.
            limit: At most so many, up to 200.
        """
        most = max(1, min(limit, _MAX_PAGE))
        async with self._database.transaction() as session:
            rows = await queries.listed(
                session, status=status, slug=slug, before=before, limit=most + 1
            )
        shown = tuple(_view(*row) for row in rows[:most])
        return MessagePage(shown, shown[-1].id if len(rows) > most else None)

    async def retry(self, message_id: str, *, actor: str) -> None:
        """Send a message again that was given up or did not arrive, to the current contact.

        The lost one keeps its recipient and its history.

        Raises:
            MessageOnItsWay: If it is neither.
            NotFound: If there is no such message.
        """
        async with self._database.transaction() as session:
            message = await queries.by_id(session, message_id, for_update=True)
            if message is None:
                raise NotFound
            if not await outbox.resolve_lost(session, col(OutboxMessage.id) == message_id):
                raise MessagePending
            before = {"status": message.status, "error": message.last_error or ""}
            await outbox.add(session, [await _again(session, message)])
            session.add(
                AuditEntry(actor=actor, action="message.retry", subject=message_id, before=before)
            )
        _log.info("message_retried", message=message_id, actor=actor)

    async def of_booking(self, ref: str) -> tuple[SentMessage, ...]:
        """Return how the newest confirmation of a booking stands on each channel."""
        async with self._database.transaction() as session:
            rows = await queries.confirmations(session, ref)
        return tuple(SentMessage(row.channel, _state(row), row.recipient) for row in rows)


async def _again(session: AsyncSession, message: OutboxMessage) -> OutboxMessage:
    """Return a message like a lost one, to the address that counts now."""
    intent = await intent_queries.by_id(session, message.intent_id)
    if intent is None:
        raise NotFound
    booking = await booking_queries.by_intent(session, intent.id)
    is_confirmation = message.kind == MessageKind.CONFIRMATION
    kind = MessageKind.CONFIRMATION_AGAIN if is_confirmation else MessageKind(message.kind)
    channel = Channel(message.channel)
    current = getattr(booking or intent, _ADDRESSES[channel])
    # A warning is for the address that counts no more.
    is_farewell = kind == MessageKind.CONTACT_CHANGED
    recipient = message.recipient if is_farewell else current or message.recipient
    # The key of what it is about comes first.
    key = f"{message.dedupe_key.partition(':')[0]}:{new_id()}"
    row = message_row(intent, booking, kind, channel, recipient, key=key)
    row.refund_id, row.notice_id = message.refund_id, message.notice_id
    return row


async def _check_pace(session: AsyncSession, booking: Booking) -> None:
    recent, oldest = await queries.sent_within(
        session, booking.id, MessageKind.CONFIRMATION_AGAIN, _RESENDS_WITHIN
    )
    if recent >= _MAX_RESENDS:
        raise RateLimited(max(1, round(_RESENDS_WITHIN.total_seconds() - oldest)))


def _farewells(
    intent: Intent, booking: Booking, changed: dict[str, str], key: str
) -> list[OutboxMessage]:
    """Return the messages to the old addresses."""
    old = {"email": (Channel.EMAIL, booking.email), "phone": (Channel.SMS, booking.phone)}
    return [
        message_row(intent, booking, MessageKind.CONTACT_CHANGED, *old[field], key=key)
        for field in changed
        if old[field][1]
    ]


def _confirmations(
    intent: Intent, booking: Booking, before: dict[str, str], key: str
) -> list[OutboxMessage]:
    """Return the confirmations; a channel that had no address before gets its first one."""
    had = {channel for channel, field in _ADDRESSES.items() if before[field]}
    first = messages_for(intent, booking, MessageKind.CONFIRMATION)
    again = messages_for(intent, booking, MessageKind.CONFIRMATION_AGAIN, key=key)
    return [
        *(message for message in first if message.channel not in had),
        *(message for message in again if message.channel in had),
    ]


def _view(message: OutboxMessage, slug: str, ref: str | None) -> MessageView:
    return MessageView(
        id=message.id,
        event_slug=slug,
        booking_ref=ref,
        channel=message.channel,
        kind=message.kind,
        recipient=message.recipient,
        status=message.status,
        state=_state(message),
        attempts=message.attempts,
        last_error=message.delivery_detail or message.last_error,
        created_at=message.created_at,
        next_attempt_at=message.next_attempt_at,
        sent_at=message.sent_at,
    )


def _state(message: OutboxMessage) -> str:
    if message.status == MessageStatus.DEAD:
        return "failed"
    if message.status != MessageStatus.SENT:
        return "on_its_way"
    if message.delivery in {DeliveryStatus.BOUNCED, DeliveryStatus.FAILED}:
        return str(message.delivery)
    return "delivered" if message.delivery == DeliveryStatus.DELIVERED else "sent"
