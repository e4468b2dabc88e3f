"""Messages: written with the booking, sent afterwards, retried until they arrive.

A booking never waits for a message and never fails because of one.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import new_id, utc_now
from surge_app.db import bookings as booking_queries
from surge_app.db import catalog as catalog_queries
from surge_app.db import intents as intent_queries
from surge_app.db import outbox
from surge_app.db import refunds as refund_queries
from surge_app.db.engine import Database
from surge_app.log import get_logger
from surge_app.models import (
    Booking,
    BookingStatus,
    Channel,
    Event,
    Intent,
    MessageKind,
    OutboxMessage,
    Refund,
)
from surge_app.money import rupees, rupees_ascii
from surge_app.services.catalog import organizer_line
from surge_app.services.dates import long_date, short_date
from surge_app.services.ports import (
    Mail,
    MailSender,
    ProviderError,
    ProviderOutcomeUnknown,
    ProviderRejected,
    ProviderUnavailable,
    Sms,
    SmsSender,
)
from surge_app.services.refund_plan import RefundReason
from surge_app.services.tickets import Tickets

_log = get_logger(__name__)

_BATCH = 20
_LEASE = timedelta(seconds=60)
_LONGEST_PAUSE_SECONDS = 15
_MOST_ATTEMPTS = 40
_MOST_UNKNOWN_SMS = 2


def messages_for(
    intent: Intent,
    booking: Booking | None,
    kind: MessageKind,
    *,
    refund: Refund | None = None,
    key: str | None = None,
) -> list[OutboxMessage]:
    """Return the rows that tell a person something, one for each channel.

    Args:
        intent: Whose contact is told.
        booking: What the intent became, if it did.
        kind: What is told.
        refund: What it tells of; the amount is in the text.
        key: It is told once of a kind for each key, however often it is asked for; the refund
            or else the intent is the key if it is None.
    """
    key = key or (refund.id if refund else intent.id)
    recipients = {Channel.EMAIL: intent.email or "", Channel.SMS: intent.phone or ""}
    return [
        OutboxMessage(
            id=new_id(),
            intent_id=intent.id,
            booking_id=booking.id if booking else None,
            channel=channel,
            kind=kind,
            recipient=recipient,
            refund_id=refund.id if refund else None,
            dedupe_key=f"{key}:{kind}:{channel}",
            next_attempt_at=utc_now() - timedelta(seconds=1),
        )
        for channel, recipient in recipients.items()
    ]


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a message speaks of."""

    event: Event
    intent: Intent
    booking: Booking | None
    refund: Refund | None

    @property
    def ref(self) -> str | None:
        """The reference of the booking, if there is one."""
        return self.booking.ref if self.booking else None

    @property
    def is_extra(self) -> bool:
        """Whether it tells of money that bought nothing, beside what was bought."""
        return self.refund is not None and self.refund.reason not in set(RefundReason)

    @property
    def is_cancelled(self) -> bool:
        """Whether no ticket of the booking is valid after what the message tells of."""
        if self.refund is not None:
            return self.refund.reason == RefundReason.WHOLE
        return self.booking is not None and self.booking.status != BookingStatus.CONFIRMED


