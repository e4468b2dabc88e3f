"""The booking page and the admin pages: who sees what."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.clock import utc_now
from surge_app.errors import NotFound
from surge_app.services.admin.views import EventStats
from surge_app.services.bookings.views import BookingView
from surge_app.state.admin.bookings.booking import BookingDetailState
from surge_app.state.admin.bookings.participants import ParticipantsState
from surge_app.state.admin.entrance.check_in import CheckInState
from surge_app.state.admin.events.event_editor import EventEditorState
from surge_app.state.admin.events.event_notices import EventNoticesState
from surge_app.state.admin.sale.dashboard import DashboardState
from surge_app.state.admin.sale.events import EventsState
from surge_app.state.admin.site.health import HealthState
from surge_app.state.booking import BookingState
from tests.state import samples
from tests.state.harness import at, call


class Organizer:
    """One sale that can be paused and changed."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []

    async def overview(self) -> list[EventStats]:
        return [samples.stats()]

    async def recent(self, slug: str) -> EventStats:
        if slug != "monsoon":
            raise NotFound
        return samples.stats()

    def invalidate(self, slug: str) -> None:
        assert slug == "monsoon"

    async def pause(self, slug: str, *, actor: str) -> None:
        self.done.append(("pause", slug, actor))

    async def resume(self, slug: str, *, actor: str) -> None:
        self.done.append(("resume", slug, actor))

    async def change(
        self, slug: str, changes: dict[str, object], *, actor: str, expected: dict[str, object]
    ) -> None:
        self.done.append(("change", slug, actor, changes, expected))


@pytest.fixture
def organizer(services: SimpleNamespace) -> Organizer:
    services.organizer = services.dashboard = Organizer()
    return services.organizer


@pytest.fixture
def tickets(services: SimpleNamespace) -> None:
    async def view(ref: str) -> BookingView:
        if ref != "ABCD2345":
            raise NotFound
        return samples.booking()

    async def of_booking(ref: str) -> tuple[()]:
        return ()

    services.tickets = SimpleNamespace(view=view)
    services.notifications = SimpleNamespace(of_booking=of_booking)


@pytest.mark.usefixtures("tickets")
async def test_the_owner_sees_tickets_and_receipt() -> None:
    state = at(BookingState(), "/bookings/ABCD2345", "booking=ABCD2345")
    await call(BookingState.load, state)
    assert state.phase == "ready"
    assert [ticket.title for ticket in state.tickets] == ["General · 1 of 2", "General · 2 of 2"]
    assert state.price.total == "₹2,025"


@pytest.mark.usefixtures("tickets")
@pytest.mark.parametrize("cookie", ["", "booking=OTHER", "visitor=v1", "admin=root"])
async def test_nobody_else_learns_that_a_booking_exists(cookie: str) -> None:
    state = at(BookingState(), "/bookings/ABCD2345", cookie)
    await call(BookingState.load, state)
    assert state.phase == "missing"
    assert state.tickets == []
    assert state.contact.email == ""


async def test_the_overview_lists_every_sale(organizer: Organizer) -> None:
    state = at(EventsState(), "/admin", "admin=root")
    await call(EventsState.load, state)
    assert state.phase == "ready"
    assert [card.revenue for card in state.events] == ["₹26,10,450"]


async def test_the_door_is_shown_events_and_no_figure(organizer: Organizer) -> None:
    state = at(EventsState(), "/admin", "door=gate")
    await call(EventsState.load, state)
    assert state.phase == "scanner"
    assert [(card.revenue, card.sold, card.waiting) for card in state.events] == [("", "", "")]


@pytest.mark.parametrize(
    ("days", "status", "listed"),
    [(0.2, "ended", True), (-0.2, "ended", True), (-3, "ended", False), (9, "cancelled", False)],
)
async def test_the_door_is_offered_events_whose_sale_is_over_but_none_that_are_over(
    services: SimpleNamespace, days: float, status: Any, *, listed: bool
) -> None:
    services.catalog.shown = replace(
        services.catalog.shown,
        starts_at=utc_now() + timedelta(days=days),
        ends_at=None,
        status=status,
    )
    state = at(EventsState(), "/admin", "door=gate")
    await call(EventsState.load, state)
    assert (state.phase, len(state.events)) == ("scanner", int(listed))


