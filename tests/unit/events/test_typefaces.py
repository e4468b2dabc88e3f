"""Every script an event may be named in has a face, and what none has is marked and logged."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from structlog.testing import capture_logs

from surge_app.services.events import cover_art
from surge_app.services.events.typefaces import (
    FACES,
    MISSING,
    face_file,
    faces_of,
    printable,
    runs,
)

SCRIPTS = {
    "devanagari": "दीवाली मेला, क्षत्रिय ज्ञान",
    "bengali": "বাংলা গানের সন্ধ্যা",
    "gurmukhi": "ਪੰਜਾਬੀ ਮੇਲਾ",
    "gujarati": "ગુજરાતી ગરબા",
    "oriya": "ଓଡ଼ିଆ ସଙ୍ଗୀତ",
    "tamil": "தமிழ் இசை விழா",
    "telugu": "తెలుగు సంగీతం",
    "kannada": "ಕನ್ನಡ ಸಂಗೀತ",
    "malayalam": "മലയാളം സംഗീതം",
    "greek": "Ελληνική μουσική",
    "cyrillic": "Русская музыка",
    "arabic": "اردو موسیقی کی رات",
    "hebrew": "ערב מוזיקה",
    "thai": "ดนตรีไทย",
    "chinese": "中文音乐会 體",
    "inter-ext": "Zażółć gęślą jaźń",
}


@pytest.mark.parametrize(("face", "text"), SCRIPTS.items())
def test_every_letter_of_a_script_has_a_glyph(face: str, text: str) -> None:
    assert printable(text) == text
    assert face in faces_of(text)
    assert "".join(part for _, part in runs(text)) == text


def test_letters_that_no_face_has_are_marked_and_logged_and_marks_are_not() -> None:
    with capture_logs() as logs:
        assert printable("Party 🎉🎉 한국!") == f"Party {MISSING} {MISSING}!"
    assert [one["letters"] for one in logs] == ["U+1F389 U+AD6D U+D55C"]
    with capture_logs() as logs:
        assert printable("A\ufe0f\u2066B") == "AB"
    assert logs == []


def test_every_face_is_shipped_in_both_weights_or_the_one_it_has() -> None:
    assert all(face_file(face, weight).is_file() for face in FACES for weight in (400, 700))


def test_the_shared_picture_of_an_event_in_any_script_has_letters_and_no_boxes() -> None:
    def drawn(title: str) -> bytes:
        picture = Image.open(io.BytesIO(cover_art.card("x", title=title, details="")))
        return picture.convert("RGB").tobytes()

    # A box stands for each letter a face does not have, so two such words would look alike.
    for one, other in (("தமி", "தலை"), ("Рус", "Нет"), ("中文", "音乐"), ("ليل", "رات")):
        assert drawn(one) != drawn(other)
