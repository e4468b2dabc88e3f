"""`/api/queue`: join the queue, poll it, and leave it.

Polls, and calls to join as pages send them, are answered by the gate: this is what stands in the
document of the API, serves the waiting room without JavaScript, and refuses what is malformed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from surge_app.api.dependencies import ClientAddress, ClientSender, Cookies, Problems, Services
from surge_app.api.openapi import shows
from surge_app.api.problems import problem_response
from surge_app.api.schemas import MoveIn, MoveOut, ProblemOut, QueueOut, TakeIn, TakeOut
from surge_app.container import Container
from surge_app.errors import ChallengeRequired, NotFound
from surge_app.services.bookings.qr import qr_uri
from surge_app.services.waiting_room.requests import JoinBody, QueueReply
from surge_app.services.waiting_room.views import PublicQueueView, QueueBlock, QueuePositions

router = APIRouter(prefix="/api/queue", tags=["queue"])

_LOG_CACHED = "public, s-maxage=30, stale-while-revalidate=60"

_PROBLEMS: Problems = {
    404: {"model": ProblemOut},
    429: {"model": ProblemOut},
    503: {"model": ProblemOut},
}


def _public(model: type) -> Problems:
    unchanged = {"description": "Nothing changed since `If-None-Match`"}
    return {200: {"model": model}, 304: unchanged, **_PROBLEMS}


_MOVE_PROBLEMS: Problems = {**_PROBLEMS, 409: {"model": ProblemOut}}
_JOIN_PROBLEMS: Problems = {**_PROBLEMS, 428: {"model": ProblemOut}}


@router.post("/{slug}", responses=_JOIN_PROBLEMS, response_model=QueueOut)
async def join_queue(
    slug: str,
    response: Response,
    services: Services,
    header: Cookies,
    sender: ClientSender,
    sent: JoinBody | None = None,
) -> QueueOut | Response:
    """Join the queue; a repeat keeps the number. Sets the visitor cookie.

    Where a proof of work is needed and none was sent, the answer is 428 with the `challenge` to
    solve; the same call with its `solution` then joins. With `keeps_cookies`, a browser without a
    visitor cookie gets one and the note `cookie_required`, and joins by the same call with it.
    """
    reply = await services.queue_requests.join(slug, header, sent or JoinBody(), sender)
    return _answer(response, reply)


@router.get("/{slug}", responses=_PROBLEMS, response_model=QueueOut)
async def poll_queue(
    slug: str, response: Response, services: Services, header: Cookies
) -> QueueOut | Response:
    """Tell a visitor where they are; obey `retry_after_ms`. The gate answers it, faster."""
    return _answer(response, await services.queue_requests.poll(slug, header))


@router.delete("/{slug}", status_code=204, responses=_PROBLEMS)
async def leave_queue(slug: str, response: Response, services: Services, header: Cookies) -> None:
    """Leave the queue, or give up the pass and its hold; the next visitor is called."""
    visitor = services.identity.visitor(header)
    if visitor is None:
        return
    if slug in services.identity.passes(header):
        await services.intents.release_live(slug, visitor.id)
    await services.waiting_room.leave(slug, visitor.id)
    if slug in visitor.queue_numbers:
        response.headers.append(
            "set-cookie", services.identity.set_queue_cookie(visitor, slug).header
        )


@router.post("/{slug}/move", status_code=201, responses=_MOVE_PROBLEMS)
async def make_move(
    slug: str,
    response: Response,
    services: Services,
    header: Cookies,
    address: ClientAddress,
    sent: MoveIn | None = None,
) -> MoveOut:
    """Make two codes for the visitor's place, to continue on another device within two minutes.

    The first use of either moves the place, with its pass and its hold; until then nothing changes.
    Codes made before are void. The secret of `link` is in its fragment, which no browser sends.
    """
    typed = sent.typed if sent else {}
    offer = await services.device_moves.offer(slug, header, typed, client_address=address)
    link = f"{services.settings.base_url}/continue/{slug}#{offer.link}"
    response.headers["cache-control"] = "no-store"
    return MoveOut(
        link=link,
        qr=qr_uri(link),
        code=offer.short,
        valid_seconds=int(offer.valid_for.total_seconds()),
    )


@router.delete("/{slug}/move", status_code=204, responses=_PROBLEMS)
async def cancel_move(slug: str, services: Services, header: Cookies) -> None:
    """Void the codes of the visitor's place."""
    await services.device_moves.withdraw(slug, header)