async def test_the_dashboard_shows_figures_grouped_the_indian_way(organizer: Organizer) -> None:
    state = at(DashboardState(), "/admin/monsoon", "admin=root")
    await call(DashboardState.load, state)
    assert state.sale.waiting == "8,412"
    assert state.sale.sold_percent == 50.96
    assert state.sale.last_wait == "Estimated wait: 43 min"
    assert state.tiers[0].free == "2,140"
    assert [point["waiting"] for point in state.history] == [9_000, 8_412]


async def test_an_unknown_sale_is_missing(organizer: Organizer) -> None:
    state = at(DashboardState(), "/admin/nothing", "admin=root")
    await call(DashboardState.load, state)
    assert state.phase == "missing"


FORM: dict[str, object] = {"kind": "all", "restock": "yes", "confirm": "monsoon"}
HANDLERS = [
    (EventsState, "load", ()),
    (EventsState, "refresh", ()),
    (DashboardState, "load", ()),
    (DashboardState, "refresh", ()),
    (DashboardState, "pause", ()),
    (DashboardState, "resume", ()),
    (DashboardState, "preview_settings", ("concurrent_buyers", "5")),
    (DashboardState, "save_settings", (FORM,)),
    (ParticipantsState, "load", ()),
    (ParticipantsState, "filter", ("status", "confirmed")),
    (ParticipantsState, "more", ()),
    (ParticipantsState, "select_all", ()),
    (ParticipantsState, "review", (FORM,)),
    (ParticipantsState, "cancel_review", ()),
    (ParticipantsState, "apply", (FORM,)),
    (BookingDetailState, "load", ()),
    (BookingDetailState, "refresh", ()),
    (BookingDetailState, "resend", (FORM,)),
    (BookingDetailState, "correct", (FORM,)),
    (BookingDetailState, "check_email", ("asha@gmial.com",)),
    (BookingDetailState, "apply_suggestion", ()),
    (BookingDetailState, "undo_check_in", ({"ticket": "ticket-1"},)),
    (BookingDetailState, "choose_refund", ("amount",)),
    (BookingDetailState, "preview_refund", (FORM,)),
    (BookingDetailState, "cancel_refund", ()),
    (BookingDetailState, "refund", (FORM,)),
    (HealthState, "load", ()),
    (HealthState, "refresh", ()),
    (HealthState, "check_invariants", ()),
    (HealthState, "more", ()),
    (HealthState, "resolve", ({"kind": "dead_message", "id": "x"},)),
    (CheckInState, "load", ()),
    (EventEditorState, "load", ()),
    (EventEditorState, "create", (FORM,)),
    (EventEditorState, "save", (FORM,)),
    (EventEditorState, "save_tier", (FORM,)),
    (EventEditorState, "apply", (FORM,)),
    (EventEditorState, "go_back", ()),
    (EventEditorState, "publish", (FORM,)),
    (EventEditorState, "unpublish", (FORM,)),
    (EventEditorState, "delete_draft", (FORM,)),
    (EventEditorState, "duplicate", (FORM,)),
    (EventNoticesState, "load", ()),
    (EventNoticesState, "refresh", ()),
    (EventNoticesState, "preview_change", (FORM,)),
    (EventNoticesState, "preview_cancellation", (FORM,)),
    (EventNoticesState, "announce", (FORM,)),
    (EventNoticesState, "cancel", (FORM,)),
]


# The door may see the list of events and its own page, and nothing else.
ATTEMPTS = [("visitor=v1", *one) for one in HANDLERS] + [
    ("door=gate", *one) for one in HANDLERS if one[0] not in {EventsState, CheckInState}
]


def test_every_handler_of_the_console_is_tried_without_a_session() -> None:
    tried = {(state, name) for state, name, _ in HANDLERS}
    states = {state for state, _ in tried}
    assert tried == {
        (state, name) for state in states for name in state.event_handlers if name != "setvar"
    }


