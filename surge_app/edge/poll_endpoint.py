"""Polls for which somebody has to be asked: the next look at the line, or Redis itself.

What a snapshot of the line answers at once never comes here; see `kept`.
"""

from __future__ import annotations

from starlette.types import Scope

from surge_app.container import Container
from surge_app.edge.http import Answer, json_text_answer, problem
from surge_app.edge.queue_response import told_answer
from surge_app.errors import NotFound, QueueUnavailable, SurgeError
from surge_app.services.access.identity import Visitor


def cookies_of(scope: Scope) -> str:
    """Return the whole `Cookie` header; HTTP/2 may split it into several."""
    return "; ".join(
        value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"
    )


async def answer_poll(container: Container, scope: Scope, slug: str) -> Answer:
    """Answer `GET /api/queue/{slug}`; an admitted visitor gets the pass cookie along."""
    header = cookies_of(scope)
    visitor = container.identity.who(header)
    try:
        if visitor is None or slug in visitor.places:
            body = await _from_a_look(container, visitor, slug)
            if body is not None:
                return json_text_answer(body)
        return told_answer(await container.queue_requests.poll(slug, header))
    except SurgeError as error:
        return problem(error)


async def _from_a_look(container: Container, visitor: Visitor | None, slug: str) -> str | None:
    snapshots = container.waiting_room.snapshots
    snapshot = snapshots.current(slug)
    try:
        if snapshot is None or (visitor is not None and snapshot.is_newer(visitor.places[slug])):
            snapshot = await snapshots.wait_for_next(slug)
    except NotFound:
        if visitor is None:
            raise
        # There was such a line: Redis has lost it, and it opens again in a moment.
        raise QueueUnavailable from None
    return snapshots.render(slug, snapshot, visitor)
