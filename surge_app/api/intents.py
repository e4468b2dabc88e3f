"""`/api/intents`: holding tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType

from fastapi import APIRouter, Response

from surge_app.api.dependencies import Cookies, IntentId, Owner, Problems, Services, Visitor
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
from surge_app.kv.rate_limits import Limit
from surge_app.services.checkout.shortages import shortages
from surge_app.services.checkout.views import OrderLine

router = APIRouter(prefix="/api", tags=["intents"])


_HOLDS = Limit("hold-visitor", per_minute=60, burst=30)
_PAYMENTS = Limit("pay-visitor", per_minute=30, burst=15)
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
    slug: str, body: LinesIn, response: Response, services: Services, visitor: Visitor
) -> IntentOut:
    """Hold tickets: 201 for a new hold, 200 for the same one again.

    409 `not_enough_left` tells in `left` how many of `tier_id` there are; `shortages` lists every
    tier that is short, with `wanted` and `left`.
    """
    await services.limits.check(_HOLDS, visitor)
    wish = _lines(body.lines)
    try:
        view, is_new = await services.intents.start(slug, visitor, wish)
    except (AllHeld, NotEnoughLeft, SoldOut) as error:
        await _tell_shortages(error, services, slug, wish)
        raise
    response.status_code = 201 if is_new else 200
    return IntentOut.of(view)


@router.get("/intents/{intent_id}", responses=_PROBLEMS)
async def get_intent(intent_id: IntentId, services: Services, visitor: Owner) -> IntentOut:
    """Return the visitor's own intent."""
    return IntentOut.of(await services.intents.get(intent_id, visitor))


@router.put("/intents/{intent_id}/lines", responses=_PROBLEMS)
async def change_intent(
    intent_id: IntentId, body: LinesIn, services: Services, visitor: Owner
) -> IntentOut:
    """Exchange the tickets of a hold, all or nothing; the deadline stays."""
    await services.limits.check(_HOLDS, visitor)
    wish = _lines(body.lines)
    try:
        return IntentOut.of(await services.intents.change(intent_id, visitor, wish))
    except (AllHeld, NotEnoughLeft, SoldOut) as error:
        mine = await services.intents.get(intent_id, visitor)
        held = {line.tier_id: line.quantity for line in mine.lines}
        await _tell_shortages(error, services, mine.event_slug, wish, held)
        raise


@router.delete("/intents/{intent_id}", status_code=204, responses=_PROBLEMS)
async def release_intent(intent_id: IntentId, services: Services, visitor: Owner) -> None:
    """Give the tickets back at once."""
    await services.intents.release(intent_id, visitor)


@router.post("/intents/{intent_id}/heartbeat", responses=_PROBLEMS)
async def heartbeat(intent_id: IntentId, services: Services, visitor: Owner) -> HeartbeatOut:
    """Tell how long the hold lasts; 410 when it is over. Asking never makes it longer."""
    view = await services.intents.heartbeat(intent_id, visitor)
    return HeartbeatOut.model_validate(view)


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
    await services.limits.check(_PAYMENTS, visitor)
    checkout = await services.payments.start(
        intent_id,
        visitor,
        name=body.name,
        email=body.email,
        phone=body.phone,
        attendees=body.attendees,
    )
    if checkout.booking_ref:
        cookie = services.identity.add_booking_cookie(header, checkout.booking_ref)
        response.headers.append("set-cookie", cookie.header)
    return CheckoutOut.model_validate(checkout)


async def _tell_shortages(
    error: SurgeError,
    services: Container,
    slug: str,
    wish: Sequence[OrderLine],
    held: Mapping[str, int] = MappingProxyType({}),
) -> None:
    short = shortages(await services.catalog.event(slug), wish, error, held=held)
    error.details["shortages"] = [asdict(one) for one in short]


def _lines(wanted: Sequence[LineIn]) -> list[OrderLine]:
    return [OrderLine(line.tier_id, line.quantity) for line in wanted]
