"""Identify the visitor, booking or admin user of a live connection."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote

import reflex as rx

from surge_app.container import current
from surge_app.languages import QUERY, language_of
from surge_app.services.access.admin_auth import AdminUser
from surge_app.services.bookings.access import BookingRight
from surge_app.services.request_body import MAX_FIELDS


def visitor(state: rx.State) -> str | None:
    """Return the visitor's id, or None without a valid visitor cookie."""
    return current().identity.visitor_id(_cookies(state))


async def operator(state: rx.State) -> AdminUser | None:
    """Return the signed-in admin user; checked anew for every event."""
    return await current().admin_access.session(_cookies(state))


async def organizer(state: rx.State) -> str | None:
    """Return the name of the signed-in organizer, None for others."""
    found = await operator(state)
    return found.name if found is not None and found.is_organizer else None


async def booking_right(state: rx.State, ref: str) -> BookingRight | None:
    """Return what this browser may do with a booking, read anew for every event."""
    return await current().booking_access.right(ref, _cookies(state))


def client_address(state: rx.State) -> str:
    """Return the client's address, as the edge decided it when the page connected."""
    return state.router.headers.raw_headers.get("asgi-scope-client", "unknown")


def path_param(state: rx.State, index: int) -> str:
    """Return one part of the page's path, empty if there is none.

    The browser sends the path. It names something and grants nothing.
    """
    parts = [part for part in str(state.router.url.path).split("/") if part]
    return unquote(parts[index]) if index < len(parts) else ""


def query_param(state: rx.State, name: str) -> str:
    """Return a value of the address's query, empty if there is none; told by the browser."""
    try:
        fields = dict(parse_qsl(str(state.router.url.query), max_num_fields=MAX_FIELDS))
    except ValueError:
        return ""
    return fields.get(name, "")


def language(state: rx.State) -> str:
    """Return the tag of the language of the page."""
    headers = state.router.headers
    path, query = str(state.router.url.path), query_param(state, QUERY)
    return language_of(path, query, _cookies(state), headers.accept_language)


def _cookies(state: rx.State) -> str:
    # The headers of the connection: they stay on the server and are fixed while it lasts.
    return state.router.headers.cookie or ""


def booking_link(ref: str) -> str:
    """Return the address of a booking of this visitor, whose page sets the booking cookie."""
    return f"/bookings/{ref}"
