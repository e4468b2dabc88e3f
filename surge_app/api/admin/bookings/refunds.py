"""Refunds in `/api/admin`: giving money back, and what waits for an operator."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from surge_app.api.admin.router import admin_router
from surge_app.api.dependencies import OrganizerName, Services
from surge_app.services.payments.views import StuckRefundView
from surge_app.services.request_body import StrictBody

router = admin_router()
_MAX_TICKETS = 10_000
_MAX_PAISE = 10**12


class RefundIn(StrictBody):
    """A whole refund unless `tickets` or `amount_paise` say less.

    `tickets` are numbers within the booking; `amount_paise` is goodwill and voids nothing;
    `restock` puts the units of void tickets on sale again. `version` is that of the booking as it
    was seen: 409 `changed_meanwhile` if someone else acted on it since. `handed_over` says that the
    buyer of a box-office booking has the money back; without it, it waits to be handed over.
    """

    restock: bool = True
    tickets: (
        Annotated[list[Annotated[int, Field(ge=1, le=_MAX_TICKETS)]], Field(min_length=1)] | None
    ) = None
    amount_paise: Annotated[int, Field(ge=1, le=_MAX_PAISE)] | None = None
    version: Annotated[int, Field(ge=0)] | None = None
    handed_over: bool = False


class RefundOut(BaseModel):
    """The accepted refund, its money on the way; `status` is the booking's."""

    ref: str
    status: str
    amount_paise: int
    tickets: list[int]


class StuckRefundsOut(BaseModel):
    """Every refund that waits for an operator, the oldest first."""

    refunds: list[StuckRefundView]


@router.post("/bookings/{ref}/refund", status_code=202)
async def refund_booking(
    ref: str, services: Services, user: OrganizerName, body: RefundIn | None = None
) -> RefundOut:
    """Take a booking back, whole or in part."""
    wanted = body or RefundIn()
    done = await services.refunds.refund(
        ref,
        actor=user,
        restock=wanted.restock,
        tickets=wanted.tickets,
        amount_paise=wanted.amount_paise,
        version=wanted.version,
        handed_over=wanted.handed_over,
    )
    return RefundOut(
        ref=done.booking_ref,
        status=done.status,
        amount_paise=done.amount_paise,
        tickets=list(done.tickets),
    )


@router.get("/refunds")
async def stuck_refunds(services: Services) -> StuckRefundsOut:
    """Return the refunds that are not retried automatically."""
    stuck = await services.refunds.stuck()
    return StuckRefundsOut(refunds=list(stuck))


@router.post("/refunds/{refund_id}/retry", status_code=204)
async def retry_refund(refund_id: str, services: Services, user: OrganizerName) -> None:
    """Try one of them again."""
    await services.refunds.retry(refund_id, actor=user)


@router.post("/refunds/{refund_id}/hand-over", status_code=204)
async def hand_over_refund(refund_id: str, services: Services, user: OrganizerName) -> None:
    """Note that a refund of the box office was handed back."""
    await services.refunds.hand_over(refund_id, actor=user)
