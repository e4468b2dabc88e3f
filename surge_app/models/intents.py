"""Intents: units held for one visitor at frozen prices."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from surge_app.models import base


class IntentStatus(StrEnum):
    """held -> paying -> confirmed; held or paying -> expired or released; expired -> confirmed."""

    HELD = "held"
    PAYING = "paying"
    CONFIRMED = "confirmed"
    EXPIRED = "expired"
    RELEASED = "released"


LIVE_INTENT_STATUSES = (IntentStatus.HELD, IntentStatus.PAYING)
_IS_LIVE = text("status IN ('held', 'paying')")


class Intent(SQLModel, table=True):
    """An order before payment, with one gateway order and prices that never change.

    Attributes:
        attempted_at: When the gateway first reported an attempt to pay; its window began then.
        is_prolonged: Whether the start of its payment gave it more time than its hold had.
        next_check_at: When to query the gateway about the order again; None if never.
        checks: How many such queries were sent.
        network: The /24 or /48 it was held from; bounds what one network holds.
        request_key: Idempotency key of a box-office sale.
        attendee_names: Names by tier id, one per ticket; None unless the event asks for them.
        language: Of the messages and documents of this purchase.
    """

    __tablename__ = "intents"
    __table_args__ = (
        base.one_of("status", IntentStatus),
        CheckConstraint("total_paise = subtotal_paise + fee_paise", name="total_is_the_sum"),
        CheckConstraint(
            "subtotal_paise >= 0 AND fee_paise >= 0 AND (subtotal_paise > 0 OR fee_paise = 0)",
            name="amounts_sane",
        ),
        CheckConstraint("(status = 'paying') <= (paying_at IS NOT NULL)", name="paying_since"),
        Index(
            "uq_intents_one_live", "event_id", "visitor_id", unique=True, postgresql_where=_IS_LIVE
        ),
        Index(
            "uq_intents_request_key",
            "request_key",
            unique=True,
            postgresql_where=text("request_key IS NOT NULL"),
        ),
        Index("ix_intents_deadline", "expires_at", postgresql_where=_IS_LIVE),
        Index(
            "ix_intents_next_check",
            "next_check_at",
            postgresql_where=text("next_check_at IS NOT NULL"),
        ),
        Index("ix_intents_visitor", "event_id", "visitor_id", "created_at"),
        Index("ix_intents_email", "event_id", "email", postgresql_where=text("email IS NOT NULL")),
        Index(
            "ix_intents_email_key",
            "event_id",
            text("email_key(email)"),
            postgresql_where=text("email IS NOT NULL"),
        ),
        Index(
            "ix_intents_network",
            "event_id",
            "network",
            postgresql_where=text("network IS NOT NULL"),
        ),
        Index("ix_intents_phone", "event_id", "phone", postgresql_where=text("phone IS NOT NULL")),
    )

    id: str = base.id_field()
    event_id: str = base.reference("events.id")
    visitor_id: str = base.text_field()
    status: str = base.text_field(default=IntentStatus.HELD)
    subtotal_paise: int = base.paise_field()
    fee_paise: int = base.paise_field()
    total_paise: int = base.paise_field()
    currency: str = base.text_field(default="INR")
    expires_at: datetime = base.time_field()
    paying_at: datetime | None = base.time_field(default=None)
    attempted_at: datetime | None = base.time_field(default=None)
    is_prolonged: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    ended_at: datetime | None = base.time_field(default=None)
    order_id: str | None = base.text_field(default=None, unique=True)
    next_check_at: datetime | None = base.time_field(default=None)
    checks: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    name: str | None = base.text_field(default=None)
    email: str | None = base.text_field(default=None)
    phone: str | None = base.text_field(default=None)
    network: str | None = base.text_field(default=None)
    request_key: str | None = base.text_field(default=None)
    attendee_names: dict[str, list[str]] | None = Field(default=None, sa_type=JSONB)
    language: str = base.text_field(default="en", sa_column_kwargs={"server_default": "en"})
    created_at: datetime = base.created_field()


class IntentLine(SQLModel, table=True):
    """Quantity and frozen unit price of one tier."""

    __tablename__ = "intent_lines"
    __table_args__ = (
        UniqueConstraint("intent_id", "tier_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("unit_price_paise >= 0", name="price_not_negative"),
    )

    id: str = base.id_field()
    intent_id: str = base.reference("intents.id")
    tier_id: str = base.reference("tiers.id")
    quantity: int
    unit_price_paise: int = base.paise_field()
