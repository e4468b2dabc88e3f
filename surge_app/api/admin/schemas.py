"""What an organizer sends, and is shown, of events, tiers and holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from surge_app.api.schemas import IntentLineOut, Name, Slug, StrictBody
from surge_app.services.events.new_event import NewTier


class ListedIntentOut(BaseModel):
    """An intent as its organizer sees it; contact fields are empty if none were given."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    status: str
    lines: list[IntentLineOut]
    total_paise: int
    currency: str
    name: str
    email: str
    phone: str
    order_id: str | None
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None


class IntentPageOut(BaseModel):
    """Some intents, the newest first; `next_before` asks for the next page, null ends it."""

    model_config = ConfigDict(from_attributes=True)

    intents: list[ListedIntentOut]
    next_before: str | None


class NewTierIn(StrictBody):
    """A tier to create; a price of 0 makes its tickets free."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)]
    price_paise: int
    units: int
    min_per_booking: int = 1
    max_per_booking: int | None = None
    sales_open_at: AwareDatetime | None = None
    sales_close_at: AwareDatetime | None = None

    def offer(self) -> NewTier:
        """Return what the services take."""
        return NewTier(**self.model_dump())


class NewEventIn(StrictBody):
    """An event to create; durations are seconds."""

    slug: Slug
    name: Name
    venue: Name
    starts_at: AwareDatetime
    tiers: list[NewTierIn] = Field(min_length=1, max_length=20)
    description: str = Field("", max_length=10_000)
    time_zone: str = Field("Asia/Kolkata", max_length=60)
    sales_open_at: AwareDatetime | None = None
    sales_close_at: AwareDatetime | None = None
    max_per_person: int = Field(6, ge=1, le=100)
    hold_seconds: int = Field(300, ge=5, le=3600)
    concurrent_buyers: int = Field(200, ge=1, le=1_000_000)
    admissions_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    challenge: Literal["off", "auto", "always"] = "off"
    queue_order: Literal["fifo", "random"] = "fifo"
    fee_paise: int | None = Field(None, ge=0, le=100_000_000)
    refund_policy: str = Field("", max_length=2_000)
    organizer_name: str = Field("", max_length=200)
    organizer_email: str = Field("", max_length=254)
    organizer_phone: str = Field("", max_length=30)
    ask_attendee_names: bool = False


class TierChangesIn(StrictBody):
    """What an organizer may change of a tier; a missing field stays as it is.

    `units` is the new capacity: more are added, or free ones withdrawn.
    """

    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    price_paise: int = 0
    units: int = 0
    min_per_booking: int = 1
    max_per_booking: int | None = None
    sales_open_at: AwareDatetime | None = None
    sales_close_at: AwareDatetime | None = None


class EventChangesIn(StrictBody):
    """What an organizer may change during a sale; a missing field stays as it is."""

    name: Name = ""
    description: str = Field("", max_length=10_000)
    venue: Name = ""
    starts_at: AwareDatetime | None = None
    sales_open_at: AwareDatetime | None = None
    sales_close_at: AwareDatetime | None = None
    max_per_person: int = Field(1, ge=1, le=100)
    hold_seconds: int = Field(300, ge=5, le=3600)
    concurrent_buyers: int = Field(1, ge=1, le=1_000_000)
    admissions_per_minute: int | None = Field(None, ge=1, le=1_000_000)
    challenge: Literal["off", "auto", "always"] = "off"
    queue_message: str = Field("", max_length=500)
    queue_order: Literal["fifo", "random"] = "fifo"
    refund_policy: str = Field("", max_length=2_000)
    organizer_name: str = Field("", max_length=200)
    organizer_email: str = Field("", max_length=254)
    organizer_phone: str = Field("", max_length=30)
    ask_attendee_names: bool = False


class RevokeIn(StrictBody):
    """Whose right to shop ends: one number's, or with `everyone` that of all inside or called."""

    number: int | None = Field(None, ge=1, le=4_000_000_000)
    everyone: bool = False

    @model_validator(mode="after")
    def _says_who(self) -> Self:
        if (self.number is None) != self.everyone:
            msg = "name a number, or everyone"
            raise ValueError(msg)
        return self


class ResendIn(StrictBody):
    """The version of the booking as it was seen."""

    version: int = Field(ge=0)


class RevokedOut(BaseModel):
    """How many passes ended."""

    passes: int
