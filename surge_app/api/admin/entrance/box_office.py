"""The counter in `/api/admin`: tickets sold or given away, and put on paper."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Header, Response
from pydantic import Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.api.fact_models import ViewOut
from surge_app.api.openapi import shows
from surge_app.api.schemas import StrictBody
from surge_app.languages import DEFAULT
from surge_app.models import BoxOfficeMethod
from surge_app.services.checkout.views import OrderLine
from surge_app.services.payments.box_office import MAX_GIVEN, CounterSale

router = admin_router()
_MAX_PAISE = 10**12
_MAX_TIERS = 50


class CounterLineIn(StrictBody):
    """So many tickets of a tier, and the names of who comes, if they are known."""

    tier_id: str = Field(max_length=40)
    quantity: int = Field(ge=1, le=MAX_GIVEN)
    attendees: list[Annotated[str, Field(max_length=200)]] = Field([], max_length=MAX_GIVEN)


class CounterSaleIn(StrictBody):
    """An order at the counter.

    `cash_paise` is what the buyer paid, in whatever `method`: the prices of the tickets, without
    the booking fee; null for tickets that are given away. `reference` names the UPI payment or the
    card slip. Name, email and phone may be left out. `language` is that of the buyer's messages and
    tickets, such as `hi`.
    """

    lines: list[CounterLineIn] = Field(min_length=1, max_length=_MAX_TIERS)
    cash_paise: int | None = Field(ge=0, le=_MAX_PAISE)
    method: BoxOfficeMethod = BoxOfficeMethod.CASH
    reference: str = Field("", max_length=60)
    name: str = Field("", max_length=200)
    email: str = Field("", max_length=320)
    phone: str = Field("", max_length=40)
    language: str = Field(DEFAULT.tag, max_length=20)


class CounterBookingOut(ViewOut):
    """The booking that was made."""

    ref: str
    channel: Literal["box_office", "complimentary"]
    method: str
    total_paise: int
    tickets: int


@router.post(
    "/events/{slug}/box-office",
    status_code=201,
    responses={200: {"model": CounterBookingOut, "description": "Sold by this key before"}},
)
async def sell_at_the_counter(
    slug: str,
    body: CounterSaleIn,
    services: Services,
    user: OrganizerName,
    answer: Response,
    idempotency_key: Annotated[str, Header(min_length=1, max_length=100)],
) -> CounterBookingOut:
    """Sell tickets or give them away, once for each `Idempotency-Key`.

    201, or 200 if this key sold before; 409 `price_changed` if they cost another amount.
    """
    sale = CounterSale(
        lines=[OrderLine(line.tier_id, line.quantity) for line in body.lines],
        cash_paise=body.cash_paise,
        method=body.method,
        reference=body.reference,
        name=body.name,
        email=body.email,
        phone=body.phone,
        language=body.language,
        attendees={line.tier_id: line.attendees for line in body.lines if line.attendees},
    )
    sold = await services.box_office.sell(slug, sale, key=idempotency_key, actor=user)
    if not sold.is_new:
        answer.status_code = 200
    return CounterBookingOut.of(sold)


@router.get(
    "/bookings/{ref}/tickets.pdf", response_class=Response, responses=shows("application/pdf")
)
async def print_tickets(ref: str, services: Services) -> Response:
    """Return the tickets of a booking as a PDF, A4, to be printed."""
    headers = {
        "Content-Disposition": f'inline; filename="{ref}.pdf"',
        "Cache-Control": "private, no-store",
    }
    content = await services.tickets.pdf(ref)
    return Response(content, media_type="application/pdf", headers=headers)
