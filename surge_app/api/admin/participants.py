"""Participants in `/api/admin`: found, looked at, corrected."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from surge_app.api.dependencies import OrganizerName, Services, organizer
from surge_app.api.schemas import ProblemOut, StrictBody
from surge_app.services.admin.participants import Filter, SoldTicket, TimelineEntry

router = APIRouter(
    prefix="/api/admin",
    tags=["admin"],
    dependencies=[Depends(organizer)],
    responses={status: {"model": ProblemOut} for status in (401, 403, 404, 409, 422, 429)},
)


class ParticipantOut(BaseModel):
    """A booking in the list; `inside` counts its tickets that came in."""

    model_config = ConfigDict(from_attributes=True)

    ref: str
    name: str
    email: str
    phone: str
    status: str
    total_paise: int
    channel: Literal["online", "box_office", "complimentary"]
    tickets: int
    valid: int
    inside: int
    created_at: datetime


class ParticipantPageOut(BaseModel):
    """Some bookings, the newest first; `next_before` asks for the next page, null ends it."""

    model_config = ConfigDict(from_attributes=True)

    participants: list[ParticipantOut]
    next_before: str | None


class BookingDetailOut(BaseModel):
    """Everything known of a booking; `version` goes with an action on it."""

    model_config = ConfigDict(from_attributes=True)

    ref: str
    version: int
    event_slug: str
    event_name: str
    status: str
    name: str
    email: str
    phone: str
    subtotal_paise: int
    fee_paise: int
    total_paise: int
    refundable_paise: int
    channel: Literal["online", "box_office", "complimentary"]
    in_cash: bool
    created_at: datetime
    tickets: list[SoldTicket]
    timeline: list[TimelineEntry]


class CorrectionIn(StrictBody):
    """The right contact of a booking, and the version it was seen in."""

    version: int = Field(ge=0)
    name: str = Field(max_length=200)
    email: str = Field(max_length=320)
    phone: str = Field(max_length=40)


@router.get("/events/{slug}/participants")
async def participants(  # noqa: PLR0913, PLR0917  one parameter for each filter
    slug: str,
    services: Services,
    q: Annotated[str, Query(max_length=100)] = "",
    status: Literal["confirmed", "refunding", "refunded"] | None = None,
    presence: Literal["inside", "outside"] | None = None,
    channel: Literal["online", "box_office", "complimentary"] | None = None,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ParticipantPageOut:
    """Find bookings by name, email, reference or the last digits of a mobile number."""
    wanted = Filter(q, status, presence, channel)
    page = await services.participants.search(slug, wanted, before=before, limit=limit)
    return ParticipantPageOut.model_validate(page)


@router.get("/bookings/{ref}")
async def booking_detail(ref: str, services: Services) -> BookingDetailOut:
    """Return everything known of a booking."""
    return BookingDetailOut.model_validate(await services.participants.detail(ref))


@router.put("/bookings/{ref}/contact")
async def correct_contact(
    ref: str, user: OrganizerName, body: CorrectionIn, services: Services
) -> BookingDetailOut:
    """Correct name, email and mobile number; 409 `changed_meanwhile` if another was faster."""
    await services.participants.correct(
        ref,
        version=body.version,
        name=body.name,
        email=body.email,
        phone=body.phone,
        actor=user,
    )
    return BookingDetailOut.model_validate(await services.participants.detail(ref))
