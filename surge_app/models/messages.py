"""The outbox: messages stored with what they speak of, sent later."""

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
    LATE_PAYMENT = "late_payment"
    REFUNDED = "refunded"


class MessageStatus(StrEnum):
    """pending -> sending -> sent; back to pending after a failure; dead when given up."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class OutboxMessage(SQLModel, table=True):
    """One message to one person. `dedupe_key` makes it exactly one for each channel.

    Attributes:
        refund_id: The refund it tells of, whose amount it names.
    """

    __tablename__ = "message_outbox"
    __table_args__ = (
        one_of("channel", Channel),
        one_of("kind", MessageKind),
        one_of("status", MessageStatus),
        UniqueConstraint("dedupe_key"),
        Index(
            "ix_message_outbox_due",
            "next_attempt_at",
            postgresql_where=text("status IN ('pending', 'sending')"),
        ),
        Index("ix_message_outbox_intent", "intent_id"),
        Index("ix_message_outbox_dead", "created_at", postgresql_where=text("status = 'dead'")),
    )

    id: str = id_field()
    intent_id: str = reference("intents.id")
    booking_id: str | None = reference("bookings.id", default=None)
    refund_id: str | None = reference("refunds.id", default=None)
    channel: str = text_field()
    kind: str = text_field()
    recipient: str = text_field()
    dedupe_key: str = text_field()
    status: str = text_field(default=MessageStatus.PENDING)
    attempts: int = Field(default=0)
    next_attempt_at: datetime = time_field()
    provider_id: str | None = text_field(default=None)
    last_error: str | None = text_field(default=None)
    created_at: datetime = created_field()
    sent_at: datetime | None = time_field(default=None)
