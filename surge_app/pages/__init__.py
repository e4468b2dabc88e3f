"""The pages, and the one table that says which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from surge_app.edge.routes import Access
from surge_app.pages import book, bookings, event, events, find, queue
from surge_app.pages.admin import (
    board,
    box_office,
    checks,
    desk,
    door,
    editor,
    events as events_admin,
    holds,
    log,
    people,
    preview,
    queue as queue_admin,
    rehearsal,
)
from surge_app.state.admin.board import BoardState
from surge_app.state.admin.box_office import BoxOfficeState
from surge_app.state.admin.checks import ChecksState
from surge_app.state.admin.door import DoorState
from surge_app.state.admin.editor import EditorState
from surge_app.state.admin.events import EventsState
from surge_app.state.admin.holds import HoldsState
from surge_app.state.admin.log import LogState
from surge_app.state.admin.people import DeskState, PeopleState
from surge_app.state.admin.rehearsal import RehearsalState
from surge_app.state.admin.revoke import RevokeState
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
        (BookState.load,),
    ),
    Route("/bookings/find", find.page, "Find my booking · Surge", Access.COLD),
    Route(
        "/bookings/[ref]",
        bookings.page,
        "Your booking · Surge",
        Access.BOOKING,
        (ProblemState.dismiss, BookingState.load),
    ),
    Route(
        "/admin",
        events_admin.page,
        "Organizer · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, EventsState.load),
    ),
    Route(
        "/admin/[slug]",
        board.page,
        "Sale day · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, BoardState.load),
    ),
    Route(
        "/admin/events/[slug]/queue",
        queue_admin.page,
        "Queue · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, BoardState.load, RevokeState.load),
    ),
    Route(
        "/admin/events/[slug]/box-office",
        box_office.page,
        "Box office · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, BoxOfficeState.load),
    ),
    Route(
        "/admin/events/[slug]/holds",
        holds.page,
        "Holds · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, HoldsState.load),
    ),
    Route(
        "/admin/events/[slug]/participants",
        people.page,
        "Participants · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, PeopleState.load),
    ),
    Route(
        "/admin/events/[slug]/door",
        door.page,
        "Check-in · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, DoorState.load),
    ),
    Route(
        "/admin/events/new",
        editor.new_page,
        "New event · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, EditorState.load),
    ),
    Route(
        "/admin/events/[slug]/edit",
        editor.page,
        "Event · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, EditorState.load),
    ),
    Route("/admin/events/[slug]/preview", preview.page, "Preview · Surge", Access.ADMIN),
    Route(
        "/admin/bookings/[ref]",
        desk.page,
        "Booking · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, DeskState.load),
    ),
    Route(
        "/admin/install/checks",
        checks.page,
        "Checks · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, ChecksState.load),
    ),
    Route(
        "/admin/install/rehearsal",
        rehearsal.page,
        "Rehearsal · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, RehearsalState.load),
    ),
    Route(
        "/admin/install/log",
        log.page,
        "Log · Surge",
        Access.ADMIN,
        (ProblemState.dismiss, LogState.load),
    ),
)
