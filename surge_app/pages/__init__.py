"""The pages, and the one table that says which there are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import reflex as rx

from surge_app.edge.routes import Access
from surge_app.languages import N_
from surge_app.pages import booking, checkout, event, events, find_booking, queue
from surge_app.pages.admin.bookings import booking as admin_booking, hold_recovery, participants
from surge_app.pages.admin.entrance import box_office, check_in
from surge_app.pages.admin.events import event_editor, event_notices, preview
from surge_app.pages.admin.sale import dashboard, events as admin_events, queue as admin_queue
from surge_app.pages.admin.site import audit_log, health, rehearsal, site_texts
from surge_app.state.admin.bookings.booking import BookingDetailState
from surge_app.state.admin.bookings.hold_recovery import HoldRecoveryState
from surge_app.state.admin.bookings.participants import ParticipantsState
from surge_app.state.admin.entrance.box_office import BoxOfficeState
from surge_app.state.admin.entrance.check_in import CheckInState
from surge_app.state.admin.events.event_editor import EventEditorState
from surge_app.state.admin.events.event_notices import EventNoticesState
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.sale.events import EventsState
from surge_app.state.admin.sale.passes import PassesState
from surge_app.state.admin.site.audit_log import AuditLogState
from surge_app.state.admin.site.health import HealthState
from surge_app.state.admin.site.rehearsal import RehearsalState
from surge_app.state.admin.site.site_texts import SiteTextsState
from surge_app.state.booking import BookingState
from surge_app.state.checkout import CheckoutState
from surge_app.state.error_notice import ErrorNoticeState


@dataclass(frozen=True)
class Route:
    """One page.

    Attributes:
        path: The route, with `[name]` for a part that varies.
        component: Builds the page.
        title: The document's title until the page knows better.
        access: The right to open it, enforced by the edge.
        on_load: Handlers run each time it is opened.
    """

    path: str
    component: Callable[[], rx.Component]
    title: str
    access: Access
    on_load: tuple[Any, ...] = ()


def _admin(path: str, component: Callable[[], rx.Component], title: str, *on_load: Any) -> Route:
    """Return a page of the admin area; a notice of the page before is gone when it opens."""
    handlers = (ErrorNoticeState.dismiss, *on_load)
    return Route(f"/admin{path}", component, f"{title} · Surge", Access.ADMIN, handlers)


_EVENT = "/events/[slug]"
ROUTES = (
    Route("/events", events.page, N_("Events") + " · Surge", Access.PUBLIC),
    Route("/events/[slug]", event.page, N_("Event") + " · Surge", Access.PUBLIC),
    Route("/queue/[slug]", queue.page, N_("Waiting room"), Access.PUBLIC),
    Route(
        "/book/[slug]",
        checkout.page,
        N_("Your tickets") + " · Surge",
        Access.PASS,
        (CheckoutState.load,),
    ),
    Route("/bookings/find", find_booking.page, N_("Find my booking") + " · Surge", Access.PUBLIC),
    Route(
        "/bookings/[ref]",
        booking.page,
        N_("Your booking") + " · Surge",
        Access.BOOKING,
        (ErrorNoticeState.dismiss, BookingState.load),
    ),
    _admin("", admin_events.page, N_("Organizer"), EventsState.load),
    _admin("/[slug]", dashboard.page, N_("Sale day"), DashboardState.load),
    _admin(f"{_EVENT}/queue", admin_queue.page, N_("Queue"), DashboardState.load, PassesState.load),
    _admin(f"{_EVENT}/box-office", box_office.page, N_("Box office"), BoxOfficeState.load),
    _admin(f"{_EVENT}/holds", hold_recovery.page, N_("Ticket holds"), HoldRecoveryState.load),
    _admin(f"{_EVENT}/participants", participants.page, N_("Participants"), ParticipantsState.load),
    _admin(f"{_EVENT}/door", check_in.page, N_("Check-in"), CheckInState.load),
    _admin(f"{_EVENT}/notices", event_notices.page, N_("Announcements"), EventNoticesState.load),
    _admin("/events/new", event_editor.new_page, N_("New event"), EventEditorState.load),
    _admin(f"{_EVENT}/edit", event_editor.page, N_("Event"), EventEditorState.load),
    Route("/admin/events/[slug]/preview", preview.page, N_("Preview") + " · Surge", Access.ADMIN),
    _admin("/bookings/[ref]", admin_booking.page, N_("Booking"), BookingDetailState.load),
    _admin("/install/checks", health.page, N_("Checks"), HealthState.load),
    _admin("/install/texts", site_texts.page, N_("Texts"), SiteTextsState.load),
    _admin("/install/rehearsal", rehearsal.page, N_("Rehearsal"), RehearsalState.load),
    _admin("/install/log", audit_log.page, N_("Audit log"), AuditLogState.load),
)
