"""`/api/events`: what is on sale."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Header, Response
from pydantic import TypeAdapter

from surge_app.api.dependencies import Problems, Services
from surge_app.api.schemas import EventOut, EventPageOut, ProblemOut

_UNCHANGED: Problems = {304: {"description": "Nothing changed since `If-None-Match`"}}
_MISSING: Problems = {404: {"model": ProblemOut}}
# As old as the counts may be anyway; a cache in front may give it to everyone meanwhile.
_FRESH = "public, max-age=1, stale-while-revalidate=5"
_LIST: TypeAdapter[list[EventOut]] = TypeAdapter(list[EventOut])

router = APIRouter(prefix="/api/events", tags=["events"])

KnownTag = Annotated[str, Header(alias="if-none-match")]


class _Rendered:
    """The JSON of views, made once for each reading of the database and not for each request."""

    def __init__(self) -> None:
        self._cache: dict[str, tuple[object, bytes, str]] = {}

    def answer(
        self, key: str, view: object, render: Callable[[], bytes], known_tag: str
    ) -> Response:
        cached = self._cache.get(key)
        if cached is None or cached[0] is not view:
            body = render()
            cached = view, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            self._cache[key] = cached
        _, body, tag = cached
        headers = {"Cache-Control": _FRESH, "ETag": tag}
        if tag in known_tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)


_rendered = _Rendered()


@router.get("", response_model=list[EventOut], responses=_UNCHANGED)
async def list_events(services: Services, known_tag: KnownTag = "") -> Response:
    """Return every published event, the soonest first."""
    views = await services.catalog.events()

    def render() -> bytes:
        return _LIST.dump_json([EventOut.of(view) for view in views])

    # The list is made anew at each call, its first event only when it was read anew.
    return _rendered.answer("", views[0] if views else None, render, known_tag)


@router.get("/{slug}", response_model=EventPageOut, responses={**_UNCHANGED, **_MISSING})
async def get_event(slug: str, services: Services, known_tag: KnownTag = "") -> Response:
    """Return one event."""
    view = await services.catalog.event(slug)
    return _rendered.answer(
        slug, view, lambda: EventPageOut.of(view).model_dump_json().encode(), known_tag
    )