@router.post("/{slug}/continue", responses=_MOVE_PROBLEMS, response_model=TakeOut)
async def take_move(
    slug: str,
    sent: TakeIn,
    response: Response,
    services: Services,
    header: Cookies,
    address: ClientAddress,
) -> TakeOut | Response:
    """Move the place of a code to this visitor; a repeat changes nothing.

    A browser without a visitor cookie gets one and the note `cookie_required`, and moves the place
    by the same call with it. 409 `already_in_queue`: it has a place, and `replaces` gives that up.
    """
    reply = await services.device_moves.take(
        slug, header, sent.code, replaces=sent.replaces, client_address=address
    )
    queue = _answer(response, reply.queue)
    return queue if isinstance(queue, Response) else TakeOut(**dict(queue), typed=reply.typed)


@router.get("/{slug}/public", responses=_public(PublicQueueView), response_class=Response)
async def public_queue(slug: str, request: Request, services: Services) -> Response:
    """Return the queue as anyone may see it; no cookie is read or set.

    `Surge-Signature` is `<key id>.<base64url>`: Ed25519 over `SRGD1.` and the uncompressed body,
    with one of the keys of `/api/tickets/keys`. A visitor's position in the whole order, `p`, is
    their number unless the order was drawn. Ahead of it wait `blocks.ahead[p // size - first]`, and
    those of its block with a lower `p`.
    """
    return await _document(services, request, f"{slug}/public")


@router.get("/{slug}/public/{block}", responses=_public(QueueBlock), response_class=Response)
async def public_block(slug: str, block: str, request: Request, services: Services) -> Response:
    """Return which positions of a block wait; `block` is `<size>-<index>` as the snapshot says."""
    return await _document(services, request, f"{slug}/public/{block}")


@router.get("/{slug}/positions/{page}", responses=_public(QueuePositions), response_class=Response)
async def drawn_positions(slug: str, page: str, request: Request, services: Services) -> Response:
    """Return the drawn positions of 1,024 numbers; that of `n` is on page `(n - 1) // 1024`."""
    return await _document(services, request, f"{slug}/positions/{page}")


@router.get(
    "/{slug}/log", responses={**shows("text/plain"), **_PROBLEMS}, response_class=StreamingResponse
)
async def public_log(slug: str, services: Services, address: ClientAddress) -> StreamingResponse:
    """Stream the public log: once a minute a signed line of what happened in the queue.

    It holds numbers and no personal data. `python -m surge_app verify-queue` checks it.
    """
    parts = services.queue_log.read(slug, address)
    first = await anext(parts, "")

    async def _whole() -> AsyncGenerator[str]:
        yield first
        async for part in parts:
            yield part

    headers = {"cache-control": _LOG_CACHED}
    return StreamingResponse(_whole(), media_type="text/plain", headers=headers)


@router.get("/{slug}/receipt", responses={**shows("text/plain"), **_PROBLEMS})
async def receipt(slug: str, services: Services, header: Cookies) -> PlainTextResponse:
    """Return a signed receipt of the visitor's number, to check it against the public log later."""
    visitor = services.identity.visitor(header)
    number = visitor.queue_numbers.get(slug) if visitor else None
    if number is None:
        raise NotFound
    name = f"{slug}-{number}.receipt.txt"
    return PlainTextResponse(
        services.queue_log.receipt(slug, number) + "\n",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


async def _document(services: Container, request: Request, path: str) -> Response:
    status, headers, body = (await services.public_queue.document(path)).reply(request.headers)
    return Response(body, status, headers)


def _answer(response: Response, reply: QueueReply) -> QueueOut | Response:
    if isinstance(reply.status, ChallengeRequired):
        return _with_cookies(problem_response(reply.status), reply)
    _with_cookies(response, reply).headers["cache-control"] = "no-store"
    return QueueOut.model_validate(reply.status.to_json())


def _with_cookies(response: Response, reply: QueueReply) -> Response:
    for cookie in reply.cookies:
        response.headers.append("set-cookie", cookie.header)
    return response
