"""The pages, and the one table that says which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from surge_app.gate.rules import Access
from surge_app.pages import admin, book, bookings, event, events, queue
from surge_app.state.admin import AdminState
from surge_app.state.book import BookState
from surge_app.state.bookings import BookingState
from surge_app.state.errors import ProblemState


@dataclass(frozen=True)
class Route:
    """One page.

    Attributes:
        path: The route, with `[name]` for a part that varies.
        component: Builds the page.
        title: The document's title until the page knows better.
        access: Who may open it; the gate enforces it.
        on_load: Handlers run each time it is opened.
    """

    path: str
    component: Callable[[], rx.Component]
    title: str
    access: Access
    on_load: tuple[Any, ...] = ()


ROUTES = (
    Route("/events", events.page, "Events · Surge", Access.COLD),
    Route("/events/[slug]", event.page, "Event · Surge", Access.COLD),
    Route("/queue/[slug]", queue.page, "Waiting room", Access.COLD),
    Route(
        "/book/[slug]",
        book.page,
        "Your tickets · Surge",
        Access.PASS,
        (ProblemState.dismiss, BookState.load, BookState.recheck),
    ),
    Route(
        "/bookings/[ref]",
        bookings.page,
        "Your booking · Surge",
        Access.BOOKING,
        (ProblemState.dismiss, BookingState.load),
    ),
    Route(
        "/admin",
        admin.overview,
        "Organizer · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, AdminState.load),
    ),
    Route(
        "/admin/[slug]",
        admin.board,
        "Sale day · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, AdminState.load_board),
    ),
)
