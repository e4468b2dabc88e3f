"""Ready text: prices, dates, notes, suggestions, and the notice about a bug."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from surge_app.services.checkout.email_suggestion import email_suggestion
from surge_app.services.checkout.views import OrderLine
from surge_app.state import view_models
from surge_app.state.checkout import CheckoutState
from surge_app.state.error_notice import ErrorNoticeState, report
from tests.state import samples
from tests.state.harness import call


def test_a_date_is_told_in_the_zone_of_the_event() -> None:
    assert view_models.when(samples.STARTS, "Asia/Kolkata") == "Sat 6 Mar 2027, 7:00 pm IST"
    assert view_models.when(datetime(2027, 7, 1, 18, tzinfo=UTC), "Europe/London").endswith(
        "7:00 pm GMT+1"
    )


def test_the_price_of_a_wish_is_the_price_of_the_hold_it_becomes() -> None:
    event = samples.event(samples.tier("a", "A", 49_950), samples.tier("b", "B", 120_000))
    selection = {"a": 1, "b": 2}
    intent = samples.intent(event, [OrderLine("a", 1), OrderLine("b", 2)])
    assert view_models.price_of_selection(event, selection) == view_models.price_of_intent(intent)


def test_a_wish_for_nothing_has_no_price() -> None:
    assert (
        view_models.price_of_selection(samples.event(), {"general": 0}) == view_models.PriceCard()
    )


@pytest.mark.parametrize(
    ("free", "held", "note"),
    [
        (3, 0, "₹1,000 · 3 left"),
        (0, 2, "₹1,000 · all in checkouts"),
        (0, 0, "₹1,000 · sold out"),
    ],
)
def test_a_note_counts_honestly(free: int, held: int, note: str) -> None:
    event = samples.event(samples.tier("general", "General", 100_000, free=free, held=held))
    (card,) = view_models.tier_cards(event, {}, is_held=False)
    assert card.note == note
    assert card.can_add is (free > 0)


@pytest.mark.parametrize(
    ("rules", "note"),
    [
        ({"min_per_booking": 2}, "₹1,000 · 10 left · at least 2"),
        ({"max_per_booking": 3}, "₹1,000 · 10 left · at most 3"),
        ({"max_per_booking": 4}, "₹1,000 · 10 left"),
        ({"status": "ended"}, "₹1,000 · no longer on sale"),
        (
            {"status": "scheduled", "sales_open_at": samples.STARTS},
            "₹1,000 · opens Sat 6 Mar 2027, 7:00 pm IST",
        ),
    ],
)
def test_a_note_tells_the_rules_of_its_tier(rules: dict[str, Any], note: str) -> None:
    event = samples.event(samples.tier("general", "General", 100_000, **rules))
    (card,) = view_models.tier_cards(event, {}, is_held=False)
    assert card.note == note


def test_a_free_ticket_is_called_free_and_carries_no_fee() -> None:
    event = samples.event(samples.tier("a", "A", 0), samples.tier("b", "B", 50_000))
    assert view_models.tier_cards(event, {}, is_held=False)[0].note == "Free · 10 left"
    free = view_models.price_of_selection(event, {"a": 2})
    assert (free.total, free.is_free) == ("Free", True)
    assert [row.amount for row in free.rows] == ["Free"]
    mixed = view_models.price_of_selection(event, {"a": 2, "b": 1})
    assert (mixed.total, mixed.is_free) == ("₹525", False)


@pytest.mark.parametrize(
    ("rules", "chosen", "can_add", "can_remove"),
    [
        ({"status": "scheduled"}, 0, False, False),
        ({"status": "ended"}, 0, False, False),
        ({"min_per_booking": 2, "free": 1}, 0, False, False),
        ({"min_per_booking": 2, "free": 2}, 0, True, False),
        ({"min_per_booking": 5}, 0, False, False),
        ({"max_per_booking": 2}, 1, True, True),
        ({"max_per_booking": 2}, 2, False, True),
    ],
)
def test_the_stepper_stops_where_the_rules_of_a_tier_do(
    rules: dict[str, Any], chosen: int, *, can_add: bool, can_remove: bool
) -> None:
    event = samples.event(samples.tier("general", "General", 100_000, **rules))
    (card,) = view_models.tier_cards(event, {"general": chosen}, is_held=False)
    assert (card.can_add, card.can_remove) == (can_add, can_remove)
    assert bool(card.limit) is not can_add


def test_every_dead_stepper_at_the_limit_of_a_person_says_so() -> None:
    event = samples.event(samples.tier("a", "A", 100_000), samples.tier("b", "B", 100_000))
    most = event.max_per_person
    cards = view_models.tier_cards(event, {"a": most}, is_held=False)
    assert {card.limit for card in cards} == {f"Maximum {most} tickets per person"}
    assert {card.limit for card in view_models.tier_cards(event, {"a": 1}, is_held=False)} == {""}


def test_all_held_tickets_of_a_booking_are_never_stepped_away() -> None:
    event = samples.event(samples.tier("general", "General", 100_000, min_per_booking=2))
    assert not view_models.tier_cards(event, {"general": 2}, is_held=True)[0].can_remove
    assert view_models.tier_cards(event, {"general": 3}, is_held=True)[0].can_remove
    assert view_models.tier_cards(event, {"general": 2}, is_held=False)[0].can_remove


def test_the_first_wish_is_the_least_one_can_take() -> None:
    pair = samples.tier("a", "A", 100_000, min_per_booking=2)
    later = samples.tier("b", "B", 100_000, status="scheduled")
    assert view_models.first_selection(samples.event(pair, later)) == {"a": 2}


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("asha@gmial.com", "asha@gmail.com"),
        ("asha@GMAIL.com", ""),
        ("Asha <asha@gmial.com>,", "asha@gmail.com"),
        ("Asha <asha@gmail.com>", ""),
        ("asha@ymail.com", ""),
        ("asha@mail.com", ""),
        ("asha@outlok.com", "asha@outlook.com"),
        ("asha@iitb.ac.in", ""),
        ("asha", ""),
        ("@gmial.com", ""),
        ("", ""),
    ],
)
def test_only_a_likely_slip_is_questioned(typed: str, suggested: str) -> None:
    assert email_suggestion(typed) == suggested


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (5, "5 seconds"),
        (60, "1 minute"),
        (90, "90 seconds"),
        (150, "2 minutes"),
        (300, "5 minutes"),
    ],
)
def test_no_hold_is_said_to_last_longer_than_it_does(seconds: int, said: str) -> None:
    event = replace(samples.event(), hold_seconds=seconds)
    assert view_models.sale_card(event).hold_time == said


def test_a_state_survives_being_stored() -> None:
    event = samples.event()
    price = view_models.price_of_selection(event, {"general": 2})
    assert pickle.loads(pickle.dumps(price)) == price
    assert CheckoutState().get_fields()["tiers"]


async def test_a_bug_is_shown_by_a_number_and_nothing_else() -> None:
    spec = report(ValueError("secret detail"))
    assert "secret" not in str(spec)
    state = ErrorNoticeState()
    await call(ErrorNoticeState.show, state, "ab12cd34")
    assert state.number == "ab12cd34"
    await call(ErrorNoticeState.show, state, "<script>")
    assert state.number == "unknown"
    await call(ErrorNoticeState.dismiss, state)
    assert state.number == ""
