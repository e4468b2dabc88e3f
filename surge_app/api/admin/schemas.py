"""Request and response bodies of organizers for events, tiers and holds."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, Field, model_validator

from surge_app.api.fact_models import body_of
from surge_app.api.schemas import Slug, StrictBody
from surge_app.services.events.facts import ALL_FACTS, EDITABLE_FACTS
from surge_app.services.events.new_event import TIER_FACTS, NewTier


class NewTierIn(body_of(TIER_FACTS)):
    """A tier to create; a price of 0 makes its tickets free."""

    def offer(self) -> NewTier:
        """Return what the services take."""
        return NewTier(**self.model_dump())


class NewEventIn(body_of(ALL_FACTS)):
    """An event to create; durations are seconds."""

    slug: Slug
    tiers: list[NewTierIn] = Field(min_length=1, max_length=20)
    fee_paise: int | None = Field(None, ge=0, le=100_000_000)


class TierFieldsIn(body_of(TIER_FACTS, is_partial=True)):
    """Some fields of a tier; `units` is its capacity."""


class TierChangesIn(TierFieldsIn):
    """Changes to a tier; a missing field stays as it is.

    With more `units` tickets are added, with fewer free ones withdrawn. `was` holds values as they
    were seen: 409 `changed_meanwhile` if someone else changed one of them since.
    """

    was: TierFieldsIn | None = None


class EventFieldsIn(body_of(EDITABLE_FACTS, is_partial=True)):
    """Some fields of an event."""


class EventChangesIn(EventFieldsIn):
    """Changes to an event during its sale; a missing field stays as it is.

    `was` holds values as they were seen, as for a tier.
    """

    was: EventFieldsIn | None = None


class RevokeIn(StrictBody):
    """The target of a revocation: one number, or with `everyone` all inside or called."""

    number: int | None = Field(None, ge=1, le=4_000_000_000)
    everyone: bool = False

    @model_validator(mode="after")
    def _names_one_target(self) -> Self:
        if (self.number is None) != self.everyone:
            raise ValueError("name a number, or everyone")
        return self


class ResendIn(StrictBody):
    """The version of the booking as it was seen."""

    version: int = Field(ge=0)


class RevokedOut(BaseModel):
    """The number of passes that ended."""

    passes: int
