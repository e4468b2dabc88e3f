"""Messages: the organizer's list, and those a booking's page requests."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import Field

from surge_app.api.bookings.details import OwnedRef
from surge_app.api.dependencies import ClientAddress, Cookies, OrganizerName, Services
from surge_app.api.fact_models import ViewOut
from surge_app.api.schemas import ProblemOut, SentOut, StrictBody
from surge_app.errors import NotFound
from surge_app.services.bookings.access import BookingRight
from surge_app.services.messaging.notifications import ATTENDEE

State = Literal["on_its_way", "sent", "delivered", "bounced", "failed"]

router = APIRouter(
    tags=["messages"],
    responses={status: {"model": ProblemOut} for status in (401, 403, 404, 409, 422, 429)},
)


class MessageOut(ViewOut):
    """A message; `status` is ours, `state` counts what the provider told as well."""

    id: str
    event_slug: str
    booking_ref: str | None
    channel: Literal["email", "sms"]
    kind: str
    recipient: str
    status: Literal["pending", "sending", "sent", "dead"]
    state: State
    attempts: int
    last_error: str | None
    created_at: datetime
    next_attempt_at: datetime
    sent_at: datetime | None


class MessagePageOut(ViewOut):
    """Some messages, the newest first; `next_before` is the `before` of the next page."""

    messages: list[MessageOut]
    next_before: str | None


class SentMessageOut(ViewOut):
    """The state of the newest confirmation on one channel."""

    channel: Literal["email", "sms"]
    state: State
    recipient: str


class SendAgainIn(StrictBody):
    """The corrected address, as typed; a missing one stays. `code` confirms a change."""

    email: str | None = Field(None, max_length=500)
    phone: str | None = Field(None, max_length=100)
    code: str = Field("", max_length=20)


@router.get("/api/admin/messages")
async def list_messages(
    services: Services,
    user: OrganizerName,
    status: Literal["pending", "sent", "dead", "bounced", "trouble"] = "trouble",
    event: Annotated[str | None, Query(max_length=60)] = None,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> MessagePageOut:
    """Return messages: `trouble` is what was given up (`dead`) or did not arrive (`bounced`)."""
    _ = user
    page = await services.notifications.listed(
        status=status, slug=event, before=before, limit=limit
    )
    return MessagePageOut.of(page)


@router.post("/api/admin/messages/{message_id}/retry", status_code=204)
async def retry_message(
    message_id: Annotated[str, Path(max_length=40)], services: Services, user: OrganizerName
) -> None:
    """Try a message anew; 409 `message_on_its_way` unless it was given up or did not arrive."""
    await services.notifications.retry(message_id, actor=user)


@router.get("/api/bookings/{ref}/messages")
async def booking_messages(ref: OwnedRef, services: Services) -> list[SentMessageOut]:
    """Return how the confirmation of a booking stands."""
    return [SentMessageOut.of(one) for one in await services.notifications.of_booking(ref)]


@router.post("/api/bookings/{ref}/resend", status_code=202)
async def resend_confirmation(
    ref: str, body: SendAgainIn, services: Services, header: Cookies, address: ClientAddress
) -> SentOut:
    """Send the confirmation again, at most five times a day, perhaps to a corrected address.

    A correction needs the browser that paid, or the code that 403 `contact_code_required` has
    emailed to the current address. The old address is informed, and earlier links stop working.
    """
    right = await services.booking_access.right(ref, header)
    if right is None:
        raise NotFound
    count = await services.notifications.resend(
        ref,
        actor=ATTENDEE,
        email=body.email,
        phone=body.phone,
        may_change_contact=right is BookingRight.OWN,
        code=body.code,
        client_address=address,
    )
    return SentOut(messages=count)
