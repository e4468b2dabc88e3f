"""The outbox: messages stored with what they speak of, sent later, and what became of them."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from surge_app.models.base import (
    created_field,
    id_field,
    one_of,
    reference,
    text_field,
    time_field,
)


class Channel(StrEnum):
    """How a message travels."""

    EMAIL = "email"
    SMS = "sms"


class MessageKind(StrEnum):
    """What a message says."""

    CONFIRMATION = "confirmation"
    CONFIRMATION_AGAIN = "confirmation_again"
    """The confirmation once more, because someone asked; told as often as that."""
    CONTACT_CHANGED = "contact_changed"
    """Told to the old address, when a booking's messages go to another one from now on."""
    EVENT_CHANGED = "event_changed"
    EVENT_CANCELLED = "event_cancelled"
    LATE_PAYMENT = "late_payment"
    REFUNDED = "refunded"
    """Told when it is decided that money goes back, or tickets are void."""
    REFUND_PAID = "refund_paid"
    """Told by mail once the gateway has sent the money, with what to name at the bank."""


class MessageStatus(StrEnum):
    """pending -> sending -> sent; back to pending after a failure; dead when given up."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class DeliveryStatus(StrEnum):
    """What a provider told of a message it had accepted; a later word never goes back."""

    DEFERRED = "deferred"
    """Not arrived yet; the provider goes on trying."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """Refused where it was to arrive: a wrong address, a full mailbox, a number out of service."""
    FAILED = "failed"
    """Never handed on: the provider itself gave it up."""


class OutboxMessage(SQLModel, table=True):
    """One message to one person. `dedupe_key` makes it exactly one for each channel.

    Attributes:
        refund_id: The refund it tells of, whose amount it names.
        notice_id: What the organizer has to say, if it comes from that.
        unknowns: How many attempts may or may not have taken effect.
        first_tried_at: When it was taken first; None again after someone revived it.
        delivery: A `DeliveryStatus`, once the provider told one.
        trace: What its sending goes on with, if anything is traced.
    """

    __tablename__ = "message_outbox"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("kind", MessageKind),
        one_of("status", MessageStatus),
        one_of("delivery", DeliveryStatus),
        UniqueConstraint("dedupe_key"),
        Index(
            "ix_message_outbox_due",
            "channel",
            "next_attempt_at",
            postgresql_where=text("status IN ('pending', 'sending')"),
        ),
        Index(
            "ix_message_outbox_trouble",
            "id",
            postgresql_where=text("status = 'dead' OR delivery IN ('bounced', 'failed')"),
        ),
        Index("ix_message_outbox_intent", "intent_id"),
        Index("ix_message_outbox_dead", "created_at", postgresql_where=text("status = 'dead'")),
    )

    id: str = id_field()
    intent_id: str = reference("intents.id")
    booking_id: str | None = reference("bookings.id", default=None)
    refund_id: str | None = reference("refunds.id", default=None)
    notice_id: str | None = reference("event_notices.id", default=None)
    channel: str = text_field()
    kind: str = text_field()
    recipient: str = text_field()
    dedupe_key: str = text_field()
    status: str = text_field(default=MessageStatus.PENDING)
    attempts: int = Field(default=0)
    unknowns: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_attempt_at: datetime = time_field()
    first_tried_at: datetime | None = time_field(default=None)
    provider_id: str | None = text_field(default=None)
    last_error: str | None = text_field(default=None)
    created_at: datetime = created_field()
    sent_at: datetime | None = time_field(default=None)
    delivery: str | None = text_field(default=None)
    delivery_detail: str | None = text_field(default=None)
    delivery_at: datetime | None = time_field(default=None)
    trace: str | None = text_field(default=None)


class DeliveryEvent(SQLModel, table=True):
    """One word of a provider about one message, each stored once.

    Attributes:
        key: The provider's own id of the event, or what makes it the same one.
        word: The provider's own word for it.
    """

    __tablename__ = "delivery_events"
    __table_args__ = (
        one_of("channel", Channel),
        UniqueConstraint("channel", "key"),
        Index("ix_delivery_events_message", "message_id"),
    )

    id: str = id_field()
    channel: str = text_field()
    key: str = text_field()
    message_id: str = reference("message_outbox.id")
    word: str = text_field()
    detail: str | None = text_field(default=None)
    at: datetime = time_field()
    created_at: datetime = created_field()


class EventNotice(SQLModel, table=True):
    """What everybody with a ticket for an event is to be told, written to the outbox bit by bit.

    Attributes:
        words: The organizer's own sentence, or an empty text.
        reached: The last booking that was written to; None before the first.
        bookings: How many were.
        done_at: When the last one was.
    """

    __tablename__ = "event_notices"
    __table_args__ = (
        one_of("kind", MessageKind),
        Index("ix_event_notices_open", "id", postgresql_where=text("done_at IS NULL")),
    )

    id: str = id_field()
    event_id: str = reference("events.id")
    kind: str = text_field()
    words: str = text_field(default="")
    actor: str = text_field()
    reached: str | None = text_field(default=None)
    bookings: int = Field(default=0)
    created_at: datetime = created_field()
    done_at: datetime | None = time_field(default=None)
