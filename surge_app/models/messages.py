"""The outbox: messages queued in the transaction of their cause, and their delivery reports."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from surge_app.models import base


class Channel(StrEnum):
    """The medium of a message."""

    EMAIL = "email"
    SMS = "sms"


class MessageKind(StrEnum):
    """The template of a message."""

    CONFIRMATION = "confirmation"
    CONFIRMATION_AGAIN = "confirmation_again"
    """The confirmation again, on request; each request sends one."""
    CONTACT_CHANGED = "contact_changed"
    """Warns the previous address that the contact of a booking has changed."""
    CONTACT_CODE = "contact_code"
    """The code that confirms a change of contact, sent to the current email address."""
    EVENT_CHANGED = "event_changed"
    EVENT_CANCELLED = "event_cancelled"
    LATE_PAYMENT = "late_payment"
    REFUNDED = "refunded"
    """Announces a refund or void tickets, as soon as either is decided."""
    REFUND_PAID = "refund_paid"
    """Email only: the gateway has paid the refund; carries the bank reference."""


class MessageStatus(StrEnum):
    """pending -> sending -> sent; a failure returns to pending; the last failure ends in dead."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class DeliveryStatus(StrEnum):
    """The provider's report about an accepted message; it only moves forward."""

    DEFERRED = "deferred"
    """Not delivered yet; the provider keeps retrying."""
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    """The recipient's side refused it: wrong address, full mailbox, number out of service."""
    FAILED = "failed"
    """The provider dropped it before handing it on."""


class OutboxMessage(SQLModel, table=True):
    """One message to one recipient; `dedupe_key` allows exactly one per channel.

    Attributes:
        refund_id: The refund whose amount it states.
        notice_id: The organizer's notice it carries, if any.
        unknowns: Attempts whose effect is unknown.
        first_tried_at: First claim.
        resolved_at: When a lost message was repeated; None leaves it to an organizer.
        delivery: A `DeliveryStatus`, once the provider has reported one.
        trace: W3C `traceparent` that the sending continues.
    """

    __tablename__ = "message_outbox"
    __table_args__ = (
        base.one_of("channel", Channel),
        base.one_of("kind", MessageKind),
        base.one_of("status", MessageStatus),
        base.one_of("delivery", DeliveryStatus),
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
        Index(
            "ix_message_outbox_notice", "notice_id", postgresql_where=text("notice_id IS NOT NULL")
        ),
        Index("ix_message_outbox_dead", "created_at", postgresql_where=text("status = 'dead'")),
    )

    id: str = base.id_field()
    intent_id: str = base.reference("intents.id")
    booking_id: str | None = base.reference("bookings.id", default=None)
    refund_id: str | None = base.reference("refunds.id", default=None)
    notice_id: str | None = base.reference("event_notices.id", default=None)
    channel: str = base.text_field()
    kind: str = base.text_field()
    recipient: str = base.text_field()
    dedupe_key: str = base.text_field()
    status: str = base.text_field(default=MessageStatus.PENDING)
    attempts: int = Field(default=0)
    unknowns: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    next_attempt_at: datetime = base.time_field()
    first_tried_at: datetime | None = base.time_field(default=None)
    provider_id: str | None = base.text_field(default=None)
    last_error: str | None = base.text_field(default=None)
    created_at: datetime = base.created_field()
    sent_at: datetime | None = base.time_field(default=None)
    delivery: str | None = base.text_field(default=None)
    delivery_detail: str | None = base.text_field(default=None)
    delivery_at: datetime | None = base.time_field(default=None)
    resolved_at: datetime | None = base.time_field(default=None)
    trace: str | None = base.text_field(default=None)


class DeliveryEvent(SQLModel, table=True):
    """One delivery report of a provider, stored once.

    Attributes:
        key: The provider's event id, or a digest that identifies a repeated report.
        word: The status in the provider's own vocabulary.
    """

    __tablename__ = "delivery_events"
    __table_args__ = (
        base.one_of("channel", Channel),
        UniqueConstraint("channel", "key"),
        Index("ix_delivery_events_message", "message_id"),
    )

    id: str = base.id_field()
    channel: str = base.text_field()
    key: str = base.text_field()
    message_id: str = base.reference("message_outbox.id")
    word: str = base.text_field()
    detail: str | None = base.text_field(default=None)
    at: datetime = base.time_field()
    created_at: datetime = base.created_field()


class EventNotice(SQLModel, table=True):
    """A message to every ticket holder of an event, expanded into the outbox in batches.

    Attributes:
        words: The organizer's own sentence; may be empty.
        changes: A line for each change, such as "Venue: the new hall (was: the old hall)"; English.
        changed: The same as facts, which each message shows in the language of its buyer.
        booked_until: Bookings made later knew of the change; None reaches all until the notice.
        reached: The last booking expanded; None before the first.
        bookings: How many bookings are expanded.
        done_at: When the last batch was expanded.
    """

    __tablename__ = "event_notices"
    __table_args__ = (
        base.one_of("kind", MessageKind),
        Index("ix_event_notices_open", "id", postgresql_where=text("done_at IS NULL")),
    )

    id: str = base.id_field()
    event_id: str = base.reference("events.id")
    kind: str = base.text_field()
    words: str = base.text_field(default="")
    changes: str | None = base.text_field(default=None)
    changed: list[dict[str, Any]] | None = Field(default=None, sa_type=JSONB)
    booked_until: datetime | None = base.time_field(default=None)
    actor: str = base.text_field()
    reached: str | None = base.text_field(default=None)
    bookings: int = Field(default=0)
    created_at: datetime = base.created_field()
    done_at: datetime | None = base.time_field(default=None)
