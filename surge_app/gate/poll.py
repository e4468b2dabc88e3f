"""The fast path: a poll is answered here, before any framework is entered.

Everything on it counts: there are tens of thousands of polls a second before a big sale, and
most of them are answered from what this process keeps of the line.
"""

from __future__ import annotations

from collections.abc import Iterable

from starlette.types import Scope, Send

from surge_app.container import Container
from surge_app.errors import LineUnavailable, NotFound, SurgeError
from surge_app.gate.request import Answer, json_answer, problem
from surge_app.services.identity import Cookie, Visitor
from surge_app.services.waiting_room import PASS_LIFE


class Polls:
    """Answers `GET /api/queue/{slug}`."""

    def __init__(self, security: Iterable[tuple[str, str]]) -> None:
        """Encode once what every answer carries."""
        self._security = tuple(security)
        self._headers = [
            (name.encode(), value.encode())
            for name, value in (
                ("content-type", "application/json"),
                ("cache-control", "no-store"),
                *self._security,
            )
        ]

    async def answer(self, container: Container, scope: Scope, send: Send, slug: str) -> None:
        """Answer one poll; an admitted visitor gets the pass cookie along."""
        header = "; ".join(
            value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"
        )
        try:
            visitor = container.identity.who(header) if header else None
            body = await _from_snapshot(container, visitor, slug)
            if body is None:
                answer = await _from_line(container, header, visitor, slug)
            else:
                await self._send(send, body.encode())
                return
        except SurgeError as error:
            answer = problem(error)
        await answer.send(send, self._security)

    async def _send(self, send: Send, body: bytes) -> None:
        headers = [
            *self._headers,
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def _from_snapshot(container: Container, visitor: Visitor | None, slug: str) -> str | None:
    views = container.waiting_room.views
    number = None if visitor is None else visitor.places.get(slug)
    try:
        view = views.fresh(slug) or await views.next(slug)
    except NotFound:
        if number is None:
            raise
        # There was such a line: Redis has lost it, and it opens again in a moment.
        raise LineUnavailable from None
    if visitor is None:
        return view.answer_stranger()
    if number is None:
        return None
    if view.is_newer(number):
        view = await views.next(slug)
    body = view.answer(number)
    if body is not None:
        views.saw(slug, number)
    return body


async def _from_line(
    container: Container, header: str, visitor: Visitor | None, slug: str
) -> Answer:
    identity = container.identity
    had_pass = slug in identity.passes(header, age=PASS_LIFE)
    line = await container.waiting_room.poll(slug, visitor, had_pass=had_pass)
    cookies: list[Cookie] = []
    if visitor is not None:
        cookies = identity.after_line(
            header, visitor, slug, number=line.number, is_admitted=line.state == "admitted"
        )
    return json_answer(200, line.document(), [("set-cookie", one.header) for one in cookies])
