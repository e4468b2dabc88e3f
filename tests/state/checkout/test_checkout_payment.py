"""The second half of the checkout: the form, the payment, and the way out."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.errors import AllHeld, GatewayUnavailable, PaymentsPaused
from surge_app.services.checkout.views import OrderLine
from surge_app.services.payments.views import PaymentOutcome
from surge_app.state.checkout import CheckoutState
from surge_app.state.element_ids import CONTACT, ENDED, HOLD, OUTCOMES, PAY, TICKETS
from tests.state import samples
from tests.state.harness import at, call


@pytest.mark.parametrize(("field", "value"), [("_slug", "x"), ("name", None), (None, "x"), (3, 4)])
async def test_a_strange_field_is_ignored(held: Any, field: object, value: object) -> None:
    before = held.contact
    await call(CheckoutState.validate_field, held, field, value)
    assert held.contact == before


async def test_a_mistyped_domain_is_questioned_and_can_be_mended(held: Any) -> None:
    await call(CheckoutState.validate_field, held, "email", "asha@gmial.com")
    assert held.suggestion == "asha@gmail.com"
    assert await call(CheckoutState.apply_suggestion, held)
    assert held.contact.email == "asha@gmail.com"


@pytest.mark.parametrize("form", [{}, None, [], ["name"], "name", 7])
async def test_paying_with_an_empty_form_complains_and_moves_the_focus(
    held: Any, form: object
) -> None:
    before = held.focus_stamp
    await call(CheckoutState.pay, held, form)
    assert held.complaints.name
    assert held.complaints.email
    assert held.complaints.phone
    assert held.attempt == 0
    assert held.focus == "name"
    assert held.focus_stamp > before


async def test_paying_opens_the_modal_once_and_locks_the_tickets(paying: Any) -> None:
    assert paying.attempt == 1
    assert paying.checkout.order_id == "order_1"
    assert paying.remaining_seconds == 720
    assert not paying.tiers[0].can_add
    assert paying.busy == ""


async def test_a_free_booking_is_opened_at_once_and_opens_no_modal(
    services: SimpleNamespace,
) -> None:
    services.catalog.shown = samples.event(samples.tier("general", "General", 0))
    services.intents.event = services.catalog.shown
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    await call(CheckoutState.hold, state)
    assert state.phase == "held"
    await call(CheckoutState.pay, state, samples.ASHA)
    assert state.leave_to.startswith(f"/bookings/{samples.FREE_REF}")
    assert (state.attempt, state.checkout.order_id, state.busy) == (0, "", "")
    assert services.payments.asked == 0


async def test_a_second_press_while_the_first_is_under_way_does_nothing(held: Any) -> None:
    held.busy = "pay"
    await call(CheckoutState.pay, held, samples.ASHA)
    assert held.attempt == 0


async def test_a_closed_payment_without_money_keeps_the_hold(
    paying: Any, services: SimpleNamespace
) -> None:
    await call(CheckoutState.payment_closed, paying, "dismissed")
    assert services.payments.asked == 1
    assert paying.phase == "held"
    assert "You haven't been charged" in paying.notice


async def test_a_closed_payment_with_money_leads_to_the_booking(
    paying: Any, services: SimpleNamespace
) -> None:
    services.payments.answer = PaymentOutcome("ABCD2345", "confirmed")
    await call(CheckoutState.payment_closed, paying, "dismissed")
    assert paying.leave_to == "/bookings/ABCD2345"


@pytest.mark.parametrize(
    ("answer", "phase"),
    [
        (PaymentOutcome(None, "checking"), "checking"),
        (PaymentOutcome(None, "refunding"), "refunding"),
        (GatewayUnavailable(), "checking"),
    ],
)
async def test_a_payment_in_doubt_is_never_called_unpaid(
    paying: Any, services: SimpleNamespace, answer: Any, phase: str
) -> None:
    services.payments.answer = answer
    await call(CheckoutState.payment_closed, paying, "failed")
    assert paying.phase == phase
    assert paying.notice == ""


@pytest.mark.parametrize("outcome", ["paid", "confirmed", None, 1, {"status": "paid"}])
async def test_the_browser_cannot_say_that_it_paid(
    paying: Any, services: SimpleNamespace, outcome: object
) -> None:
    await call(CheckoutState.payment_closed, paying, outcome)
    assert services.payments.asked == 0
    assert paying.phase == "held"


async def test_a_booking_made_before_is_opened_when_there_is_no_pass(
    services: SimpleNamespace,
) -> None:
    services.waiting_room.may_shop = False
    services.intents.mine = dataclasses.replace(
        samples.intent(services.catalog.shown, [OrderLine("general", 1)], status="confirmed"),
        remaining_seconds=0,
        booking_ref="ABCD2345",
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.leave_to.startswith("/bookings/ABCD2345")


async def test_a_reconnection_keeps_what_was_typed_and_opens_no_second_modal(paying: Any) -> None:
    await call(CheckoutState.validate_field, paying, "name", "Asha R")
    await call(CheckoutState.load, paying)
    assert paying.phase == "held"
    assert paying.contact.name == "Asha R"
    assert paying.attempt == 1


async def test_the_gateway_is_asked_when_the_page_opens_only_if_something_is_being_paid(
    held: Any,
) -> None:
    assert await call(CheckoutState.load, held) == []
    await call(CheckoutState.pay, held, samples.ASHA)
    assert await call(CheckoutState.load, held) == [CheckoutState.check_payment]


async def test_another_page_in_the_same_tab_starts_afresh(
    paying: Any, services: SimpleNamespace
) -> None:
    services.payments.answer = PaymentOutcome("ABCD2345", "confirmed")
    await call(CheckoutState.payment_closed, paying, "dismissed")
    services.intents.mine = None
    services.catalog.shown = dataclasses.replace(services.catalog.shown, slug="other")
    await call(CheckoutState.load, at(paying, "/book/other", "visitor=v1"))
    assert paying.leave_to == ""
    assert paying.phase == "choose"
    assert paying.contact.name == ""


async def test_while_the_gateway_is_out_the_clock_stops_and_goes_on_by_itself(
    held: Any, services: SimpleNamespace
) -> None:
    services.payments.refusal = PaymentsPaused(retry_after_seconds=5)
    services.intents.become("held", payments_paused=True, clock_stopped=True)
    await call(CheckoutState.pay, held, samples.ASHA)
    assert (held.phase, held.busy, held.attempt) == ("held", "", 0)
    assert (held.payments_paused, held.clock_stopped, held.notice) == (True, True, "")
    assert held.contact.email == samples.ASHA["email"]
    services.intents.become("held", payments_paused=False, clock_stopped=False)
    await call(CheckoutState.heartbeat, held)
    assert (held.payments_paused, held.clock_stopped) == (False, False)
    services.payments.refusal = None
    await call(CheckoutState.pay, held, samples.ASHA)
    assert held.attempt == 1


async def test_a_pause_that_is_over_already_is_still_said(
    held: Any, services: SimpleNamespace
) -> None:
    services.payments.refusal = PaymentsPaused(retry_after_seconds=5)
    await call(CheckoutState.pay, held, samples.ASHA)
    assert held.notice == PaymentsPaused(retry_after_seconds=5).message
    assert not held.payments_paused


async def test_letting_go_forgets_the_clock(held: Any, services: SimpleNamespace) -> None:
    services.intents.become("held", payments_paused=True, clock_stopped=True)
    await call(CheckoutState.heartbeat, held)
    await call(CheckoutState.release, held)
    assert (held.payments_paused, held.clock_stopped) == (False, False)


async def test_the_focus_goes_where_it_goes_on(held: Any, services: SimpleNamespace) -> None:
    assert held.focus == CONTACT
    await call(CheckoutState.release, held)
    assert held.focus == TICKETS
    services.intents.failure = AllHeld()
    await call(CheckoutState.add, held, "general")
    await call(CheckoutState.hold, held)
    assert held.focus == HOLD
    services.intents.failure = None
    await call(CheckoutState.hold, held)
    services.payments.refusal = GatewayUnavailable()
    await call(CheckoutState.pay, held, samples.ASHA)
    assert (held.focus, held.busy) == (PAY, "")
    services.intents.become("expired", remaining_seconds=0)
    await call(CheckoutState.heartbeat, held)
    assert held.focus == ENDED


async def test_a_window_that_closed_by_itself_is_nobodys_fault(paying: Any) -> None:
    await call(CheckoutState.payment_closed, paying, "late")
    assert paying.notice == OUTCOMES["late"]
    assert "You closed" not in paying.notice


async def test_what_is_wrong_is_read_out_when_a_field_is_left_and_not_again_by_pay(
    held: Any,
) -> None:
    await call(CheckoutState.validate_field, held, "email", "asha@")
    assert held.said == held.complaints.email != ""
    await call(CheckoutState.validate_field, held, "email", "asha@gmial.com")
    assert held.said == "Did you mean asha@gmail.com?"
    await call(CheckoutState.pay, held, {})
    assert held.said == ""


async def test_a_field_that_is_left_late_takes_no_notice_of_the_press_after_it(held: Any) -> None:
    await call(CheckoutState.pay, held, {**samples.ASHA, "total": "₹1"})
    assert held.notice.startswith("The total is now ")
    await call(CheckoutState.validate_field, held, "phone", samples.ASHA["phone"])
    assert held.notice.startswith("The total is now ")


async def test_what_is_wrong_with_a_name_stays_said_until_it_is_mended(
    services: SimpleNamespace,
) -> None:
    event = dataclasses.replace(services.catalog.shown, ask_attendee_names=True)
    services.catalog.shown = services.intents.event = event
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    await call(CheckoutState.hold, state)
    (field,) = [one.id for one in state.attendees]
    await call(CheckoutState.validate_field, state, field, "Ravi\u0007")
    assert state.attendees[0].complaint
    await call(CheckoutState.heartbeat, state)
    assert state.attendees[0].complaint
    await call(CheckoutState.validate_field, state, field, "Ravi Iyer")
    assert (state.attendees[0].complaint, state.notice) == ("", "")
