"""`/api/queue`: taking a place in line, and giving it up. Polls are answered by the gate."""

from __future__ import annotations

from fastapi import APIRouter, Response

from surge_app.api.deps import ClientSender, Cookies, Problems, Services
from surge_app.api.problems import problem_response
from surge_app.api.schemas import JoinIn, ProblemOut, QueueOut
from surge_app.container import Container
from surge_app.errors import ChallengeRequired
from surge_app.services.arrivals import Arrival
from surge_app.services.identity import Visitor
from surge_app.services.line_views import LineAnswer
from surge_app.services.waiting_room import PASS_LIFE

router = APIRouter(prefix="/api/queue", tags=["queue"])

_PROBLEMS: Problems = {
    404: {"model": ProblemOut},
    429: {"model": ProblemOut},
    503: {"model": ProblemOut},
}
_JOIN_PROBLEMS: Problems = {**_PROBLEMS, 428: {"model": ProblemOut}}


@router.post("/{slug}", responses=_JOIN_PROBLEMS, response_model=QueueOut)
async def join_queue(
    slug: str,
    response: Response,
    services: Services,
    header: Cookies,
    sender: ClientSender,
    sent: JoinIn | None = None,
) -> QueueOut | Response:
    """Take a place in line; repeating it keeps the place. Sets the visitor cookie.

    Where a proof of work is needed and none was sent, the answer is 428 with the `challenge` to
    solve; the same call with its `solution` then joins.
    """
    known = services.identity.who(header)
    visitor = known or Visitor(services.identity.new_visitor()[0])
    arrival = Arrival(
        slug,
        visitor.id,
        address=sender.address,
        is_ordinary=sender.is_ordinary,
        number=visitor.places.get(slug, 0),
        had_pass=slug in services.identity.passes(header, age=PASS_LIFE),
        **(sent.model_dump() if sent else {}),
    )
    try:
        line = await services.arrivals.join(arrival)
    except ChallengeRequired as error:
        # The challenge is for this visitor, so the cookie must come along.
        refusal = problem_response(error)
        if known is None:
            refusal.headers.append("set-cookie", services.identity.with_place(visitor).header)
        return refusal
    if known is None and line.number is None:
        response.headers.append("set-cookie", services.identity.with_place(visitor).header)
    return _answer(services, header, response, visitor, slug, line)


@router.get("/{slug}", responses=_PROBLEMS)
async def poll_queue(
    slug: str, response: Response, services: Services, header: Cookies
) -> QueueOut:
    """Tell a visitor where they are; obey `retry_after_ms`. The gate answers it, faster."""
    visitor = services.identity.who(header)
    had_pass = slug in services.identity.passes(header, age=PASS_LIFE)
    line = await services.waiting_room.poll(slug, visitor, had_pass=had_pass)
    return _answer(services, header, response, visitor, slug, line)


@router.delete("/{slug}", status_code=204, responses=_PROBLEMS)
async def leave_queue(slug: str, response: Response, services: Services, header: Cookies) -> None:
    """Give up the place, or the pass and what is held with it; the next in line is called."""
    visitor = services.identity.who(header)
    if visitor is None:
        return
    if slug in services.identity.passes(header):
        await services.intents.release_live(slug, visitor.id)
    await services.waiting_room.leave(slug, visitor.id)
    if slug in visitor.places:
        response.headers.append("set-cookie", services.identity.with_place(visitor, slug).header)


def _answer(
    services: Container,
    header: str,
    response: Response,
    visitor: Visitor | None,
    slug: str,
    line: LineAnswer,
) -> QueueOut:
    if visitor is not None:
        is_admitted = line.state == "admitted"
        for cookie in services.identity.after_line(
            header, visitor, slug, number=line.number, is_admitted=is_admitted
        ):
            response.headers.append("set-cookie", cookie.header)
    response.headers["cache-control"] = "no-store"
    return QueueOut.model_validate(line.document())
