"""Participants in `/api/admin`: found, looked at, corrected."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.fact_models import ViewOut
from surge_app.api.openapi import shows
from surge_app.api.schemas import StrictBody
from surge_app.services.admin.participants import Filter, SoldTicket, TimelineEntry

router = admin_router()


_MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# 200 references, as the page lets one select.
_MAX_REFS = 2_000


async def wanted_participants(
    q: Annotated[str, Query(max_length=100)] = "",
    status: Literal["confirmed", "refunding", "refunded"] | None = None,
    presence: Literal["inside", "outside"] | None = None,
    channel: Literal["online", "box_office", "complimentary"] | None = None,
    refs: Annotated[str, Query(max_length=_MAX_REFS)] = "",
) -> Filter:
    """Return the filter in the address; `refs` has references joined by dots, without `SRG-`."""
    selected = tuple(f"SRG-{one.removeprefix('SRG-')}" for one in refs.split(".") if one)
    return Filter(q, status, presence, channel, selected)


Wanted = Annotated[Filter, Depends(wanted_participants)]


class ParticipantOut(ViewOut):
    """A booking in the list; `inside` counts its tickets that came in."""

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


class ParticipantPageOut(ViewOut):
    """Some bookings, the newest first; `next_before` asks for the next page, null ends it."""

    participants: list[ParticipantOut]
    next_before: str | None


class BookingDetailOut(ViewOut):
    """A booking with its history; `version` goes with an action on it."""

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
    method: str
    created_at: datetime
    tickets: list[SoldTicket]
    timeline: list[TimelineEntry]
    dispute: str


class CorrectionIn(StrictBody):
    """The right contact of a booking, and the version it was seen in."""

    version: int = Field(ge=0)
    name: str = Field(max_length=200)
    email: str = Field(max_length=320)
    phone: str = Field(max_length=40)


@router.get("/events/{slug}/participants")
async def participants(
    slug: str,
    services: Services,
    wanted: Wanted,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ParticipantPageOut:
    """Find bookings by any part of a name, an address, a mobile number or a reference."""
    page = await services.participants.search(slug, wanted, before=before, limit=limit)
    return ParticipantPageOut.of(page)


@router.get(
    "/events/{slug}/participants.csv",
    response_class=StreamingResponse,
    responses=shows(_MEDIA_TYPES["csv"]),
)
async def participants_csv(slug: str, services: Services, wanted: Wanted) -> StreamingResponse:
    """Stream the tickets of everyone who matches, one row for each."""
    return await _file(services.exports.participants_csv(slug, wanted), f"{slug}-participants.csv")


@router.get(
    "/events/{slug}/participants.xlsx",
    response_class=StreamingResponse,
    responses=shows(_MEDIA_TYPES["xlsx"]),
)
async def participants_xlsx(slug: str, services: Services, wanted: Wanted) -> StreamingResponse:
    """Return the same as a workbook with typed cells."""
    return await _file(
        services.exports.participants_xlsx(slug, wanted), f"{slug}-participants.xlsx"
    )


@router.get("/bookings/{ref}")
async def booking_detail(ref: str, services: Services) -> BookingDetailOut:
    """Return everything known of a booking."""
    return BookingDetailOut.of(await services.participants.detail(ref))


@router.put("/bookings/{ref}/contact")
async def correct_contact(
    ref: str, user: OrganizerName, body: CorrectionIn, services: Services
) -> BookingDetailOut:
    """Correct name, email and mobile number; 409 `changed_meanwhile` if another was faster."""
    await services.participants.correct(
        ref, version=body.version, name=body.name, email=body.email, phone=body.phone, actor=user
    )
    return BookingDetailOut.of(await services.participants.detail(ref))


async def _file(chunks: AsyncIterator[bytes], name: str) -> StreamingResponse:
    # The first chunk tells whether the event exists, while the status can still say so.
    first = await anext(chunks)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    return StreamingResponse(_rejoined(first, chunks), media_type=media_type, headers=headers)


async def _rejoined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk
