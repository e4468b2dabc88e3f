"""The booking page and the organizer's console: who sees what."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from surge_app.errors import NotFound
from surge_app.services.views import BookingView, EventStats
from surge_app.state.admin import AdminState
from surge_app.state.bookings import BookingState
from tests.state import samples
from tests.state.harness import at, call


class Organizer:
    """One sale that can be paused."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str]] = []

    async def overview(self) -> list[EventStats]:
        return [samples.stats()]

    async def stats(self, slug: str) -> EventStats:
        if slug != "monsoon":
            raise NotFound
        return samples.stats()

    async def pause(self, slug: str, *, actor: str) -> None:
        self.done.append(("pause", slug, actor))

    async def resume(self, slug: str, *, actor: str) -> None:
        self.done.append(("resume", slug, actor))


@pytest.fixture
def organizer(services: SimpleNamespace) -> Organizer:
    services.organizer = Organizer()
    return services.organizer


@pytest.fixture
def tickets(services: SimpleNamespace) -> None:
    async def view(ref: str) -> BookingView:
        if ref != "ABCD2345":
            raise NotFound
        return samples.booking()

    services.tickets = SimpleNamespace(view=view)


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
    state = at(AdminState(), "/admin", "admin=root")
    await call(AdminState.load, state)
    assert state.phase == "ready"
    assert [card.taken for card in state.events] == ["₹26,10,450"]


async def test_the_board_shows_figures_grouped_the_indian_way(organizer: Organizer) -> None:
    state = at(AdminState(), "/admin/monsoon", "admin=root")
    await call(AdminState.load_board, state)
    assert state.board.waiting == "8,412"
    assert state.board.sold_percent == 50.96
    assert state.tiers[0].free == "2,140"


async def test_an_unknown_sale_is_missing(organizer: Organizer) -> None:
    state = at(AdminState(), "/admin/nothing", "admin=root")
    await call(AdminState.load_board, state)
    assert state.phase == "missing"


@pytest.mark.parametrize("handler", ["load", "load_board", "refresh", "pause", "resume"])
async def test_without_a_session_no_handler_shows_or_does_anything(
    organizer: Organizer, handler: str
) -> None:
    state = at(AdminState(), "/admin/monsoon", "visitor=v1")
    await call(getattr(AdminState, handler), state)
    assert state.phase == "signed_out"
    assert state.events == []
    assert state.board.name == ""
    assert organizer.done == []


async def test_pausing_is_done_in_the_name_of_who_is_signed_in(organizer: Organizer) -> None:
    state = at(AdminState(), "/admin/monsoon", "admin=root")
    await call(AdminState.pause, state)
    await call(AdminState.resume, state)
    assert organizer.done == [("pause", "monsoon", "root"), ("resume", "monsoon", "root")]
