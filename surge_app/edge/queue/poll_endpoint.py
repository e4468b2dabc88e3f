"""Answer polls that the snapshot in memory cannot: from the next snapshot, or from Redis."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import Scope

from surge_app.container import Container
from surge_app.edge.http import json_response, problem, queue_response
from surge_app.errors import NotFound, QueueUnavailable, SurgeError
from surge_app.services.access.identity import Visitor


def cookies_of(scope: Scope) -> str:
    """Return the whole `Cookie` header; a proxy that speaks HTTP/2 may split it."""
    return "; ".join(
        value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"
    )


async def answer_poll(services: Container, scope: Scope, slug: str) -> Response:
    """Answer `GET /api/queue/{slug}`; an admitted visitor also gets the pass cookie."""
    cookies = cookies_of(scope)
    visitor = services.identity.visitor(cookies)
    try:
        if visitor is None or slug in visitor.queue_numbers:
            body = await _next_snapshot(services, visitor, slug)
            if body is not None:
                return json_response(body)
        return queue_response(await services.queue_requests.poll(slug, cookies))
    except SurgeError as error:
        return problem(error)


async def _next_snapshot(services: Container, visitor: Visitor | None, slug: str) -> str | None:
    snapshots = services.waiting_room.snapshots
    snapshot = snapshots.current(slug)
    try:
        if snapshot is None or (
            visitor is not None and snapshot.is_newer(visitor.queue_numbers[slug])
        ):
            snapshot = await snapshots.wait_for_next(slug)
    except NotFound:
        if visitor is None:
            raise
        # The visitor has a number, so Redis has lost this queue; it opens again in a moment.
        raise QueueUnavailable from None
    return snapshots.render(slug, snapshot, visitor)
