"""Serve waiting-room requests: from their cookies to the answer and new cookies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import Field

from surge_app.errors import ChallengeRequired
from surge_app.services.access.identity import Cookie, Identity, Visitor
from surge_app.services.request_body import StrictBody
from surge_app.services.waiting_room.admission import JoinAttempt, JoinService
from surge_app.services.waiting_room.answers import COOKIE_REQUIRED, MOVED, NOTES
from surge_app.services.waiting_room.service import PASS_LIFE, WaitingRoom
from surge_app.services.waiting_room.views import QueueStatus

_BROWSER_HEADERS = ("user-agent", "accept", "accept-language", "accept-encoding")


class JoinBody(StrictBody):
    """The body of a join; nothing of it is required or trusted.

    `solution` is a solved challenge as base64, `opened_ms` for how long the page has been open;
    `website` is a field no person sees. With `keeps_cookies`, a browser without a visitor cookie
    gets one first and the note `cookie_required`. It joins by the same call with that cookie.
    """

    solution: str = Field(default="", max_length=8_192)
    website: str = Field(default="", max_length=200)
    keeps_cookies: bool = False
    opened_ms: float | None = Field(default=None, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """The origin of a request; `is_ordinary` if it has the headers every browser sends."""

    address: str
    is_ordinary: bool


@dataclass(frozen=True, slots=True)
class QueueReply:
    """The answer to a visitor, and the cookies to set with it.

    Attributes:
        status: Where they stand; or the challenge, which is for the visitor of the cookie.
        cookies: Those that changed.
    """

    status: QueueStatus | ChallengeRequired
    cookies: list[Cookie]


class QueueRequests:
    """Reads who asks, asks the queue, and writes the cookies that follow from its answer."""

    def __init__(self, identity: Identity, joins: JoinService, waiting_room: WaitingRoom) -> None:
        self._identity = identity
        self._joins = joins
        self._waiting_room = waiting_room

    async def join(self, slug: str, cookies: str, sent: JoinBody, sender: ClientInfo) -> QueueReply:
        """Issue a number, or keep the visitor's; a new browser becomes a visitor.

        Args:
            slug: The event.
            cookies: The whole `Cookie` header.
            sent: What came along.
            sender: Where it came from.

        Raises:
            NotFound: If no such event is known to the queue.
            RateLimited: If this visitor, network or event is too fast.
            QueueUnavailable: If Redis does not answer.
        """
        existing = self._identity.visitor(cookies)
        visitor = existing or self._identity.new_visitor()
        if sent.keeps_cookies and existing is None:
            return await self.ask_for_cookie(slug)
        attempt = JoinAttempt(
            slug,
            visitor.id,
            address=sender.address,
            is_ordinary=sender.is_ordinary,
            is_new=existing is None,
            number=visitor.queue_numbers.get(slug, 0),
            had_pass=slug in self._identity.passes(cookies, age=PASS_LIFE),
            solution=sent.solution,
            website=sent.website,
            opened_ms=sent.opened_ms,
        )
        try:
            queue = await self._joins.join(attempt)
        except ChallengeRequired as error:
            return QueueReply(error, [] if existing else [self._identity.set_queue_cookie(visitor)])
        changed = self._changed(slug, cookies, visitor, queue)
        if existing is None and queue.number is None:
            changed.insert(0, self._identity.set_queue_cookie(visitor))
        return QueueReply(queue, changed)

    async def ask_for_cookie(self, slug: str) -> QueueReply:
        """Give a new browser its cookie; only one that sends it back may have a place."""
        seen = await self._waiting_room.poll(slug, None)
        asked = replace(seen, note=COOKIE_REQUIRED, note_text=NOTES[COOKIE_REQUIRED])
        visitor = self._identity.new_visitor()
        return QueueReply(asked, [self._identity.set_queue_cookie(visitor)])

    async def poll(self, slug: str, cookies: str) -> QueueReply:
        """Tell a visitor where they are, and let them in if it is their turn.

        Raises:
            NotFound: If no such event is known to the queue.
            QueueUnavailable: If Redis does not answer.
        """
        visitor = self._identity.visitor(cookies)
        had_pass = slug in self._identity.passes(cookies, age=PASS_LIFE)
        queue = await self._waiting_room.poll(slug, visitor, had_pass=had_pass)
        return QueueReply(queue, self._changed(slug, cookies, visitor, queue) if visitor else [])

    def _changed(
        self, slug: str, cookies: str, visitor: Visitor, queue: QueueStatus
    ) -> list[Cookie]:
        changed = self._identity.queue_cookies(
            cookies, visitor, slug, number=queue.number, is_admitted=queue.state == "admitted"
        )
        if queue.note == MOVED and slug in self._identity.passes(cookies):
            changed.append(self._identity.drop_pass_cookie(cookies, visitor.id, slug))
        return changed


def sender(headers: Mapping[str, str], address: str) -> ClientInfo:
    """Return who sent a request, as far as that shows.

    Args:
        headers: By their names in small letters.
        address: Of the client, as the gate determined it.
    """
    return ClientInfo(address, all(headers.get(name) for name in _BROWSER_HEADERS))
