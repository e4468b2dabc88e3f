"""Pictures of events. Their addresses change with what they show, so they may be kept for long."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from surge_app.api.dependencies import Problems, Services
from surge_app.api.openapi import shows
from surge_app.api.schemas import ProblemOut
from surge_app.container import Container

_MISSING: Problems = {404: {"model": ProblemOut}}
_FOR_EVER = "public, max-age=31536000, immutable"
_FOR_A_WHILE = "public, max-age=300"


router = APIRouter(prefix="/api", tags=["events"], responses=_MISSING)

Version = Annotated[str, Query(alias="v", max_length=40, description="As in the address given.")]


@router.get("/card.png", response_class=Response, responses=shows("image/png"))
async def get_list_card(services: Services) -> Response:
    """Return what is shown where the list of events is shared, 1200 by 630."""
    return _picture(await services.covers.list_card(), "image/png")


@router.get("/events/{slug}/cover.svg", response_class=Response, responses=shows("image/svg+xml"))
async def get_drawing(slug: str, services: Services, version: Version = "") -> Response:
    """Return the cover drawn for an event; it follows the reader's theme."""
    picture = await services.covers.drawing(slug)
    return _picture(
        picture, "image/svg+xml", is_current=await _is_current(services, slug, "svg", version)
    )


@router.get("/events/{slug}/cover.jpg", response_class=Response, responses=shows("image/jpeg"))
async def get_picture(slug: str, services: Services, version: Version = "") -> Response:
    """Return the organizer's picture of an event, 1200 by 630."""
    picture = await services.covers.picture(slug)
    return _picture(
        picture, "image/jpeg", is_current=await _is_current(services, slug, "jpg", version)
    )


@router.get("/events/{slug}/card.png", response_class=Response, responses=shows("image/png"))
async def get_card(slug: str, services: Services) -> Response:
    """Return what is shown where an event is shared, 1200 by 630."""
    return _picture(await services.covers.card(slug), "image/png")


async def _is_current(services: Container, slug: str, kind: str, version: str) -> bool:
    """Return whether pages name this version: a cache must not keep what a client made up."""
    return (await services.catalog.event(slug)).cover.endswith(f".{kind}?v={version}")


def _picture(content: bytes, media_type: str, *, is_current: bool = False) -> Response:
    headers = {"Cache-Control": _FOR_EVER if is_current else _FOR_A_WHILE}
    return Response(content, media_type=media_type, headers=headers)
