"""Rows of the outbox: one for each occasion and channel, written with the data they describe."""

from __future__ import annotations

from datetime import timedelta

from surge_app.clock import new_id, utc_now
from surge_app.errors import SurgeError
from surge_app.languages import N_
from surge_app.models import Booking, Channel, Intent, MessageKind, OutboxMessage, Refund
from surge_app.models.base import create_row
from surge_app.observability import tracing


class NoContact(SurgeError, code="no_address", status=409):
    """The booking has neither an email address nor a mobile number."""

    message = N_(
        "This booking has no email address or mobile number. Nothing was sent. Add one first."
    )


def messages_for(
    intent: Intent,
    booking: Booking | None,
    kind: MessageKind,
    *,
    refund: Refund | None = None,
    key: str | None = None,
) -> list[OutboxMessage]:
    """Return the messages for a buyer, one for each channel with an address.

    Args:
        intent: Gives the contact as long as there is no booking.
        booking: Its contact may have been corrected since.
        refund: Gives the amount in the text.
        key: Each kind is sent once per key; by default the id of the refund, else the intent.
    """
    key = key or (refund.id if refund else intent.id)
    contact = booking or intent
    recipients = {Channel.EMAIL: contact.email or "", Channel.SMS: contact.phone or ""}
    return [
        message_row(intent, booking, kind, channel, recipient, key=key, refund=refund)
        for channel, recipient in recipients.items()
        if recipient
    ]


def notice_messages(
    intent: Intent, booking: Booking, kind: MessageKind, notice_id: str
) -> list[OutboxMessage]:
    """Return the messages of a notice to ticket holders, one set for each booking."""
    rows = messages_for(intent, booking, kind, key=f"{notice_id}:{booking.id}")
    for row in rows:
        row.notice_id = notice_id
    return rows


def message_row(
    intent: Intent,
    booking: Booking | None,
    kind: MessageKind,
    channel: Channel,
    recipient: str,
    *,
    key: str,
    refund: Refund | None = None,
) -> OutboxMessage:
    """Return one message; see `messages_for`."""
    return create_row(
        OutboxMessage,
        id=new_id(),
        intent_id=intent.id,
        booking_id=booking.id if booking else None,
        channel=channel,
        kind=kind,
        recipient=recipient,
        refund_id=refund.id if refund else None,
        dedupe_key=f"{key}:{kind}:{channel}",
        # The clocks of two machines differ a little, and it is due at once.
        next_attempt_at=utc_now() - timedelta(seconds=1),
        trace=tracing.current_traceparent(),
    )
