"""`/api/events`: what is on sale."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AwareDatetime, TypeAdapter

from surge_app.api.dependencies import Problems, Services
from surge_app.api.schemas import EventOut, EventPageOut, ProblemOut
from surge_app.db.events.catalog import EventFilter, FilterChoices
from surge_app.languages import current, use

_UNCHANGED: Problems = {304: {"description": "Nothing changed since `If-None-Match`"}}
_MISSING: Problems = {404: {"model": ProblemOut}}
# As old as the counts may be anyway; a cache in front may give it to everyone meanwhile.
_FRESH = "public, max-age=1, stale-while-revalidate=5"
_LIST: TypeAdapter[list[EventOut]] = TypeAdapter(list[EventOut])
_CHOICES: TypeAdapter[FilterChoices] = TypeAdapter(FilterChoices)
_MAX_RENDERED = 500
_MAX_LISTED = 200

router = APIRouter(tags=["events"])

KnownTag = Annotated[str, Header(alias="if-none-match")]
# Caches keep one answer for an address, so nothing else chooses the language of the facts.
Lang = Annotated[str, Query(max_length=20)]


class _Rendered:
    """The JSON of views, made once for each reading of the database and not for each request."""

    def __init__(self) -> None:
        self._cache: dict[Hashable, tuple[object, bytes, str]] = {}

    def answer(
        self, key: Hashable, view: object, render: Callable[[], bytes], known_tag: str
    ) -> Response:
        cached = self._cache.get(key)
        if cached is None or cached[0] is not view:
            body = render()
            cached = view, body, f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if len(self._cache) >= _MAX_RENDERED:
                self._cache.clear()
            self._cache[key] = cached
        _, body, tag = cached
        headers = {"Cache-Control": _FRESH, "ETag": tag}
        if tag in known_tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type="application/json", headers=headers)


_rendered = _Rendered()


async def _wanted(
    q: Annotated[str, Query(max_length=100)] = "",
    city: Annotated[str, Query(max_length=60)] = "",
    category: Annotated[str, Query(max_length=40)] = "",
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    limit: Annotated[int, Query(ge=1, le=_MAX_LISTED)] = _MAX_LISTED,
) -> EventFilter:
    return EventFilter(q, city, category, since, until, limit)


@router.get("/api/events", response_model=list[EventOut], responses=_UNCHANGED)
async def list_events(
    services: Services,
    wanted: Annotated[EventFilter, Depends(_wanted)],
    lang: Lang = "",
    known_tag: KnownTag = "",
) -> Response:
    """Return published events, the soonest first; an event leaves a day after its end.

    `q` finds words of the name, venue, city or organizer. Events start at `from` or later and
    before `to`.
    """
    views = await services.catalog.events(wanted)

    def render() -> bytes:
        return _LIST.dump_json([EventOut.of(view.in_language()) for view in views])

    with use(lang):
        return _rendered.answer((wanted, current().tag), views, render, known_tag)


@router.get("/api/event-filters", response_model=FilterChoices, responses=_UNCHANGED)
async def get_event_filters(services: Services, known_tag: KnownTag = "") -> Response:
    """Return the cities and categories of the listed events."""
    found = await services.catalog.filter_choices()
    return _rendered.answer(None, found, lambda: _CHOICES.dump_json(found), known_tag)


@router.get("/api/events/{slug}", response_model=EventPageOut, responses={**_UNCHANGED, **_MISSING})
async def get_event(
    slug: str, services: Services, lang: Lang = "", known_tag: KnownTag = ""
) -> Response:
    """Return one event."""
    view = await services.catalog.event(slug)

    def render() -> bytes:
        return EventPageOut.of(view.in_language()).model_dump_json().encode()

    with use(lang):
        return _rendered.answer((slug, current().tag), view, render, known_tag)
