"""`/api/admin/events/{slug}/door`: checking tickets in; for organizers and scanners."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from surge_app.api.dependencies import ScannerName, Services
from surge_app.api.schemas import ProblemOut, StrictBody
from surge_app.services.bookings.check_in import Scan

router = APIRouter(
    prefix="/api/admin/events/{slug}/door",
    tags=["door"],
    responses={status: {"model": ProblemOut} for status in (401, 404, 422, 429)},
)


class ScanIn(StrictBody):
    """One scan: `text` of a code, or `ref` and `ticket` of one found by hand.

    `id` is the scanner's own name of it: sent twice, it is answered the same.
    """

    id: str = Field(min_length=8, max_length=64)
    at: AwareDatetime
    text: str = Field("", max_length=400)
    ref: str = Field("", max_length=20)
    ticket: int = Field(0, ge=0, le=10_000)


class ScansIn(StrictBody):
    """Scans in the order they were made."""

    gate: str = Field(min_length=1, max_length=40)
    scans: list[ScanIn] = Field(min_length=1, max_length=500)


class ScanOut(BaseModel):
    """What a scan says; with `already`, when and where the ticket came in first.

    `verdict` is admitted, already, void, other_event or unknown.
    """

    model_config = ConfigDict(from_attributes=True)

    scan_id: str
    verdict: str
    name: str
    tier: str
    ref: str
    ticket: int
    checked_in_at: datetime | None
    gate: str


class DoorCountsOut(BaseModel):
    """How many tickets are valid, and how many of them came in."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    name: str
    valid: int
    inside: int


class ScansOut(BaseModel):
    """One result for each scan, in their order, and the counts after them."""

    results: list[ScanOut]
    counts: DoorCountsOut


class DoorTicketOut(BaseModel):
    """A ticket found by hand."""

    model_config = ConfigDict(from_attributes=True)

    ref: str
    ticket: int
    name: str
    tier: str
    is_valid: bool
    checked_in_at: datetime | None
    gate: str


class DoorTicketsOut(BaseModel):
    """At most 20 tickets, by name."""

    tickets: list[DoorTicketOut]


class DoorListOut(BaseModel):
    """What a scanner needs without a network.

    `tickets` are: the first 12 bytes of the SHA-256 of a code in base64url, and when and at which
    gate it came in.
    """

    model_config = ConfigDict(from_attributes=True)

    event_id: str
    at: datetime
    tickets: list[tuple[str, datetime | None, str]]


@router.get("")
async def door_counts(slug: str, services: Services, user: ScannerName) -> DoorCountsOut:
    """Return how many came in."""
    _ = user
    return DoorCountsOut.model_validate(await services.check_in.counts(slug))


@router.post("/scans")
async def door_scans(slug: str, user: ScannerName, body: ScansIn, services: Services) -> ScansOut:
    """Check tickets in. What was checked in before is told, with its time and gate."""
    scans = [Scan(**one.model_dump()) for one in body.scans]
    results = await services.check_in.scan(slug, scans, gate=body.gate, actor=user)
    return ScansOut(
        results=[ScanOut.model_validate(one) for one in results],
        counts=DoorCountsOut.model_validate(await services.check_in.counts(slug)),
    )


@router.get("/tickets")
async def door_search(
    slug: str,
    services: Services,
    user: ScannerName,
    q: Annotated[str, Query(max_length=100)] = "",
) -> DoorTicketsOut:
    """Find tickets by name, email, reference or the last digits of a mobile number."""
    _ = user
    found = await services.check_in.search(slug, q)
    return DoorTicketsOut(tickets=[DoorTicketOut.model_validate(one) for one in found])


@router.get("/list")
async def door_list(slug: str, services: Services, user: ScannerName) -> DoorListOut:
    """Return what a scanner needs without a network; it names nobody."""
    _ = user
    return DoorListOut.model_validate(await services.check_in.offline_list(slug))
