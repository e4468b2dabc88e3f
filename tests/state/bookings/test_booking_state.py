"""What the owner of a booking may put right on its page, and what nobody else may."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import SimpleNamespace

import pytest

from surge_app.errors import InvalidContact, NotFound, RateLimited
from surge_app.services.bookings.views import BookingView
from surge_app.services.messaging.contact_codes import ContactCodeRequired
from surge_app.services.messaging.views import SentMessage
from surge_app.state.booking import BookingState
from tests.state import samples
from tests.state.harness import at, call

REF = "ABCD2345"
OWNER, STRANGER = f"booking={REF}", "booking=OTHER"


class Desk:
    """One booking, its messages, and what was asked for."""

    def __init__(self) -> None:
        sample = samples.booking()
        event = dataclasses.replace(sample.event, ask_attendee_names=True)
        self.booking = dataclasses.replace(sample, event=event)
        self.states: tuple[str, str] = ("on_its_way", "on_its_way")
        self.done: list[tuple[object, ...]] = []
        self.refusal: Exception | None = None

    async def view(self, ref: str) -> BookingView:
        if ref != REF:
            raise NotFound
        return self.booking

    async def of_booking(self, ref: str) -> tuple[SentMessage, ...]:
        assert ref == REF
        recipients = (self.booking.email, self.booking.phone)
        channels = ("email", "sms")
        return tuple(map(SentMessage, channels, self.states, recipients))

    async def resend(
        self,
        ref: str,
        *,
        actor: str,
        email: str,
        phone: str,
        may_change_contact: bool,
        code: str,
        client_address: str,
    ) -> int:
        assert client_address
        if self.refusal:
            raise self.refusal
        if not may_change_contact and code != "123456":
            raise ContactCodeRequired
        self.done.append((ref, actor, email, phone))
        self.booking = dataclasses.replace(self.booking, email=email, phone=phone)
        return 2

    async def require_code(self, ref: str, code: str) -> None:
        assert ref == REF
        if code != "123456":
            raise ContactCodeRequired

    async def rename(self, ref: str, names: Mapping[int, str], *, actor: str) -> int:
        if self.refusal:
            raise self.refusal
        self.done.append((ref, actor, dict(names)))
        return len(names)


@pytest.fixture
def desk(services: SimpleNamespace) -> Desk:
    services.tickets = services.notifications = services.attendees = Desk()
    return services.tickets


async def _opened(cookie: str = OWNER) -> BookingState:
    state = at(BookingState(), f"/bookings/{REF}", cookie)
    await call(BookingState.load, state)
    return state


def _form(state: BookingState, **fields: str) -> dict[str, object]:
    return {"turn": str(state.turn), **fields}


async def test_a_form_that_is_sent_twice_sends_the_tickets_once(desk: Desk) -> None:
    state = await _opened()
    form = _form(state, email="asha@example.net", phone="+919876543210")
    await call(BookingState.send_again, state, form)
    await call(BookingState.send_again, state, form)
    assert desk.done == [(REF, "attendee", "asha@example.net", "+919876543210")]
    assert "We've let asha@example.com know." in state.notice
    assert (state.section, state.contact.email) == ("send", "asha@example.net")


async def test_a_browser_with_a_link_changes_the_contact_with_the_code_alone(desk: Desk) -> None:
    state = await _opened(f"link={REF}")
    fields = {"email": "asha@example.net", "phone": "+919876543210"}
    await call(BookingState.send_again, state, _form(state, **fields))
    assert (desk.done, state.needs_code, state.focus) == ([], True, "code")
    assert (state.draft.email, state.contact.email) == ("asha@example.net", "asha@example.com")
    await call(BookingState.send_again, state, _form(state, **fields, code="000000"))
    assert (desk.done, state.notice[:18]) == ([], "That code is wrong")
    await call(BookingState.send_again, state, _form(state, **fields, code="123456"))
    assert desk.done == [(REF, "attendee", "asha@example.net", "+919876543210")]
    assert (state.needs_code, state.contact.email) == (False, "asha@example.net")


async def test_what_is_wrong_is_said_beside_its_field_and_looked_at(desk: Desk) -> None:
    state = await _opened()
    desk.refusal = InvalidContact({"phone": "No number."})
    await call(BookingState.send_again, state, _form(state, email="asha@example.com", phone="1"))
    assert (state.complaints.phone, state.focus, state.tone) == ("No number.", "phone", "bad")
    desk.refusal = RateLimited(3600)
    await call(BookingState.send_again, state, _form(state, email="asha@example.com", phone="1"))
    assert (state.complaints.phone, state.notice) == ("", RateLimited(3600).message)


@pytest.mark.parametrize("form", [None, [], ["turn"], "turn", 7])
@pytest.mark.parametrize("handler", ["send_again", "rename"])
async def test_what_is_no_form_changes_nothing(desk: Desk, handler: str, form: object) -> None:
    state = await _opened()
    await call(getattr(BookingState, handler), state, form)
    assert (desk.done, state.notice) == ([], "")


async def test_names_are_read_by_the_tickets_shown_and_by_no_others(desk: Desk) -> None:
    state = await _opened()
    assert [one.id for one in state.names] == ["attendees.1", "attendees.2"]
    names = {"attendees.1": "Ravi", "attendees.2": "Meera", "attendees.9": "Nobody"}
    await call(BookingState.rename, state, _form(state, **names))
    assert desk.done == [(REF, "attendee", {1: "Ravi", 2: "Meera"})]
    assert state.section == "names"


async def test_a_browser_with_a_link_changes_names_with_the_code_alone(desk: Desk) -> None:
    state = await _opened(f"link={REF}")
    names = {"attendees.1": "Ravi", "attendees.2": "Meera"}
    await call(BookingState.rename, state, _form(state, **names))
    assert (desk.done, state.needs_code, state.section) == ([], True, "names")
    assert [one.name for one in state.names] == ["Ravi", "Meera"]
    await call(BookingState.rename, state, _form(state, **names, code="000000"))
    assert (desk.done, state.notice[:18]) == ([], "That code is wrong")
    await call(BookingState.rename, state, _form(state, **names, code="123456"))
    assert desk.done == [(REF, "attendee", {1: "Ravi", 2: "Meera"})]
    assert not state.needs_code


@pytest.mark.parametrize("handler", ["send_again", "rename", "refresh"])
async def test_whoever_lost_the_booking_can_do_nothing_with_it(desk: Desk, handler: str) -> None:
    state = await _opened()
    at(state, f"/bookings/{REF}", STRANGER)
    desk.states = ("delivered", "delivered")
    form = _form(state, email="mallory@example.com", phone="+919876543210")
    await call(getattr(BookingState, handler), state, *([] if handler == "refresh" else [form]))
    assert desk.done == []
    assert [one.said for one in state.messages] == ["On its way", "On its way"]


async def test_the_page_looks_again_until_every_message_has_arrived(desk: Desk) -> None:
    state = await _opened()
    assert state.refresh_every == 5
    desk.states = ("sent", "delivered")
    await call(BookingState.refresh, state)
    assert (state.refresh_every, [one.said for one in state.messages]) == (15, ["Sent", "Arrived"])
    desk.states = ("bounced", "delivered")
    await call(BookingState.refresh, state)
    assert (state.refresh_every, state.is_lost) == (0, True)


async def test_money_on_its_way_back_is_looked_at_until_it_is_there(desk: Desk) -> None:
    desk.booking = samples.booking("refunding")
    state = await _opened()
    assert (state.refresh_every, state.names) == (60, [])
    desk.booking = samples.booking("refunded")
    await call(BookingState.refresh, state)
    assert state.status == "refunded"
