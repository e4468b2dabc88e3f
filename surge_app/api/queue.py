"""`/api/queue`: taking a place in line, and giving it up. Polls are answered by the gate."""

from __future__ import annotations

from fastapi import APIRouter, Response

from surge_app.api.deps import ClientAddress, Cookies, Problems, Services
from surge_app.api.schemas import ProblemOut, QueueOut
from surge_app.container import Container
from surge_app.kv.limits import Limit
from surge_app.services.line_views import LineAnswer

router = APIRouter(prefix="/api/queue", tags=["queue"])

# Loose, because whole towns share one address behind their carrier.
_JOINS_PER_ADDRESS = Limit("join-address", per_minute=3000, burst=2000)
_JOINS_PER_VISITOR = Limit("join-visitor", per_minute=30, burst=20)
_PROBLEMS: Problems = {
    404: {"model": ProblemOut},
    429: {"model": ProblemOut},
    503: {"model": ProblemOut},
}


@router.post("/{slug}", responses=_PROBLEMS)
async def join_queue(
    slug: str, response: Response, services: Services, header: Cookies, address: ClientAddress
) -> QueueOut:
    """Take a place in line; repeating it keeps the place. Sets the visitor cookie."""
    await services.limits.check(_JOINS_PER_ADDRESS, address)
    visitor_id = services.identity.visitor(header)
    if visitor_id is not None:
        await services.limits.check(_JOINS_PER_VISITOR, visitor_id)
    else:
        visitor_id, cookie = services.identity.new_visitor()
        response.headers.append("set-cookie", cookie.header)
    line = await services.waiting_room.join(slug, visitor_id)
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
