"""Bookings and their tickets."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from surge_app.models import base


class BookingStatus(StrEnum):
    """confirmed -> refunding -> refunded."""

    CONFIRMED = "confirmed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"


class SalesChannel(StrEnum):
    """The channel of a booking; only online bookings carry the fee."""

    ONLINE = "online"
    BOX_OFFICE = "box_office"
    """Sold at the box office, for cash, UPI or card."""
    COMPLIMENTARY = "complimentary"
    """Given away by an organizer."""


class TicketStatus(StrEnum):
    """A void ticket is refused at check-in; its unit may be sold again."""

    VALID = "valid"
    VOID = "void"


class Booking(SQLModel, table=True):
    """A paid intent. One intent becomes at most one booking.

    Attributes:
        email: Empty, as `phone`, if a box-office buyer left none.
        version: Optimistic lock; each organizer action increments it.
        link_version: Incremented by every change of contact, which revokes earlier links; None
            before the first.
    """

    __tablename__ = "bookings"
    __table_args__ = (
        base.one_of("status", BookingStatus),
        base.one_of("channel", SalesChannel),
        CheckConstraint("channel = 'online' OR fee_paise = 0", name="fee_is_for_online"),
        CheckConstraint(
            "channel <> 'complimentary' OR total_paise = 0", name="complimentary_is_free"
        ),
        UniqueConstraint("intent_id"),
        CheckConstraint("total_paise = subtotal_paise + fee_paise", name="total_is_the_sum"),
        CheckConstraint("ref ~ '^SRG-[A-HJ-NP-Z2-9]{8}$'", name="ref_form"),
        Index("ix_bookings_event", "event_id", "created_at"),
        Index("ix_bookings_taken_back", "event_id", postgresql_where=text("status <> 'confirmed'")),
        Index(
            "ix_bookings_changed_email",
            "event_id",
            text("email_key(email)"),
            postgresql_where=text("link_version IS NOT NULL"),
        ),
        Index(
            "ix_bookings_search",
            text("text_grams(fold_text(name, email, phone, ref))"),
            postgresql_using="gin",
        ),
    )

    id: str = base.id_field()
    ref: str = base.text_field(unique=True)
    event_id: str = base.reference("events.id")
    intent_id: str = base.reference("intents.id")
    status: str = base.text_field(default=BookingStatus.CONFIRMED)
    channel: str = base.text_field(default=SalesChannel.ONLINE)
    name: str = base.text_field()
    email: str = base.text_field()
    phone: str = base.text_field()
    subtotal_paise: int = base.paise_field()
    fee_paise: int = base.paise_field()
    total_paise: int = base.paise_field()
    currency: str = base.text_field(default="INR")
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    link_version: int | None = Field(default=None)
    created_at: datetime = base.created_field()


class Ticket(SQLModel, table=True):
    """Admission for one attendee to one unit; its QR shows the code.

    Attributes:
        attendee_name: Empty unless the event asks for names.
        checked_in_at: First check-in; None until then. Only an undo changes it.
        scan_id: The scan that checked it in; a repeated scan gets the same answer.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        base.one_of("status", TicketStatus),
        UniqueConstraint("booking_id", "seq"),
        Index(
            "uq_tickets_one_valid_per_unit",
            "unit_id",
            unique=True,
            postgresql_where=text("status = 'valid'"),
        ),
        Index(
            "ix_tickets_attendee",
            text("text_grams(fold_text(attendee_name))"),
            postgresql_using="gin",
            postgresql_where=text("attendee_name <> ''"),
        ),
        CheckConstraint(
            "(checked_in_at IS NULL) = (checked_in_gate IS NULL)", name="checked_in_somewhere"
        ),
    )

    id: str = base.id_field()
    booking_id: str = base.reference("bookings.id")
    unit_id: str = base.reference("units.id")
    seq: int
    code: str = base.text_field(unique=True)
    attendee_name: str = base.text_field(default="")
    status: str = base.text_field(default=TicketStatus.VALID)
    voided_at: datetime | None = base.time_field(default=None)
    checked_in_at: datetime | None = base.time_field(default=None)
    checked_in_gate: str | None = base.text_field(default=None)
    checked_in_by: str | None = base.text_field(default=None)
    scan_id: str | None = base.text_field(default=None)
    created_at: datetime = base.created_field()
