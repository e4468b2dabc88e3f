"""In `/api/admin/events`: publishing, copying and cancelling a whole event."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from surge_app.api.dependencies import OrganizerName, Services, organizer
from surge_app.api.schemas import ProblemOut, Slug, StrictBody
from surge_app.services.admin.event_lifecycle import Cancellation

router = APIRouter(
    prefix="/api/admin/events",
    tags=["admin"],
    dependencies=[Depends(organizer)],
    responses={status: {"model": ProblemOut} for status in (401, 403, 404, 409, 422, 429)},
)


class DuplicateIn(StrictBody):
    """Where the copy of an event is, and when it starts."""

    slug: Slug
    starts_at: AwareDatetime


class CopyOut(BaseModel):
    """The address of the copy, which is a draft."""

    slug: str


@router.post("/{slug}/publish", status_code=204)
async def publish_event(slug: str, services: Services, user: OrganizerName) -> None:
    """Show a draft to everybody."""
    await services.lifecycle.publish(slug, actor=user)


@router.post("/{slug}/duplicate", status_code=201)
async def duplicate_event(
    slug: str, user: OrganizerName, body: DuplicateIn, services: Services
) -> CopyOut:
    """Copy an event with its tiers as a draft."""
    copy = await services.lifecycle.duplicate(
        slug, new_slug=body.slug, starts_at=body.starts_at, actor=user
    )
    return CopyOut(slug=copy)


@router.post("/{slug}/cancel", status_code=202)
async def cancel_event(slug: str, services: Services, user: OrganizerName) -> Cancellation:
    """Cancel an event and refund every booking; goes on by itself, also after a restart."""
    return await services.lifecycle.cancel(slug, actor=user)


@router.get("/{slug}/cancellation")
async def cancellation(slug: str, services: Services) -> Cancellation:
    """Return how far the refunds are."""
    return await services.lifecycle.cancellation(slug)
