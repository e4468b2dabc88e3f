"""The tickets of a booking on a page without scripts, which a browser can also save."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from email.utils import format_datetime

from starlette.responses import HTMLResponse, Response

from surge_app import container
from surge_app.clock import utc_now
from surge_app.edge.http import with_cookies
from surge_app.edge.pages.rendering import render
from surge_app.errors import NotFound
from surge_app.services.bookings.qr import qr_svg

# A show may go on past midnight, and a phone's clock may be wrong.
_RETENTION = timedelta(days=2)


async def ticket_page(ref: str, headers: Iterable[tuple[str, str]], *, saved: bool) -> Response:
    """Return the page.

    Args:
        ref: The booking's reference; the caller has checked the right to it.
        headers: What the page carries.
        saved: Whether it is the copy that a browser keeps: it says when it was saved, offers to
            be forgotten, and names in `Expires` when no browser needs it any more.

    Raises:
        NotFound: For a copy of a booking without valid tickets, which browsers then forget.
    """
    booking = (await container.current().tickets.view(ref)).in_language()
    if saved and booking.status != "confirmed":
        raise NotFound
    now, event = utc_now(), booking.event
    codes = [qr_svg(ticket.qr_text) for ticket in booking.tickets]
    html = render(
        "tickets.html",
        title=event.name,
        booking=booking,
        codes=codes,
        saved_at=now if saved else None,
        refresh_seconds=0,
    )
    over = max(event.ends_at or event.starts_at, now) + _RETENTION
    expires = [("expires", format_datetime(over, usegmt=True))] if saved else []
    cookies = [value for name, value in headers if name == "set-cookie"]
    own = [header for header in headers if header[0] != "set-cookie"]
    return with_cookies(HTMLResponse(html, headers=dict([*own, *expires])), cookies)
