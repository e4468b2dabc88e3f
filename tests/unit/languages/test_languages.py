"""One catalogue a language: sentences, plurals, and which language a request gets."""

from __future__ import annotations

import json

import pytest

from surge_app import formatting, languages
from surge_app.languages import gettext, language_of, negotiate, ngettext, use
from surge_app.languages.page_files import page_files, page_key
from surge_app.services.events.facts import EDITABLE_FACTS
from tests.architecture import messages
from tests.architecture.unmarked_texts import faults_in, unmarked_texts


def test_the_catalogues_hold_what_the_code_says_and_nothing_else() -> None:
    template = messages.extracted()
    tags = [tag for tag in languages.SUPPORTED if tag != "en"]
    assert [fault for tag in tags for fault in messages.faults(tag, template)] == []


def test_each_text_that_people_read_has_a_marker() -> None:
    assert unmarked_texts() == []


@pytest.mark.parametrize(
    "source",
    [
        'msg = "Nothing was sold."\nraise PriceChanged(msg)',
        'label: str = "Sold out"',
        'problem = f"{actor} stopped it."',
        'notes.record_fault(f"told to ask again in {pause} ms")',
        "f\"{n} {_('tickets left')}\"",
        '_(f"Sold {n}")',
        '_("Sold {n}".format(n=1))',
        "N_(name)",
        "ngettext(one, many, 2)",
    ],
)
def test_a_text_that_the_extraction_misses_is_a_fault(source: str) -> None:
    assert len(faults_in(source, is_page=False)) == 1


def test_texts_for_operators_and_names_need_no_marker() -> None:
    source = """
msg = f"Set {name} to a number."
raise ConfigurationError(msg)
found = {304: {"description": "Nothing changed since then."}, "kind": "all_held"}
said = f"{_(text)}: {_('Sold {n}', n=1) if n else found}"[_(text)]
"""
    assert faults_in(source, is_page=False) == {(5, "inside an f-string: Sold {n}")}


def test_a_sentence_is_in_the_language_of_its_block_and_english_outside() -> None:
    with use("hi"):
        assert formatting.prices(102_500, 102_500) == "₹1,025 से"
        assert formatting.price(0) == "मुफ़्त"
    assert formatting.price(0) == "Free"


def test_a_placeholder_reaches_into_no_object() -> None:
    assert gettext("A {x.__class__} and {y}", y="{x}") == "A {x.__class__} and {x}"


def test_the_number_of_a_plural_is_grouped_as_its_language_does() -> None:
    assert ngettext("{count} ticket", "{count} tickets", 1) == "1 ticket"
    assert ngettext("{count} ticket", "{count} tickets", 102_961) == "1,02,961 tickets"


@pytest.mark.parametrize(
    ("query", "cookie", "accept", "tag"),
    [
        (None, None, None, "en"),
        ("hi", "en", "en", "hi"),
        ("xx", "hi", "en", "hi"),
        ("HI", None, None, "hi"),
        (None, None, "hi-IN,hi;q=0.9,en;q=0.8", "hi"),
        (None, None, "fr, en;q=0.2, hi;q=0.7", "hi"),
        (None, None, "hi;q=0, en;q=0.1", "en"),
        (None, None, "fr", "en"),
    ],
)
def test_the_address_comes_before_the_cookie_and_the_browser(
    query: str | None, cookie: str | None, accept: str | None, tag: str
) -> None:
    assert negotiate(query, cookie, accept) == tag


@pytest.mark.parametrize(
    "hostile", ["hi" * 10**6, ";" * 10**6, ",;q=," * 10**5, "hi;q=nan", "hi;q=1e999", "\x00", "-"]
)
def test_a_hostile_choice_is_english(hostile: str) -> None:
    assert negotiate(hostile, hostile, hostile) == "en"


@pytest.mark.parametrize(
    ("path", "cookies", "tag"),
    [
        ("/api/intents/1", "a=b; surge_lang=hi; c=d", "hi"),
        ("/api/intents/1", "surge_lang=en", "en"),
        ("/api/intents/1", "not_surge_lang=en; surge_lang=<script>", "hi"),
        ("/api/intents/1", "surge_lang=" + "h" * 10**6, "hi"),
        ("/admin/events", "surge_lang=hi", "hi"),
        ("/api/admin/events", "surge_lang=ta", "en"),
    ],
)
def test_a_request_is_answered_in_the_language_kept_by_its_browser(
    path: str, cookies: str, tag: str
) -> None:
    assert language_of(path, None, cookies, "hi-IN") == tag


def test_a_pseudo_language_keeps_placeholders_and_changes_every_letter() -> None:
    with use("en-XA"):
        text = formatting.prices(102_500, 102_500)
    assert text == "ƒŕööɱ ₹1,025"
    with use("ar-XB"):
        assert formatting.price(0) == "\u202eFree\u202c"


def test_what_a_sentence_from_the_right_names_keeps_its_own_order() -> None:
    with use("ar-XB"):
        assert "\u2068+919800000001\u2069" in gettext("SMS to {phone}", phone="+919800000001")
    assert gettext("SMS to {phone}", phone="+91") == "SMS to +91"


def test_no_visitor_of_production_chooses_a_pseudo_language() -> None:
    assert languages.languages() == languages.SUPPORTED
    assert not any(one.is_pseudo for one in languages.SUPPORTED.values())


def test_a_page_finds_its_sentences_by_the_same_keys() -> None:
    # tests/js/language.test.js expects the same of the browser.
    assert page_key("Free") == "7va5tn"
    assert page_key("Joining the queue…") == "vts82v"


def test_a_page_loads_the_sentences_of_its_area_alone() -> None:
    files = next(files for language, files in page_files().items() if language.tag == "hi")
    keys = {area: set(json.loads(_texts(file.content))) for area, file in files.items()}
    assert page_key("Sold out") in keys["events"]
    assert page_key("You're in the queue") in keys["queue"] - keys["events"]
    assert page_key("Hold tickets") in keys["book"] - keys["queue"]
    assert keys["events"] < keys["queue"]
    organizers = {page_key(text) for text in ("Delete draft", "Seconds tickets are held", "Cash")}
    assert organizers <= keys.pop("admin")
    assert organizers.isdisjoint(set().union(*keys.values()))


def test_the_editor_has_each_label_and_hint_in_every_language_it_comes_in() -> None:
    shown = {text for one in EDITABLE_FACTS.values() for text in (one.fact.label, one.fact.help)}
    for language, files in page_files().items():
        if language.has_admin:
            known = json.loads(_texts(files["admin"].content))
            assert {text for text in shown if text and page_key(text) not in known} == set()


def _texts(script: str) -> str:
    return script.removeprefix("surgeLanguage.texts=").partition(";surgeLanguage.plural")[0]
