"""`/api/admin/events/{slug}/door`: check-in, for organizers and scanners."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, Field

from surge_app.api.dependencies import ScannerName, Services, scanner
from surge_app.api.schemas import ProblemOut, StrictBody
from surge_app.services.bookings.check_in import (
    CheckInCounts,
    CheckInTicket,
    OfflineList,
    Scan,
    ScanResult,
)

router = APIRouter(
    prefix="/api/admin/events/{slug}/door",
    tags=["door"],
    dependencies=[Depends(scanner)],
    responses={status: {"model": ProblemOut} for status in (401, 404, 422, 429)},
)


class ScanIn(StrictBody):
    """One scan: `text` of a code, or `ticket_id` of a ticket found by hand.

    `id` is the scanner's own: a scan sent twice gets the same answer.
    """

    id: str = Field(min_length=8, max_length=64)
    at: AwareDatetime
    text: str = Field("", max_length=400)
    ticket_id: str = Field("", max_length=40)


class ScansIn(StrictBody):
    """Scans in the order they were made."""

    gate: str = Field(min_length=1, max_length=40)
    scans: list[ScanIn] = Field(min_length=1, max_length=500)


class ScansOut(BaseModel):
    """One result for each scan, in their order, and the counts after them."""

    results: list[ScanResult]
    counts: CheckInCounts


class UndoIn(StrictBody):
    """The scans whose check-ins are taken back."""

    scans: list[Annotated[str, Field(min_length=8, max_length=64)]] = Field(
        min_length=1, max_length=500
    )


class CheckInTicketsOut(BaseModel):
    """The tickets of at most 20 bookings, by name."""

    tickets: list[CheckInTicket]


@router.get("")
async def check_in_counts(slug: str, services: Services) -> CheckInCounts:
    """Return how many came in."""
    return await services.check_in.counts(slug)


@router.post("/scans")
async def record_scans(slug: str, user: ScannerName, body: ScansIn, services: Services) -> ScansOut:
    """Check tickets in. What was checked in before is told, with its time and gate."""
    scans = [Scan(**one.model_dump()) for one in body.scans]
    results = await services.check_in.scan(slug, scans, gate=body.gate, actor=user)
    return ScansOut(results=list(results), counts=await services.check_in.counts(slug))


@router.post("/undo")
async def undo_scans(
    slug: str, user: ScannerName, body: UndoIn, services: Services
) -> CheckInCounts:
    """Take check-ins back, so that their tickets can be used again."""
    await services.check_in.undo_scans(slug, body.scans, actor=user)
    return await services.check_in.counts(slug)


@router.get("/tickets")
async def search_tickets(
    slug: str, services: Services, user: ScannerName, q: Annotated[str, Query(max_length=100)] = ""
) -> CheckInTicketsOut:
    """Find tickets by words of a name, or by a whole address, mobile number or reference."""
    found = await services.check_in.search(slug, q, actor=user)
    return CheckInTicketsOut(tickets=list(found))


@router.get("/list")
async def offline_list(slug: str, services: Services) -> OfflineList:
    """Return what a scanner needs without a network, without names."""
    return await services.check_in.offline_list(slug)
