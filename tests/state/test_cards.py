"""Ready text: prices, dates, notes, suggestions, and the notice about a bug."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import pytest

from surge_app.services.views import Line
from surge_app.state import cards
from surge_app.state.book import BookState
from surge_app.state.errors import ProblemState, report
from surge_app.state.suggest import email_suggestion
from tests.state import samples
from tests.state.harness import call


def test_a_date_is_told_in_the_zone_of_the_event() -> None:
    assert cards.when(samples.STARTS, "Asia/Kolkata") == "Sat 6 Mar 2027, 7:00 pm IST"
    assert cards.when(datetime(2027, 7, 1, 18, tzinfo=UTC), "Europe/London").endswith("7:00 pm BST")


def test_the_price_of_a_wish_is_the_price_of_the_hold_it_becomes() -> None:
    event = samples.event(samples.tier("a", "A", 49_950), samples.tier("b", "B", 120_000))
    wish = {"a": 1, "b": 2}
    intent = samples.intent(event, [Line("a", 1), Line("b", 2)])
    assert cards.price_of_wish(event, wish) == cards.price_of_intent(intent)


def test_a_wish_for_nothing_has_no_price() -> None:
    assert cards.price_of_wish(samples.event(), {"general": 0}) == cards.PriceCard()


@pytest.mark.parametrize(
    ("free", "held", "note"),
    [
        (3, 0, "₹1,025 for one, all included · 3 free"),
        (0, 2, "₹1,025 for one, all included · all on hold"),
        (0, 0, "₹1,025 for one, all included · sold out"),
    ],
)
def test_a_note_counts_honestly(free: int, held: int, note: str) -> None:
    event = samples.event(samples.tier("general", "General", 100_000, free=free, held=held))
    (card,) = cards.tier_cards(event, {}, is_held=False)
    assert card.note == note
    assert card.can_add is (free > 0)


@pytest.mark.parametrize(
    ("typed", "suggested"),
    [
        ("asha@gmial.com", "asha@gmail.com"),
        ("asha@GMAIL.com", ""),
        ("asha@outlok.com", "asha@outlook.com"),
        ("asha@iitb.ac.in", ""),
        ("asha", ""),
        ("@gmial.com", ""),
        ("", ""),
    ],
)
def test_only_a_likely_slip_is_questioned(typed: str, suggested: str) -> None:
    assert email_suggestion(typed) == suggested


def test_a_state_survives_being_stored() -> None:
    event = samples.event()
    price = cards.price_of_wish(event, {"general": 2})
    assert pickle.loads(pickle.dumps(price)) == price
    assert BookState().get_fields()["tiers"]


async def test_a_bug_is_shown_by_a_number_and_nothing_else() -> None:
    spec = report(ValueError("secret detail"))
    assert "secret" not in str(spec)
    state = ProblemState()
    await call(ProblemState.show, state, "ab12cd34")
    assert state.number == "ab12cd34"
    await call(ProblemState.show, state, "<script>")
    assert state.number == "unknown"
    await call(ProblemState.dismiss, state)
    assert state.number == ""
