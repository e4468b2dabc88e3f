"""In `/api/admin/events/{slug}`: an event as attendees will see it, and its picture."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.openapi import shows
from surge_app.api.schemas import EventPageOut
from surge_app.errors import PayloadTooLarge

router = admin_router("/events/{slug}", (401, 403, 404, 409, 413, 422, 429))
# Empty for the drawn cover.
Shown = Annotated[str | None, Query(max_length=64)]
_OWN = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/jpeg", "image/png", "image/webp")
        },
    }
}


class CoverOut(BaseModel):
    """The digest in the address of an event's picture; empty while the cover is drawn."""

    digest: str


@router.get("/preview")
async def preview_event(slug: str, response: Response, services: Services) -> EventPageOut:
    """Return an event as attendees would see it this moment, drafts included."""
    response.headers.update(_OWN)
    view = await services.catalog.preview(slug)
    # The public address has no picture of a draft.
    own = f"/api/admin/events/{slug}/cover?v={view.cover_digest or 'drawn'}"
    return EventPageOut.of(view).model_copy(update={"cover": own})


@router.get("/cover", response_class=Response, responses=shows("image/jpeg", "image/svg+xml"))
async def get_own_cover(slug: str, services: Services) -> Response:
    """Return the picture of an event, or its drawing; drafts included."""
    content, media_type = await services.covers.shown(slug)
    return Response(content, media_type=media_type, headers=_OWN)


@router.put("/cover", openapi_extra=_BODY)
async def put_cover(
    slug: str,
    request: Request,
    services: Services,
    user: OrganizerName,
    was: Shown = None,
    at: Annotated[int, Query(ge=0, le=100)] = 50,
) -> CoverOut:
    """Take a JPEG, PNG or WebP of at most 10 MB as the picture; it is painted anew, 1200 by 630.

    A picture of another shape is cut around `at`, in percent from its left or its top. The body is
    the file itself. It is not read before the caller is known. 409
    `changed_meanwhile` if `was`, the digest of the picture that was shown, is not the last.
    """
    upload = bytearray()
    try:
        async for part in request.stream():
            upload += part
    except ClientDisconnect as error:
        # The gate lets no more through than fits.
        raise PayloadTooLarge from error
    saved = await services.covers.save(slug, bytes(upload), actor=user, expected=was, at=at)
    return CoverOut(digest=saved)


@router.delete("/cover")
async def remove_cover(
    slug: str, services: Services, user: OrganizerName, was: Shown = None
) -> CoverOut:
    """Go back to the drawn cover; 409 as for a new one."""
    await services.covers.remove(slug, actor=user, expected=was)
    return CoverOut(digest="")
