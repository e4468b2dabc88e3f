"""An organizer's texts in other languages: read, bounded, and shown where there are any."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from surge_app.errors import InvalidRequest
from surge_app.languages import use
from surge_app.services.events.fact_checks import check_facts
from surge_app.services.events.facts import TRANSLATABLE
from surge_app.services.events.translations import read_translations, write_translations
from surge_app.state.admin.events.event_forms import typed_texts
from tests.state.samples import event

_TEXT = """hi name: मॉनसून बीट्स
hi description: दो दिन।

Doors: बारह बजे
ta name: மழை இசை
"""


def test_a_text_goes_on_until_the_next_begins() -> None:
    assert read_translations(_TEXT, TRANSLATABLE) == {
        "hi": {"name": "मॉनसून बीट्स", "description": "दो दिन।\n\nDoors: बारह बजे"},
        "ta": {"name": "மழை இசை"},
    }
    assert check_facts({"translations": _TEXT})["translations"] == _TEXT.strip()
    assert read_translations("", TRANSLATABLE) == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("मॉनसून बीट्स", "begins no text"),
        ("hi name: x\nxx name: y", "“xx name: y” begins no text"),
        ("hi name: x\nhi heading: y", "“hi heading: y” begins no text"),
        ("hi city: x", "begins no text"),
        ("hi name: one\ntwo", "on one line"),
        (f"hi venue: {'x' * 201}", "at most 200"),
        ("hi description: x" + "y" * 40_000, "at most 40,?000"),
    ],
)
def test_what_no_page_could_show_is_refused(text: str, problem: str) -> None:
    with pytest.raises(InvalidRequest, match=problem):
        check_facts({"translations": text})


def test_an_event_is_shown_in_the_language_of_its_reader_and_else_as_it_was_written() -> None:
    plain = event()
    found = read_translations("hi name: मॉनसून\nhi venue: पहाड़ी\nta venue: மலை", TRANSLATABLE)
    original = {"name": plain.name, "venue": plain.venue}
    of = replace(plain, translations={"": original, **found})
    with use("hi"):
        hindi = of.in_language()
    assert (hindi.name, hindi.venue) == ("मॉनसून", "पहाड़ी")
    with use("ta"):
        # Nothing of the language before stays.
        assert (hindi.in_language().name, hindi.in_language().venue) == (plain.name, "மலை")
    assert of.in_language() == of
    assert plain.in_language() is plain


_PROSE = st.lists(
    st.sampled_from(["एक", "hi name: no text of its own", "at venue: gate 4", "Doors: 8 pm", ""])
).map(lambda lines: "\n".join(lines).strip())


@given(description=_PROSE, policy=_PROSE)
def test_what_is_written_is_read_again_whatever_its_lines_look_like(
    description: str, policy: str
) -> None:
    texts = {"hi": {"description": description, "name": "एक"}, "ta": {"refund_policy": policy}}
    stored = write_translations(texts)
    found = read_translations(stored, TRANSLATABLE)
    assert check_facts({"translations": stored})
    for tag, named in texts.items():
        for name, words in named.items():
            shown = found.get(tag, {}).get(name, "")
            assert [line.strip() for line in shown.splitlines()] == words.splitlines()


def test_a_form_keeps_the_texts_it_shows_no_field_for() -> None:
    stored = "en name: Monsoon Beats\nhi name: मॉनसून बीट्स"
    sent = {"was_translations": stored, "translations": stored, "hi_name": "मॉनसून बीट्स"}
    assert typed_texts(sent) == stored
    assert typed_texts({**sent, "hi_venue": "पहाड़ी"}) == f"{stored}\nhi venue: पहाड़ी"
    assert typed_texts({**sent, "hi_name": ""}) == "en name: Monsoon Beats"