@pytest.mark.parametrize(("cookie", "state_type", "handler", "arguments"), ATTEMPTS)
async def test_without_an_organizers_session_no_handler_shows_or_does_anything(
    organizer: Organizer,
    cookie: str,
    state_type: type,
    handler: str,
    arguments: tuple[object, ...],
) -> None:
    state = at(state_type(), "/admin/events/monsoon/x", cookie)
    # A service that is reached would not be there: the fakes have none but the organizer's.
    await call(getattr(state_type, handler), state, *arguments)
    # These only change what the page itself shows.
    is_local = handler in {
        *("cancel_refund", "cancel_review", "check_email", "apply_suggestion", "go_back"),
    }
    if not is_local and (state_type, handler) != (EventNoticesState, "refresh"):
        assert state.phase == "signed_out"
    assert organizer.done == []


async def test_pausing_is_done_in_the_name_of_who_is_signed_in(organizer: Organizer) -> None:
    state = at(DashboardState(), "/admin/monsoon", "admin=root")
    await call(DashboardState.pause, state)
    await call(DashboardState.resume, state)
    assert organizer.done == [("pause", "monsoon", "root"), ("resume", "monsoon", "root")]


RULES = {
    "concurrent_buyers": "500",
    "admissions_per_minute": "",
    "slow_payment_percent": "20",
    "challenge": "off",
    "queue_message": "",
}


def _form(state: Any, **typed: object) -> dict[str, object]:
    shown = {f"was_{name}": value for name, value in RULES.items()}
    return {**RULES, **shown, "form_key": state.form_key, **typed}


async def test_the_form_of_the_queue_is_applied_as_it_was_sent_and_read_back(
    organizer: Organizer,
) -> None:
    state = at(DashboardState(), "/admin/events/monsoon/queue", "admin=root")
    await call(DashboardState.load, state)
    assert (state.settings.concurrent_buyers, state.effect) == ("500", "")
    await call(DashboardState.preview_settings, state, "concurrent_buyers", "1000")
    assert state.effect == "The last in the queue waits 43 min now, and about 20 min then."
    assert organizer.done == []
    # The preview lags behind the last key: only the form counts, and only what changed in it.
    await call(DashboardState.save_settings, state, _form(state, concurrent_buyers="750"))
    ((*who, changes, _),) = organizer.done
    assert (who, changes) == (["change", "monsoon", "root"], {"concurrent_buyers": 750})
    assert (state.effect, state.done) == ("", "Applied: 500 inside, no limit a minute.")


async def test_a_form_that_changes_nothing_is_not_applied(organizer: Organizer) -> None:
    state = at(DashboardState(), "/admin/events/monsoon/queue", "admin=root")
    await call(DashboardState.load, state)
    await call(DashboardState.save_settings, state, _form(state))
    assert organizer.done == []


@pytest.mark.parametrize("typed", ["", "0", "-5", "many", "9999999", "1.5", ["1"], None])
async def test_rules_that_are_no_numbers_change_nothing(
    organizer: Organizer, typed: object
) -> None:
    state = at(DashboardState(), "/admin/events/monsoon/queue", "admin=root")
    await call(DashboardState.load, state)
    await call(DashboardState.preview_settings, state, "concurrent_buyers", typed)
    await call(DashboardState.save_settings, state, _form(state, concurrent_buyers=typed))
    assert organizer.done == []
    assert state.problem


@pytest.mark.parametrize("typed", ["", "101", "-1", "a few", "2.5", None])
async def test_a_share_for_slow_payments_that_is_no_percentage_changes_nothing(
    organizer: Organizer, typed: object
) -> None:
    state = at(DashboardState(), "/admin/events/monsoon/queue", "admin=root")
    await call(DashboardState.load, state)
    await call(DashboardState.save_settings, state, _form(state, slow_payment_percent=typed))
    assert organizer.done == []
    assert "from 0 to 100 percent" in state.problem
