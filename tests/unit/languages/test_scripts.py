"""Every language can be shown: a face for each letter, few bytes, and texts of the shop."""

from __future__ import annotations

import gzip
import re
import unicodedata
from pathlib import Path

import pytest

from surge_app.formatting import format_number, long_date
from surge_app.languages import SUPPORTED, use
from surge_app.languages.catalogue import catalogue
from surge_app.languages.page_files import page_files
from surge_app.services.events import site_texts
from surge_app.services.events.site_texts import SITE_PAGES
from surge_app.services.events.typefaces import MISSING, printable
from tests.architecture.messages import ROOT
from tests.state.samples import STARTS

LANGUAGES = [tag for tag in SUPPORTED if tag != "en"]
_RANGES = re.compile(r"U\+([0-9A-F]+)(?:-([0-9A-F]+))?")


def _letters(tag: str) -> set[str]:
    texts = catalogue(tag).texts.values()
    return {letter for forms in texts for form in forms for letter in form}


def _ranges_of_the_stylesheet() -> list[range]:
    css = (ROOT / "assets" / "surge.css").read_text("utf-8")
    lines = re.findall(r"unicode-range:([^;]+);", css)
    found = [pair for line in lines for pair in _RANGES.findall(line)]
    return [range(int(low, 16), int(high or low, 16) + 1) for low, high in found]


@pytest.mark.parametrize("tag", LANGUAGES)
def test_every_letter_of_a_language_has_a_face_on_paper_and_on_pages(tag: str) -> None:
    letters = _letters(tag)
    assert MISSING not in printable("".join(sorted(letters)))
    ranges = _ranges_of_the_stylesheet()
    marks = {letter for letter in letters if unicodedata.category(letter) == "Cf"}
    none = {one for one in letters - marks if not any(ord(one) in part for part in ranges)}
    assert none == set()


def test_the_menu_of_languages_has_a_face_for_every_name() -> None:
    css = (ROOT / "assets" / "surge.css").read_text("utf-8")
    (face,) = (rule for rule in css.split("@font-face") if 'family: "Language names"' in rule)
    own = [range(int(low, 16), int(high or low, 16) + 1) for low, high in _RANGES.findall(face)]
    names = "".join(language.name for language in SUPPORTED.values())
    assert [one for one in names if not one.isascii() and not any(ord(one) in r for r in own)] == []


@pytest.mark.parametrize("tag", LANGUAGES)
def test_numbers_and_dates_have_latin_digits_and_indian_groups(tag: str) -> None:
    with use(tag):
        assert format_number(102_961) == "1,02,961"
        assert re.findall(r"\d+", long_date(STARTS, "Asia/Kolkata"), re.ASCII)
        assert long_date(STARTS, "Asia/Kolkata").endswith(" IST")


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_page_loads_few_kilobytes_of_sentences(tag: str) -> None:
    # Browsers get Brotli, which is a tenth less.
    own = next(files for language, files in page_files().items() if language.tag == tag)
    sizes = {area: len(gzip.compress(file.content.encode())) for area, file in own.items()}
    assert sizes["events"] <= 4_000
    assert max(sizes["queue"], sizes["book"], sizes["bookings"]) <= 7_000


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_pages_about_the_shop_are_in_every_language(tag: str) -> None:
    folder = Path(site_texts.__file__).parent / "texts"
    for name in SITE_PAGES:
        english = (folder / f"{name}.txt").read_text("utf-8").splitlines()
        own = (folder / f"{name}.{tag}.txt").read_text("utf-8").splitlines()
        assert [line[:2] if line[:1] in "#-1234" else "" for line in own] == [
            line[:2] if line[:1] in "#-1234" else "" for line in english
        ], name
