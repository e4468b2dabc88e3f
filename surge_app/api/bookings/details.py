"""`/api/bookings`: a booking and its tickets, for browsers with the right to it."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask

from surge_app.api.dependencies import ClientAddress, Cookies, Services
from surge_app.api.openapi import form_body, shows
from surge_app.api.schemas import BookingOut, ProblemOut
from surge_app.container import Container
from surge_app.errors import ForeignOrigin, NotFound, QueueUnavailable, RateLimited, SurgeError
from surge_app.services.bookings.lookup import BookingGuarded
from surge_app.services.checkout.email_suggestion import email_suggestion
from surge_app.services.messaging.notifications import ATTENDEE
from surge_app.services.request_body import MAX_FIELDS

router = APIRouter(
    prefix="/api/bookings", tags=["bookings"], responses={404: {"model": ProblemOut}}
)


async def owned_ref(
    ref: str, services: Services, header: Cookies, token: Annotated[str, Query()] = ""
) -> str:
    """Return the reference if the caller may see the booking; raises NotFound otherwise."""
    if await services.booking_access.right(ref, header, token) is None:
        raise NotFound
    return ref


OwnedRef = Annotated[str, Depends(owned_ref)]


@router.post(
    "/find",
    status_code=303,
    response_class=Response,
    responses={
        303: {"description": "To the booking, or back to the form"},
        403: {"model": ProblemOut},
    },
    openapi_extra=form_body("ref", "contact"),
)
async def find_booking(
    request: Request, services: Services, header: Cookies, address: ClientAddress
) -> Response:
    """Open a booking by its reference and its email or mobile number.

    Takes a form with `ref` and `contact`. A wrong reference and a wrong contact get the same
    answer: back to the form.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise ForeignOrigin
    contact = ""
    try:
        form = (await request.body()).decode()
        fields = dict(parse_qsl(form, max_num_fields=MAX_FIELDS))
        contact = fields.get("contact", "")
        booking = await services.finder.find(fields.get("ref", ""), contact, client_address=address)
    except (NotFound, ValueError):
        return _back("missing", likelier=email_suggestion(contact))
    except BookingGuarded as error:
        # After the answer, whose time would otherwise tell that the contact was right.
        return _back("emailed", BackgroundTask(_email_link, services, error.ref))
    except (RateLimited, QueueUnavailable):
        return _back("later")
    answer = RedirectResponse(f"/bookings/{booking.ref}", status_code=303)
    cookie = services.identity.add_booking_cookie(
        header, booking.ref, link_version=booking.link_version
    )
    answer.headers.append("set-cookie", cookie.header)
    answer.headers["cache-control"] = "no-store"
    return answer


def _back(result: str, background: BackgroundTask | None = None, *, likelier: str = "") -> Response:
    """Return to the form; of a likelier address only the domain goes into the page's address."""
    domain = likelier.rpartition("@")[2]
    query = f"?likelier={domain}" if domain else ""
    headers = {"cache-control": "no-store"}
    return RedirectResponse(f"/bookings/find{query}#{result}", 303, headers, background)


async def _email_link(services: Container, ref: str) -> None:
    with suppress(SurgeError):
        if ref:
            await services.notifications.resend(ref, actor=ATTENDEE)


@router.get("/{ref}")
async def get_booking(ref: OwnedRef, services: Services) -> BookingOut:
    """Return a booking."""
    return BookingOut.of(await services.tickets.view(ref))


@router.get("/{ref}/tickets.pdf", response_class=Response, responses=shows("application/pdf"))
async def get_pdf(ref: OwnedRef, services: Services) -> Response:
    """Return the tickets as a PDF, A4."""
    return _file(await services.tickets.pdf(ref), "application/pdf", f"{ref}.pdf")


@router.get("/{ref}/receipt.pdf", response_class=Response, responses=shows("application/pdf"))
async def get_receipt(ref: OwnedRef, services: Services) -> Response:
    """Return what was paid for what as a PDF, A4."""
    return _file(await services.tickets.receipt(ref), "application/pdf", f"{ref}-receipt.pdf")


@router.get("/{ref}/calendar.ics", response_class=Response, responses=shows("text/calendar"))
async def get_calendar(ref: OwnedRef, services: Services) -> Response:
    """Return the event for a calendar."""
    return _file(await services.tickets.calendar(ref), "text/calendar", f"{ref}.ics")


def _file(content: bytes, media_type: str, filename: str) -> Response:
    headers = {
        "Content-Disposition": f'attachment; filename="{filename}"',
        "Cache-Control": "private, no-store",
    }
    return Response(content, media_type=media_type, headers=headers)
