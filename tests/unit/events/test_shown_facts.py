"""What an event says of itself beside its name, day and venue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from surge_app.errors import InvalidRequest
from surge_app.services.events.fact_checks import check_facts
from surge_app.services.events.facts import shown_facts
from surge_app.services.events.new_event import NewEvent, NewTier, check_event
from surge_app.services.events.rich_text import TextPart

STARTS = datetime(2027, 3, 6, 13, 30, tzinfo=UTC)


def _event(**facts: object) -> NewEvent:
    values: dict[str, object] = {
        "slug": "gala",
        "name": "Gala",
        "venue": "Hall",
        "starts_at": STARTS,
        "tiers": (NewTier("General", 50_000, 10),),
        **facts,
    }
    return NewEvent(**values)  # pyright: ignore[reportArgumentType]  any value is tried


def test_facts_under_one_heading_stand_together_and_empty_ones_nowhere() -> None:
    event = _event(
        age_limit=18,
        organizer_name="Acme",
        organizer_email="a@example.com",
        ends_at=STARTS + timedelta(hours=3),
    )
    shown = {fact.title: fact for fact in shown_facts(event, STARTS, event.time_zone)}
    assert list(shown) == ["Ends", "Age", "Questions"]
    assert shown["Age"].text == "18 and over"
    assert shown["Ends"].text == "10:00 pm"
    assert shown["Questions"].lines == (
        TextPart("Acme", ""),
        TextPart("a@example.com", "mailto:a@example.com"),
    )


def test_a_moment_on_another_day_of_the_event_names_its_day() -> None:
    event = _event(
        doors_open_at=STARTS - timedelta(hours=19), ends_at=STARTS + timedelta(hours=5, minutes=30)
    )
    shown = {fact.title: fact.text for fact in shown_facts(event, STARTS, event.time_zone)}
    assert shown == {
        "Doors open": "12:00 am",
        "Ends": "Sun 7 Mar 2027, 12:30 am IST",
    }


def test_an_address_leads_to_a_map_and_the_way_there_needs_none() -> None:
    event = _event(address="12 Mill Road & Sons, Pune")
    (address,) = shown_facts(event, STARTS, event.time_zone)
    assert address.lines[0].text == "12 Mill Road & Sons, Pune"
    assert address.lines[0].href.endswith("&query=12%20Mill%20Road%20%26%20Sons%2C%20Pune")
    assert shown_facts(_event(), STARTS, event.time_zone) == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"ends_at": STARTS},
        {"doors_open_at": STARTS + timedelta(minutes=1)},
        {"age_limit": 0},
        {"address": "x" * 301},
        {"refund_policy": "x" * 2_001},
    ],
)
def test_facts_that_make_no_sense_are_refused(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidRequest):
        check_event(_event(**facts))


def test_an_address_of_blanks_is_no_address() -> None:
    assert check_facts({"address": "  ", "refund_policy": "  "}) == {
        "address": None,
        "refund_policy": "",
    }


def test_a_fact_of_one_line_has_no_second_and_a_long_one_keeps_its_paragraphs() -> None:
    typed = {"name": "Monsoon\nBeats,\t Goa ", "refund_policy": " None.\n\nAsk us. "}
    assert check_facts(typed) == {"name": "Monsoon Beats, Goa", "refund_policy": "None.\n\nAsk us."}
