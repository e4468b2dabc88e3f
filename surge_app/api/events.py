"""`/api/events`: what is on sale."""

from __future__ import annotations

from fastapi import APIRouter

from surge_app.api.deps import Services
from surge_app.api.schemas import EventOut, ProblemOut

router = APIRouter(prefix="/api/events", tags=["events"])


@router.get("")
async def list_events(services: Services) -> list[EventOut]:
    """Return every published event, the soonest first."""
    return [EventOut.of(view) for view in await services.catalog.events()]


@router.get("/{slug}", responses={404: {"model": ProblemOut}})
async def get_event(slug: str, services: Services) -> EventOut:
    """Return one event."""
    return EventOut.of(await services.catalog.event(slug))
