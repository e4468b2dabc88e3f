"""Messages as organizers and owners of bookings see them: frozen and plain."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message of the outbox, for an organizer.

    Attributes:
        channel: email or sms.
        kind: What it says, such as confirmation.
        status: pending, sending, sent or dead.
        state: on_its_way, sent (accepted by the provider), delivered, bounced, or failed.
        last_error: What the provider said last, None if nothing went wrong.
        next_attempt_at: Says something only while it is pending.
    """

    id: str
    event_slug: str
    booking_ref: str | None
    channel: str
    kind: str
    recipient: str
    status: str
    state: str
    attempts: int
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessagePage:
    """Some messages, the newest first; `next_before` asks for the next page, None ends it."""

    messages: tuple[MessageView, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class SentMessage:
    """The state of the confirmation on one channel, for its owner; `state` as in `MessageView`."""

    channel: str
    state: str
    recipient: str
