"""The fast path: a poll is answered here, before any framework is entered."""

from __future__ import annotations

from surge_app.container import Container
from surge_app.errors import SurgeError
from surge_app.gate.request import Answer, Request, json_answer, problem


async def answer_poll(container: Container, request: Request, slug: str) -> Answer:
    """Answer `GET /api/queue/{slug}`; an admitted visitor gets the pass cookie along."""
    identity = container.identity
    visitor_id = identity.visitor(request.cookies)
    try:
        if visitor_id is None:
            # Nobody can be found under an empty name, so this reads the line without a place.
            line = await container.waiting_room.poll(slug, "")
        else:
            line = await container.waiting_room.poll(slug, visitor_id)
    except SurgeError as error:
        return problem(error)
    headers: list[tuple[str, str]] = []
    if line.state == "admitted" and visitor_id is not None:
        cookie = identity.with_pass(request.cookies, visitor_id, slug)
        headers.append(("set-cookie", cookie.header))
    return json_answer(200, line.document(), headers)
