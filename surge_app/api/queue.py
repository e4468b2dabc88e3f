"""`/api/queue`: taking a place in line, and giving it up. Polls are answered by the gate."""

from __future__ import annotations

from fastapi import APIRouter, Response

from surge_app.api.deps import ClientSender, Cookies, Problems, Services
from surge_app.api.problems import problem_response
from surge_app.api.schemas import JoinIn, ProblemOut, QueueOut
from surge_app.container import Container
from surge_app.errors import ChallengeRequired
from surge_app.services.arrivals import Arrival
from surge_app.services.line_views import LineAnswer

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
    visitor_id = services.identity.visitor(header)
    if visitor_id is None:
        visitor_id, cookie = services.identity.new_visitor()
        response.headers.append("set-cookie", cookie.header)
    arrival = Arrival(
        slug,
        visitor_id,
        address=sender.address,
        is_ordinary=sender.is_ordinary,
        **(sent.model_dump() if sent else {}),
    )
    try:
        line = await services.arrivals.join(arrival)
    except ChallengeRequired as error:
        # The challenge is for this visitor, so the cookie must come along.
        refusal = problem_response(error)
        refusal.raw_headers.extend(response.raw_headers)
        return refusal
    return _answer(services, header, response, visitor_id, slug, line)


@router.get("/{slug}", responses=_PROBLEMS)
async def poll_queue(
    slug: str, response: Response, services: Services, header: Cookies
) -> QueueOut:
    """Tell a visitor where they are; obey `retry_after_ms`. The gate answers it, faster."""
    visitor_id = services.identity.visitor(header) or ""
    line = await services.waiting_room.poll(slug, visitor_id)
    return _answer(services, header, response, visitor_id, slug, line)


@router.delete("/{slug}", status_code=204)
async def leave_queue(slug: str, services: Services, header: Cookies) -> None:
    """Give up the place, or the pass and what is held with it; the next in line is called."""
    visitor_id = services.identity.visitor(header)
    if visitor_id is None:
        return
    if slug in services.identity.passes(header):
        await services.intents.release_live(slug, visitor_id)
    await services.waiting_room.leave(slug, visitor_id)


def _answer(
    services: Container,
    header: str,
    response: Response,
    visitor_id: str,
    slug: str,
    line: LineAnswer,
) -> QueueOut:
    if line.state == "admitted":
        cookie = services.identity.with_pass(_with_visitor(header, response), visitor_id, slug)
        response.headers.append("set-cookie", cookie.header)
    response.headers["cache-control"] = "no-store"
    return QueueOut.model_validate(line.document())


def _with_visitor(header: str, response: Response) -> str:
    """Return the cookies as the browser will send them next time."""
    fresh = [value.partition(";")[0] for value in response.headers.getlist("set-cookie")]
    return "; ".join([*fresh, header])