class Notifications:
    """Takes messages from the outbox and hands them to the providers."""

    def __init__(
        self, database: Database, mail: MailSender, sms: SmsSender, tickets: Tickets
    ) -> None:
        """Keep the collaborators."""
        self._database = database
        self._mail = mail
        self._sms = sms
        self._tickets = tickets

    async def dispatch(self) -> int:
        """Send what is due; returns how many messages were tried."""
        async with self._database.transaction() as session:
            due = await outbox.take_due(session, limit=_BATCH, lease=_LEASE)
        await asyncio.gather(*(self._deliver(message) for message in due))
        return len(due)

    async def resend(self, booking_id: str) -> int:
        """Send the confirmation of a booking again; returns how many messages that is."""
        async with self._database.transaction() as session:
            return await outbox.revive(session, booking_id, kind=MessageKind.CONFIRMATION)

    async def _deliver(self, message: OutboxMessage) -> None:
        try:
            provider_id = await self._send(message)
        except ProviderError as error:
            await self._note_failure(message, error)
        except Exception as error:  # noqa: BLE001  see below
            # A message that cannot be written is a bug: keep it, show it, let the others go on.
            _log.exception("message_broken", message=message.id)
            await self._note_failure(message, ProviderRejected(repr(error)))
        else:
            async with self._database.transaction() as session:
                await outbox.mark_sent(session, message.id, provider_id)
            _log.info("message_sent", message=message.id, channel=message.channel)

    async def _send(self, message: OutboxMessage) -> str:
        async with self._database.transaction() as session:
            intent = await intent_queries.by_id(session, message.intent_id)
            if intent is None:
                msg = "the intent is gone"
                raise ProviderRejected(msg)
            event = await catalog_queries.event_by_id(session, intent.event_id)
            booking = await booking_queries.by_intent(session, intent.id)
            refund = await _refund_of(session, message)
        subject = _Subject(event, intent, booking, refund)
        if message.channel == Channel.SMS:
            text = self._render(f"{message.kind}.sms.txt", subject).strip()
            return await self._sms.send(Sms(message.id, message.recipient, text))
        return await self._mail.send(await self._compose(message, subject))

    async def _compose(self, message: OutboxMessage, subject: _Subject) -> Mail:
        attachments = ()
        if message.kind == MessageKind.CONFIRMATION and subject.ref is not None:
            attachments = await self._tickets.attachments(subject.ref)
        heading, _, text = self._render(f"{message.kind}.mail.txt", subject).partition("\n")
        return Mail(
            message_id=message.id,
            to=message.recipient,
            to_name=subject.intent.name or "",
            subject=heading.strip(),
            text=text.strip() + "\n",
            html=self._render(f"{message.kind}.mail.html", subject, images=attachments),
            attachments=attachments,
        )

    def _render(self, template: str, subject: _Subject, **more: object) -> str:
        event, intent, refund = subject.event, subject.intent, subject.refund
        return self._templates.get_template(template).render(
            name=intent.name,
            event_name=event.name,
            venue=event.venue,
            when=long_date(event.starts_at, event.time_zone),
            when_short=short_date(event.starts_at, event.time_zone),
            total=rupees(intent.total_paise),
            total_ascii=rupees_ascii(intent.total_paise),
            back=rupees(refund.amount_paise) if refund else None,
            back_ascii=rupees_ascii(refund.amount_paise) if refund else None,
            reason=refund.reason if refund else None,
            is_cancelled=subject.is_cancelled,
            is_extra=subject.is_extra,
            ref=subject.ref,
            link=self._tickets.link(subject.ref) if subject.ref else None,
            contact=organizer_line(event),
            **more,
        )

    @cached_property
    def _templates(self) -> Environment:
        return Environment(
            loader=PackageLoader("surge_app.services", "templates"),
            autoescape=select_autoescape(["html"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def _note_failure(self, message: OutboxMessage, error: ProviderError) -> None:
        async with self._database.transaction() as session:
            if _is_hopeless(message, error):
                await outbox.bury(session, message.id, str(error))
                _log.error("message_dead", message=message.id, error=str(error))
                return
            delay = _pause(message.attempts, error)
            await outbox.postpone(session, message.id, delay=delay, error=str(error))
        _log.warning("message_postponed", message=message.id, error=str(error))


async def _refund_of(session: AsyncSession, message: OutboxMessage) -> Refund | None:
    if message.refund_id is None:
        return None
    return await refund_queries.by_id(session, message.refund_id)


def _is_hopeless(message: OutboxMessage, error: ProviderError) -> bool:
    if isinstance(error, ProviderRejected) or message.attempts >= _MOST_ATTEMPTS:
        return True
    # A second mail is harmless, a second SMS costs money and trust.
    is_sms = message.channel == Channel.SMS
    is_unknown = isinstance(error, ProviderOutcomeUnknown)
    return is_sms and is_unknown and message.attempts >= _MOST_UNKNOWN_SMS


def _pause(attempts: int, error: ProviderError) -> timedelta:
    if isinstance(error, ProviderUnavailable) and error.retry_after_seconds is not None:
        return timedelta(seconds=error.retry_after_seconds + random.random())  # noqa: S311  jitter
    steady = min(_LONGEST_PAUSE_SECONDS, 2 ** (attempts - 1))
    return timedelta(seconds=steady * random.uniform(0.8, 1.2))  # noqa: S311  jitter
