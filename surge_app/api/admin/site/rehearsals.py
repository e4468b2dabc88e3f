"""In `/api/admin`: the dress rehearsal, started, watched, stopped, and its report."""

from __future__ import annotations

from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.schemas import StrictBody
from surge_app.services.admin.rehearsals import (
    MAX_UNITS,
    MAX_VISITORS,
    RehearsalRequest,
    RehearsalView,
)

router = admin_router("/rehearsals")


class RehearsalIn(StrictBody):
    """A requested rehearsal; sandbox only, one at a time."""

    visitors: int = Field(default=300, ge=1, le=MAX_VISITORS)
    units: int = Field(default=100, ge=1, le=MAX_UNITS)
    abandon_percent: int = Field(default=30, ge=0, le=90)
    has_bad_days: bool = True


class StartedOut(BaseModel):
    """The rehearsal that was started."""

    id: str


class RehearsalsOut(BaseModel):
    """The newest ten, the last one first."""

    rehearsals: list[RehearsalView]


@router.post("", status_code=202)
async def start_rehearsal(body: RehearsalIn, services: Services, user: OrganizerName) -> StartedOut:
    """Start a rehearsal in a process of its own; 409 `rehearsal_runs` while there is one."""
    request = RehearsalRequest(**body.model_dump())
    return StartedOut(id=await services.rehearsals.start(request, actor=user))


@router.get("")
async def list_rehearsals(services: Services) -> RehearsalsOut:
    """Return the newest, with where the running one stands."""
    found = await services.rehearsals.latest()
    return RehearsalsOut(rehearsals=list(found))


@router.post("/{rehearsal_id}/stop", status_code=204)
async def stop_rehearsal(rehearsal_id: str, services: Services, user: OrganizerName) -> None:
    """End the one that runs; there is no verdict then."""
    await services.rehearsals.stop(rehearsal_id, actor=user)


@router.get("/{rehearsal_id}/report", response_class=HTMLResponse)
async def rehearsal_report(rehearsal_id: str, services: Services) -> HTMLResponse:
    """Return the report as a page that needs nothing else."""
    page = await services.rehearsals.page(rehearsal_id)
    return HTMLResponse(page, headers={"cache-control": "private, no-store"})
