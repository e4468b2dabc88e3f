"""`/api/intents`: holding tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from fastapi import APIRouter, Response

from surge_app.api.dependencies import (
    ClientAddress,
    Cookies,
    IntentId,
    Owner,
    Problems,
    Services,
    Visitor,
)
from surge_app.api.schemas import (
    CheckoutOut,
    ContactIn,
    HeartbeatOut,
    IntentOut,
    LineIn,
    LinesIn,
    ProblemOut,
)
from surge_app.container import Container
from surge_app.errors import AllHeld, NotEnoughLeft, SoldOut, SurgeError
from surge_app.services.checkout.shortages import shortages
from surge_app.services.checkout.views import OrderLine

router = APIRouter(prefix="/api", tags=["intents"])

_PROBLEMS: Problems = {
    status: {"model": ProblemOut} for status in (403, 404, 409, 410, 422, 429, 503)
}


@router.post(
    "/events/{slug}/intents",
    status_code=201,
    response_model=IntentOut,
    responses={200: {"model": IntentOut}, **_PROBLEMS},
)
async def start_intent(
    slug: str,
    body: LinesIn,
    response: Response,
    services: Services,
    visitor: Visitor,
    address: ClientAddress,
) -> IntentOut:
    """Hold tickets: 201 for a new hold, 200 for the same one again.

    409 `not_enough_left` tells in `left` how many of `tier_id` there are; `shortages` lists every
    tier that is short, with `wanted` and `left`.
    """
    selection = _lines(body.lines)
    try:
        view, is_new = await services.intents.start(
            slug, visitor, selection, client_address=address
        )
    except (AllHeld, NotEnoughLeft, SoldOut) as error:
        await _add_shortages(error, services, slug, selection)
        raise
    response.status_code = 201 if is_new else 200
    return IntentOut.of(view)


@router.get("/intents/{intent_id}", responses=_PROBLEMS)
async def get_intent(
    intent_id: IntentId, response: Response, services: Services, visitor: Owner, header: Cookies
) -> IntentOut:
    """Return the visitor's own intent; once confirmed, with the cookie that opens its booking."""
    view = await services.intents.get(intent_id, visitor)
    _add_booking_cookie(response, services, header, view.booking_ref)
    return IntentOut.of(view)


@router.put("/intents/{intent_id}/lines", responses=_PROBLEMS)
async def change_intent(
    intent_id: IntentId, body: LinesIn, services: Services, visitor: Owner, address: ClientAddress
) -> IntentOut:
    """Exchange the tickets of a hold, all or nothing; the deadline stays."""
    selection = _lines(body.lines)
    try:
        return IntentOut.of(
            await services.intents.change(intent_id, visitor, selection, client_address=address)
        )
    except (AllHeld, NotEnoughLeft, SoldOut) as error:
        mine = await services.intents.get(intent_id, visitor)
        held = {line.tier_id: line.quantity for line in mine.lines}
        await _add_shortages(error, services, mine.event_slug, selection, held)
        raise


@router.delete("/intents/{intent_id}", status_code=204, responses=_PROBLEMS)
async def release_intent(intent_id: IntentId, services: Services, visitor: Owner) -> None:
    """Give the tickets back at once."""
    await services.intents.release(intent_id, visitor)


@router.post("/intents/{intent_id}/heartbeat", responses=_PROBLEMS)
async def heartbeat(intent_id: IntentId, services: Services, visitor: Owner) -> HeartbeatOut:
    """Tell how long the hold lasts; 410 when it is over. Asking never makes it longer."""
    view = await services.intents.heartbeat(intent_id, visitor)
    return HeartbeatOut.of(view)


@router.post("/intents/{intent_id}/payment", responses=_PROBLEMS)
async def start_payment(
    intent_id: IntentId,
    body: ContactIn,
    response: Response,
    services: Services,
    visitor: Owner,
    header: Cookies,
) -> CheckoutOut:
    """Prepare the payment; the same order on every repeat.

    With nothing to pay there is a `booking_ref` and no order; the cookie that opens it comes along.
    """
    checkout = await services.payments.start(
        intent_id,
        visitor,
        name=body.name,
        email=body.email,
        phone=body.phone,
        attendees=body.attendees,
    )
    _add_booking_cookie(response, services, header, checkout.booking_ref)
    return CheckoutOut.of(checkout)


def _add_booking_cookie(
    response: Response, services: Container, header: str, booking_ref: str | None
) -> None:
    if booking_ref:
        cookie = services.identity.add_booking_cookie(header, booking_ref)
        response.headers.append("set-cookie", cookie.header)


async def _add_shortages(
    error: SurgeError,
    services: Container,
    slug: str,
    selection: Sequence[OrderLine],
    held: Mapping[str, int] = MappingProxyType({}),
) -> None:
    short = shortages(await services.catalog.event(slug), selection, error, held=held)
    error.details["shortages"] = [asdict(one) for one in short]


def _lines(wanted: Sequence[LineIn]) -> list[OrderLine]:
    return [OrderLine(line.tier_id, line.quantity) for line in wanted]
