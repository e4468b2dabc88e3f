"""SMS: short, in the cheap alphabet whatever an event is called, and as they were registered."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from surge_app.errors import ConfigurationError
from surge_app.languages import SUPPORTED, gettext, use
from surge_app.services.messaging.sms_templates import (
    TEXTS,
    SmsTemplate,
    check_texts,
    read_registered,
    render_sms,
    segments,
    sent_in_english,
    template_errors,
)
from surge_app.services.operations.preflight import _sms_texts
from surge_app.settings import load_settings

LINK = "https://tickets.example.in/bookings/SRG-ABCD2345?token=0123456789abcdef"
VALUES = {
    "ref": "SRG-ABCD2345",
    "when": "16 Nov 2027, 10:30 pm",
    "amount": "Rs 1,00,000",
    "link": LINK,
    "venue": "The old mill by the river, Panaji",
}


def _registered(name: str) -> str:
    link = "{#url#}"
    return TEXTS[name].format(
        ref="{#var#}",
        event="{#var#}",
        when="{#var#}",
        amount="{#var#}",
        venue="{#var#}",
        link=link,
    )


REGISTERED = {
    name: SmsTemplate(id=f"11{n}", text=_registered(name)) for n, name in enumerate(TEXTS)
}


def _production(path: Path) -> object:
    return load_settings().model_copy(
        update={
            "env": "production",
            "public_url": "https://tickets.example.in",
            "dlt_templates": path,
        }
    )


@given(st.sampled_from(sorted(TEXTS)), st.text(max_size=200))
def test_whatever_an_event_is_called_an_sms_is_gsm_and_at_most_two_segments(
    name: str, event: str
) -> None:
    text = render_sms(name, event=event, **VALUES)
    assert segments(text) == math.ceil(len(text) / 153 if len(text) > 160 else 1) <= 2


def test_a_confirmation_of_a_usual_event_is_one_segment() -> None:
    text = render_sms("confirmation", event="Monsoon Beats, Goa", **VALUES)
    assert "Monsoon Beats, Goa" in text
    assert segments(text) == 1


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        ("Café Été", "Café Été"),
        ("दिवाली मेला", "your event"),
        ("दिवाली Mela 2027 at the old fort", "Mela 2027 at the old fort"),
        ("₹99 “Night” – live…", 'Rs 99 "Night" - live'),
        ("Łódź Żurek Night", "odz Zurek Night"),
        ("The Great Monsoon Music Carnival of Goa", "The Great Monsoon Music"),
        ("Donaudampfschifffahrtsgesellschaft", "Donaudampfschifffahrtsgesellsc"),
        ("The old mill beside the harbour", "The old mill beside the"),
        ("A name of thirty letters, Goa!", "A name of thirty letters, Goa!"),
        ("", "your event"),
    ],
)
def test_a_name_is_written_as_well_as_the_alphabet_allows(event: str, shown: str) -> None:
    assert f" {shown}, " in render_sms("confirmation", event=event, **VALUES)


def test_the_segments_of_a_text_are_known() -> None:
    assert [segments("a" * count) for count in (160, 161, 306, 307)] == [1, 2, 2, 3]
    assert [segments("₹" * count) for count in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert segments("🎉" * 35) == 1


def test_texts_that_are_registered_as_they_are_pass() -> None:
    assert template_errors(REGISTERED, link=LINK) == []


def test_a_link_may_be_registered_as_several_plain_variables() -> None:
    several = REGISTERED["confirmation"].text.replace("{#url#}", "{#var#}" * 3)
    changed = REGISTERED | {"confirmation": SmsTemplate(id="1", text=several)}
    assert template_errors(changed, link=LINK) == []
    one = REGISTERED["confirmation"].text.replace("{#url#}", "{#var#}")
    changed = REGISTERED | {"confirmation": SmsTemplate(id="1", text=one)}
    assert template_errors(changed, link=LINK) == [
        "The SMS confirmation differs from the text registered as 1."
    ]


def test_a_changed_a_missing_and_an_unknown_text_are_told() -> None:
    changed = dict(REGISTERED)
    changed["late_payment"] = SmsTemplate(id="7", text="Your payment failed.")
    del changed["event_cancelled"]
    changed["hello"] = SmsTemplate(id="8", text="Hello")
    assert template_errors(changed, link=LINK) == [
        "No SMS is named hello.",
        "The SMS event_cancelled is not registered.",
        "The SMS late_payment differs from the text registered as 7.",
    ]


@given(
    st.sampled_from([tag for tag in SUPPORTED if tag != "en"]),
    st.sampled_from(sorted(TEXTS)),
    st.text(max_size=200),
)
def test_an_sms_is_in_its_language_and_bounded_whatever_an_event_is_called(
    tag: str, name: str, event: str
) -> None:
    with use(tag):
        text = render_sms(name, event=event, **VALUES)
    assert segments(text) <= 6
    assert any("\u0900" <= letter <= "\u0cff" for letter in text)


def test_a_hindi_sms_is_registered_under_a_name_of_its_own() -> None:
    with use("hi"):
        values = dict.fromkeys(("ref", "event", "when", "amount"), "{#var#}")
        text = gettext(TEXTS["confirmation"], **values, link="{#url#}")
    hindi = {"confirmation.hi": SmsTemplate(id="91", text=text)}
    assert template_errors(REGISTERED | hindi, link=LINK) == []
    assert "confirmation.hi" not in sent_in_english(REGISTERED | hindi)
    other = {"confirmation.hi": SmsTemplate(id="91", text="कुछ और")}
    assert template_errors(REGISTERED | other, link=LINK) == [
        "The SMS confirmation.hi differs from the text registered as 91."
    ]


def test_production_does_not_start_with_texts_no_network_carries(tmp_path: Path) -> None:
    path = tmp_path / "dlt.json"
    path.write_text(json.dumps({name: one.model_dump() for name, one in REGISTERED.items()}))
    settings = _production(path)
    check_texts(settings)  # type: ignore[arg-type]
    texts, english = _sms_texts(settings)  # type: ignore[arg-type]
    assert texts.is_ok
    assert english.is_ok
    assert "*.hi" in english.name
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="confirmation is not registered"):
        check_texts(settings)  # type: ignore[arg-type]
    assert not _sms_texts(settings)[0].is_ok  # type: ignore[arg-type]


def test_a_file_that_says_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "dlt.json"
    for content in ("[", "[]", '{"confirmation": "text"}'):
        path.write_text(content)
        with pytest.raises(ConfigurationError):
            read_registered(path)
    with pytest.raises(ConfigurationError):
        read_registered(tmp_path / "none.json")
