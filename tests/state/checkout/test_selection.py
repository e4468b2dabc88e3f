"""The first half of the checkout: choosing tickets, holding them, and the end of the time."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import pytest

from surge_app.errors import AllHeld, NotAdmitted, NotEnoughLeft
from surge_app.services.checkout.views import OrderLine
from surge_app.state.checkout import CheckoutState
from surge_app.state.error_notice import ErrorNoticeState
from tests.state import samples
from tests.state.harness import at, call


async def test_a_single_tier_starts_with_one_ticket_and_its_all_in_price(state: Any) -> None:
    assert state.phase == "choose"
    assert state.price.quantity == 1
    assert state.price.total == "₹1,025"


async def test_two_tiers_start_with_nothing_chosen(services: SimpleNamespace) -> None:
    services.catalog.shown = samples.event(
        samples.tier("a", "A", 50_000), samples.tier("b", "B", 90_000)
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.price.total == ""
    assert [tier.quantity for tier in state.tiers] == [0, 0]


async def test_the_fee_is_charged_once_whatever_the_quantity(state: Any) -> None:
    await call(CheckoutState.add, state, "general")
    assert state.price.total == "₹2,025"
    assert [row.amount for row in state.price.rows] == ["₹2,000", "₹25"]


@pytest.mark.parametrize("hostile", [None, 7, "", "nothing", ["general"], {"id": "general"}])
async def test_an_unknown_tier_changes_nothing(state: Any, hostile: object) -> None:
    await call(CheckoutState.add, state, hostile)
    assert state.price.quantity == 1


async def test_one_cannot_choose_more_than_a_person_may_buy(state: Any) -> None:
    for _ in range(9):
        await call(CheckoutState.add, state, "general")
    assert state.price.quantity == 4
    assert not state.tiers[0].can_add


async def test_the_first_press_takes_the_least_and_the_last_gives_them_all_back(
    services: SimpleNamespace,
) -> None:
    services.catalog.shown = samples.event(
        samples.tier("pair", "Pair", 50_000, min_per_booking=2), samples.tier("b", "B", 90_000)
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    await call(CheckoutState.add, state, "pair")
    assert [tier.quantity for tier in state.tiers] == [2, 0]
    await call(CheckoutState.add, state, "pair")
    assert [tier.quantity for tier in state.tiers] == [3, 0]
    await call(CheckoutState.remove, state, "pair")
    await call(CheckoutState.remove, state, "pair")
    assert [tier.quantity for tier in state.tiers] == [0, 0]


async def test_without_a_visitor_cookie_the_way_leads_to_the_line(
    services: SimpleNamespace,
) -> None:
    state = at(CheckoutState(), "/book/monsoon")
    await call(CheckoutState.load, state)
    assert state.leave_to == "/queue/monsoon"


async def test_without_a_pass_the_way_leads_to_the_line(services: SimpleNamespace) -> None:
    services.waiting_room.may_shop = False
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.leave_to == "/queue/monsoon"


async def test_the_time_to_choose_is_shown_and_its_end_explained_on_the_page(
    state: Any, services: SimpleNamespace
) -> None:
    assert (state.may_shop, state.choose_seconds) == (True, 120)
    services.waiting_room.may_shop = False
    for handler, arguments in (
        (CheckoutState.add, ["general"]),
        (CheckoutState.refresh_availability, []),
    ):
        await call(handler, state, *arguments)
        assert (state.may_shop, state.choose_seconds, state.leave_to) == (False, 0, "")
        assert state.phase == "choose"


async def test_choosing_extends_the_time_and_a_forgotten_tab_does_not(
    state: Any, services: SimpleNamespace
) -> None:
    services.waiting_room.is_active.clear()
    await call(CheckoutState.refresh_availability, state)
    await call(CheckoutState.add, state, "general")
    assert services.waiting_room.is_active == [False, True]


async def test_an_unknown_event_is_missing(services: SimpleNamespace) -> None:
    state = at(CheckoutState(), "/book/nothing", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.phase == "missing"


async def test_an_event_that_is_over_cannot_be_bought(services: SimpleNamespace) -> None:
    services.catalog.shown = samples.event(status="ended")
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.phase == "closed"


async def test_holding_shows_the_time_the_server_gave(held: Any) -> None:
    assert held.phase == "held"
    assert held.remaining_seconds == 300
    assert held.price.total == "₹2,025"
    assert held.busy == ""


async def test_a_refused_hold_says_why_and_keeps_the_choice(
    state: Any, services: SimpleNamespace
) -> None:
    services.intents.failure = AllHeld()
    await call(CheckoutState.hold, state)
    assert state.phase == "choose"
    assert state.notice == AllHeld().message
    assert state.price.quantity == 1
    assert state.busy == ""


async def test_what_is_left_is_offered_and_held_with_one_press(
    state: Any, services: SimpleNamespace
) -> None:
    for _ in range(3):
        await call(CheckoutState.add, state, "general")
    services.intents.failure = NotEnoughLeft(left=3, tier_id="general")
    await call(CheckoutState.hold, state)
    assert (state.notice, state.offer.label) == ("3 left: take 3?", "Take 3: ₹3,025")
    assert state.price.quantity == 4
    services.intents.failure = None
    await call(CheckoutState.accept_offer, state)
    assert (state.phase, state.price.quantity) == ("held", 3)
    assert (state.offer.label, state.busy) == ("", "")


async def test_the_choice_is_kept_when_what_was_left_is_gone_too(
    state: Any, services: SimpleNamespace
) -> None:
    for _ in range(3):
        await call(CheckoutState.add, state, "general")
    services.intents.failure = NotEnoughLeft(left=3, tier_id="general")
    await call(CheckoutState.hold, state)
    services.intents.failure = NotEnoughLeft(left=1, tier_id="general")
    await call(CheckoutState.accept_offer, state)
    assert (state.notice, state.offer.label) == ("1 left: take 1?", "Take 1: ₹1,025")
    assert (state.phase, state.price.quantity) == ("choose", 4)
    services.intents.failure = AllHeld(tier_id="general")
    await call(CheckoutState.accept_offer, state)
    assert state.offer.label == ""
    assert (state.phase, state.price.quantity, state.busy) == ("choose", 4, "")
    await call(CheckoutState.accept_offer, state)
    assert state.phase == "choose"


async def test_each_tier_that_is_short_is_told(services: SimpleNamespace) -> None:
    services.catalog.shown = samples.event(
        samples.tier("a", "Stalls", 50_000, free=3),
        samples.tier("b", "Balcony", 90_000, free=2),
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    for tier in ("a", "a", "b", "b"):
        await call(CheckoutState.add, state, tier)
    services.catalog.shown = samples.event(
        samples.tier("a", "Stalls", 50_000, free=3),
        samples.tier("b", "Balcony", 90_000, free=0, held=4),
    )
    services.intents.event = services.catalog.shown
    services.intents.failure = NotEnoughLeft(left=1, tier_id="a")
    await call(CheckoutState.hold, state)
    assert state.notice == "Stalls: 1 left. Balcony: none left: take 1?"
    services.intents.failure = None
    await call(CheckoutState.accept_offer, state)
    assert [tier.quantity for tier in state.tiers] == [1, 0]


async def test_taking_what_is_left_of_a_change_keeps_the_form(
    held: Any, services: SimpleNamespace
) -> None:
    await call(CheckoutState.validate_field, held, "name", "Asha R")
    services.catalog.shown = samples.event(samples.tier("general", "General", 100_000, free=2))
    services.intents.failure = NotEnoughLeft(left=2, tier_id="general")
    await call(CheckoutState.add, held, "general")
    assert (held.offer.label, held.price.quantity) == ("", 2)
    assert held.phase == "held"
    assert held.contact.name == "Asha R"


async def test_holding_without_a_pass_says_that_the_time_is_over(
    state: Any, services: SimpleNamespace
) -> None:
    services.intents.failure = NotAdmitted()
    await call(CheckoutState.hold, state)
    assert (state.may_shop, state.phase, state.busy) == (False, "choose", "")


async def test_a_hold_made_before_is_found_again(services: SimpleNamespace) -> None:
    services.waiting_room.may_shop = False
    services.intents.mine = samples.intent(services.catalog.shown, [OrderLine("general", 3)])
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.phase == "held"
    assert state.price.quantity == 3


async def test_the_last_held_ticket_is_only_let_go_as_a_whole(state: Any) -> None:
    await call(CheckoutState.hold, state)
    assert not state.tiers[0].can_remove
    await call(CheckoutState.release, state)
    assert state.phase == "choose"


async def test_when_the_time_is_over_the_choice_and_the_form_are_kept(
    held: Any, services: SimpleNamespace
) -> None:
    await call(CheckoutState.validate_field, held, "name", "Asha Rao")
    await call(CheckoutState.ask_release, held)
    services.intents.become("expired", remaining_seconds=0)
    await call(CheckoutState.heartbeat, held)
    assert held.phase == "expired"
    assert held.contact.name == "Asha Rao"
    # A question about tickets that are gone is not asked of the next ones.
    assert not held.asks_release
    await call(CheckoutState.hold_again, held)
    assert held.phase == "held"
    assert held.price.quantity == 2


async def test_after_the_time_and_without_a_pass_the_way_leads_to_the_line(
    held: Any, services: SimpleNamespace
) -> None:
    services.intents.become("expired", remaining_seconds=0)
    await call(CheckoutState.heartbeat, held)
    services.waiting_room.may_shop = False
    await call(CheckoutState.hold_again, held)
    assert held.leave_to == "/queue/monsoon"


async def test_opening_the_page_takes_the_notice_about_a_bug_away(state: Any) -> None:
    problem = await state.get_state(ErrorNoticeState)
    await call(ErrorNoticeState.show, problem, "ab12cd34")
    await call(CheckoutState.load, state)
    assert problem.number == ""


@pytest.mark.parametrize(("may_shop", "phase"), [(True, "choose"), (False, "expired")])
async def test_a_hold_that_ended_before_a_reload_is_told_only_without_a_pass(
    services: SimpleNamespace, *, may_shop: bool, phase: str
) -> None:
    services.waiting_room.may_shop = may_shop
    services.intents.mine = dataclasses.replace(
        samples.intent(services.catalog.shown, [OrderLine("general", 2)], status="expired"),
        remaining_seconds=0,
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    assert state.phase == phase


async def test_a_refused_change_leaves_the_clock_alone(
    held: Any, services: SimpleNamespace
) -> None:
    services.intents.failure = AllHeld()
    await call(CheckoutState.add, held, "general")
    assert (held.phase, held.remaining_seconds) == ("held", 300)


async def test_what_was_chosen_is_there_again_after_a_reload(services: SimpleNamespace) -> None:
    services.catalog.shown = samples.event(
        samples.tier("a", "A", 50_000), samples.tier("b", "B", 90_000)
    )
    state = at(CheckoutState(), "/book/monsoon", "visitor=v1")
    await call(CheckoutState.load, state)
    for tier in ("a", "b", "b"):
        await call(CheckoutState.add, state, tier)
    await call(CheckoutState.load, state)
    assert [tier.quantity for tier in state.tiers] == [1, 2]
    services.catalog.shown = dataclasses.replace(services.catalog.shown, slug="other")
    await call(CheckoutState.load, at(state, "/book/other", "visitor=v1"))
    assert [tier.quantity for tier in state.tiers] == [0, 0]


async def test_after_the_time_fresh_counts_come_by_themselves(
    held: Any, services: SimpleNamespace
) -> None:
    services.intents.become("expired", remaining_seconds=0)
    await call(CheckoutState.heartbeat, held)
    services.catalog.shown = samples.event(samples.tier("general", "General", 100_000, free=0))
    await call(CheckoutState.refresh_availability, held)
    assert (held.phase, held.tickets_free) == ("expired", 0)


async def test_a_page_whose_place_moved_leads_to_the_waiting_room_which_says_so(
    held: Any, services: SimpleNamespace
) -> None:
    services.waiting_room.may_shop, services.waiting_room.moved_to = False, "phone"
    services.intents.become("released")  # It is someone else's now, so nothing is found.
    await call(CheckoutState.heartbeat, held)
    assert held.leave_to == f"/queue/{held.sale.slug}"
