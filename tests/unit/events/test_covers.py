"""Drawn covers: the same for a slug for ever, and sound whatever an event is called."""

from __future__ import annotations

import io
import re
from datetime import date
from xml.etree import ElementTree as ET

from hypothesis import given, settings, strategies as st
from PIL import Image

from surge_app.services.events import cover_art


def _ring(drawn: bytes) -> ET.Element:
    ring = ET.fromstring(drawn).find(".//{*}circle")
    assert ring is not None
    return ring


@settings(deadline=None)
@given(st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True))
def test_a_slug_always_draws_the_same_well_formed_picture(slug: str) -> None:
    drawn = cover_art.svg(slug)
    assert drawn == cover_art.svg(slug)
    assert len(drawn) < 4000
    assert ET.fromstring(drawn).tag.endswith("svg")


def test_covers_of_different_events_look_different_and_show_their_ring() -> None:
    drawn = [cover_art.art(f"event-{number}") for number in range(60)]
    assert len({one.palette for one in drawn}) > 5
    for number in range(60):
        ring = _ring(cover_art.svg(f"event-{number}"))
        assert 0 < float(ring.attrib["cx"]) < cover_art.WIDTH
        assert 0 < float(ring.attrib["cy"]) < cover_art.HEIGHT


def test_a_wide_box_shows_the_ring_above_what_stands_on_its_foot() -> None:
    """A page of a desktop shows 267 of 630, and its ticket box covers the lowest fifth."""
    for number in range(60):
        drawn = cover_art.svg(f"event-{number}")
        moved = float(re.findall(r"translateY\((-?\d+)px\)", drawn.decode())[0])
        y = float(_ring(drawn).attrib["cy"]) + moved
        seen = (cover_art.HEIGHT - 267) / 2
        assert seen < y - 35
        assert y + 35 < seen + 267 * 0.78


def test_events_of_one_category_share_a_motif_and_not_their_colours() -> None:
    drawn = [cover_art.art(f"event-{number}", "Theatre") for number in range(20)]
    # Each arch begins and ends on the ground.
    assert all(curve[0][1] == curve[3][1] for one in drawn for curve in one.curves)
    assert len({one.palette for one in drawn}) > 3
    assert cover_art.svg("event-1", "Theatre") == cover_art.svg("event-1", "theatre")
    assert cover_art.svg("event-1", "Knitting") == cover_art.svg("event-1")


def test_each_date_of_a_series_has_lines_of_its_own_in_the_same_colours() -> None:
    dates = [date(2027, 3, number) for number in range(1, 9)]
    drawn = [cover_art.art("monday-jazz", "Music", day) for day in dates]
    assert len({one.curves for one in drawn}) == len(dates)
    assert len({one.palette for one in drawn}) == 1


@settings(max_examples=8, deadline=None)
@given(st.text(min_size=1, max_size=200), st.text(max_size=200))
def test_the_shared_picture_takes_any_title(title: str, details: str) -> None:
    card = cover_art.card("a-slug", title=title, details=details)
    assert Image.open(io.BytesIO(card)).size == (1200, 630)
    assert len(card) < 200_000
