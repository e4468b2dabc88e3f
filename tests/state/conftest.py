"""The services a state finds through the container, as fakes; and a checkout on its way."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.services.admin.sales_report import SalesReport
from surge_app.services.checkout.contacts import Contacts
from surge_app.services.events.views import EventView
from surge_app.state import booking, checkout, choice_timer, contact_form, session
from surge_app.state.admin import common
from surge_app.state.admin.bookings import booking as admin_booking, hold_recovery, participants
from surge_app.state.admin.entrance import box_office, check_in
from surge_app.state.admin.events import event_editor
from surge_app.state.admin.sale import dashboard, events as sales, passes
from surge_app.state.admin.site import audit_log, health
from surge_app.state.checkout import CheckoutState
from tests.state import samples
from tests.state.harness import (
    Access,
    AdminAccess,
    Catalog,
    Identity,
    Intents,
    Payments,
    WaitingRoom,
    at,
    call,
)


@pytest.fixture
def event() -> EventView:
    return samples.event()


async def _no_items() -> tuple[()]:
    return ()


async def _empty_report(_slug: str) -> SalesReport:
    return SalesReport()


@pytest.fixture
def services(event: EventView, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    intents = Intents(event)
    services = SimpleNamespace(
        identity=Identity(),
        booking_access=Access(),
        admin_access=AdminAccess(),
        catalog=Catalog(event),
        waiting_room=WaitingRoom(),
        intents=intents,
        payments=Payments(intents),
        contacts=Contacts(),
        tickets=SimpleNamespace(),
        organizer=SimpleNamespace(),
        action_items=SimpleNamespace(recent=_no_items),
        sales_reports=SimpleNamespace(recent=_empty_report, invalidate=lambda _slug: None),
        settings=SimpleNamespace(trusted_proxy_hops=0),
    )
    for module in (
        common,
        dashboard,
        box_office,
        hold_recovery,
        audit_log,
        admin_booking,
        passes,
        health,
        check_in,
        event_editor,
        participants,
        sales,
        checkout,
        choice_timer,
        booking,
        session,
        contact_form,
    ):
        monkeypatch.setattr(module, "current", lambda: services)
    return services


@pytest.fixture
async def state(services: SimpleNamespace) -> Any:
    """Return a checkout whose page is open."""
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    return state


@pytest.fixture
async def held(state: Any) -> Any:
    """Return a checkout that holds two tickets."""
    await call(CheckoutState.add, state, "general")
    await call(CheckoutState.hold, state)
    return state


@pytest.fixture
async def paying(held: Any) -> Any:
    """Return a checkout whose payment is open."""
    await call(CheckoutState.pay, held, samples.ASHA)
    return held
