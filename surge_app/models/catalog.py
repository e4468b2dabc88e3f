"""Events, tiers, and one row per sellable unit."""

# SQLModel declares `__tablename__` as a method, though a plain name is its documented form.
# pyright: reportAssignmentType=false

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    Index,
    LargeBinary,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from surge_app.models import base

_SEARCHED = Computed("fold_text(name, venue, city, organizer_name)", persisted=True)


class EventPhase(StrEnum):
    """The organizer's decision; the public status also depends on time and stock."""

    DRAFT = "draft"
    PUBLISHED = "published"
    CANCELLED = "cancelled"


class UnitStatus(StrEnum):
    """available -> held -> sold; back to available by expiry, release, or refund with restock.

    An organizer may withdraw available units, which then leave the capacity.
    """

    AVAILABLE = "available"
    HELD = "held"
    SOLD = "sold"
    WITHDRAWN = "withdrawn"


class Event(SQLModel, table=True):
    """An event with its rules of sale.

    Attributes:
        queue_seed: Seeds the draw among visitors who joined before the opening.
        line_early: How many visitors joined before the opening; None until it opens.
        line_floor: No queue number above it was ever issued.
        slow_payment_percent: Of the tickets, how many a payment without an attempt may keep beyond
            its hold.
        search_text: What the list of events is searched in, folded by the database.
        is_rehearsal: A rehearsal appears in no list and no total.
    """

    __tablename__ = "events"
    __table_args__ = (
        base.one_of("phase", EventPhase),
        CheckConstraint("fee_paise >= 0", name="fee_not_negative"),
        CheckConstraint("max_per_person BETWEEN 1 AND 100", name="max_per_person_sane"),
        CheckConstraint("hold_seconds BETWEEN 5 AND 3600", name="hold_sane"),
        CheckConstraint("payment_seconds BETWEEN 60 AND 3600", name="payment_window_sane"),
        CheckConstraint("concurrent_buyers >= 1", name="concurrent_buyers_positive"),
        CheckConstraint(
            "admissions_per_minute IS NULL OR admissions_per_minute >= 1",
            name="admissions_per_minute_positive",
        ),
        CheckConstraint("slow_payment_percent BETWEEN 0 AND 100", name="slow_payment_percent_sane"),
        CheckConstraint("challenge IN ('off', 'auto', 'always')", name="challenge_known"),
        CheckConstraint("queue_order IN ('fifo', 'random')", name="queue_order_known"),
        CheckConstraint("slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'", name="slug_form"),
    )

    id: str = base.id_field()
    slug: str = base.text_field(unique=True)
    name: str = base.text_field()
    description: str = base.text_field(default="")
    venue: str = base.text_field()
    time_zone: str = base.text_field(default="Asia/Kolkata")
    starts_at: datetime = base.time_field()
    sales_open_at: datetime | None = base.time_field(default=None)
    sales_close_at: datetime | None = base.time_field(default=None)
    phase: str = base.text_field(default=EventPhase.PUBLISHED)
    currency: str = base.text_field(default="INR")
    fee_paise: int = base.paise_field()
    max_per_person: int = Field(default=6)
    hold_seconds: int = Field(default=300)
    payment_seconds: int = Field(default=720)
    concurrent_buyers: int = Field(default=200)
    admissions_per_minute: int | None = Field(default=None)
    slow_payment_percent: int = Field(default=20, sa_column_kwargs={"server_default": "20"})
    challenge: str = base.text_field(default="auto")
    queue_order: str = base.text_field(default="fifo")
    queue_seed: str = base.text_field(default="")
    line_floor: int = Field(default=0, sa_type=BigInteger)
    line_early: int | None = Field(default=None)
    is_paused: bool = Field(default=False)
    queue_message: str = base.text_field(default="")
    refund_policy: str = base.text_field(default="")
    organizer_name: str = base.text_field(default="")
    organizer_email: str = base.text_field(default="")
    organizer_phone: str = base.text_field(default="")
    ask_attendee_names: bool = Field(default=False)
    doors_open_at: datetime | None = base.time_field(default=None)
    ends_at: datetime | None = base.time_field(default=None)
    address: str | None = base.text_field(default=None)
    age_limit: int | None = Field(default=None)
    what_to_bring: str = base.text_field(default="")
    accessibility: str = base.text_field(default="")
    translations: str = base.text_field(default="")
    city: str = base.text_field(default="")
    category: str = base.text_field(default="")
    search_text: str | None = base.text_field(default=None, sa_column_args=[_SEARCHED])
    is_rehearsal: bool = Field(default=False)
    created_at: datetime = base.created_field()


class EventCover(SQLModel, table=True):
    """An uploaded cover, re-encoded; an event without one gets generated art.

    Attributes:
        digest: Of the bytes; part of the URL, so caches may keep the picture.
    """

    __tablename__ = "event_covers"

    event_id: str = base.reference("events.id", primary_key=True)
    image: bytes = Field(sa_type=LargeBinary)
    digest: str = base.text_field()
    created_at: datetime = base.created_field()


class SiteText(SQLModel, table=True):
    """The text of a page about the shop as an organizer wrote it; an empty one is the default."""

    __tablename__ = "site_texts"

    name: str = base.text_field(primary_key=True)
    body: str = base.text_field()


class Tier(SQLModel, table=True):
    """A ticket type of an event; an invariant compares `capacity` with its units.

    Its sale window lies within the event's. `max_per_booking` None leaves the limit to the
    event's `max_per_person`. A price of 0 makes its tickets free.
    """

    __tablename__ = "tiers"
    __table_args__ = (
        UniqueConstraint("event_id", "name"),
        CheckConstraint("price_paise = 0 OR price_paise >= 100", name="price_free_or_one_rupee"),
        CheckConstraint("min_per_booking BETWEEN 1 AND 100", name="min_per_booking_sane"),
        CheckConstraint(
            "max_per_booking IS NULL OR max_per_booking BETWEEN min_per_booking AND 100",
            name="max_per_booking_sane",
        ),
        CheckConstraint("sales_close_at > sales_open_at", name="sales_window_sane"),
        CheckConstraint("capacity >= 0", name="capacity_not_negative"),
    )

    id: str = base.id_field()
    event_id: str = base.reference("events.id")
    name: str = base.text_field()
    price_paise: int = base.paise_field()
    capacity: int
    min_per_booking: int = Field(default=1)
    max_per_booking: int | None = Field(default=None)
    sales_open_at: datetime | None = base.time_field(default=None)
    sales_close_at: datetime | None = base.time_field(default=None)
    position: int = Field(default=0)
    created_at: datetime = base.created_field()


class Unit(SQLModel, table=True):
    """One sellable unit.

    The claim (`hold_units` in the database) orders by `number`, served by the partial index of
    available units. No other index over available units may start with `tier_id` or `number`:
    the planner would step over every held unit to find a free one.
    """

    __tablename__ = "units"
    __table_args__ = (
        base.one_of("status", UnitStatus),
        CheckConstraint(
            "(status IN ('available', 'withdrawn')) = (intent_id IS NULL)", name="held_by_an_intent"
        ),
        Index(
            "ix_units_available", "tier_id", "number", postgresql_where=text("status = 'available'")
        ),
        Index("ix_units_held", "tier_id", postgresql_where=text("status = 'held'")),
        Index("ix_units_intent", "intent_id", postgresql_where=text("intent_id IS NOT NULL")),
    )

    id: str = base.id_field()
    tier_id: str = base.reference("tiers.id")
    number: int
    status: str = base.text_field(default=UnitStatus.AVAILABLE)
    intent_id: str | None = base.reference("intents.id", default=None)
