"""The list of events is searched by words, city, category and day."""

from __future__ import annotations

import secrets
from datetime import timedelta

import httpx
import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.db.events.catalog import EventFilter
from tests.conftest import NewSale, Surge, eventually


async def _listed(surge: Surge, **query: str | int) -> list[str]:
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        answer = await http.get("/api/events", params=query)
    assert answer.status_code == 200, answer.text
    return [event["slug"] for event in answer.json()]


async def test_words_are_found_in_any_order_and_spelling(surge: Surge, new_sale: NewSale) -> None:
    mark = secrets.token_hex(4)
    slug = await new_sale(
        name=f"Café  Nights {mark}", venue="Phoenix Hall", city="Pune", organizer_name="D’Souza"
    )
    other = await new_sale(name=f"Morning {mark}", city="Goa")
    for words in (mark, f"nights cafe {mark}", f"PUNE {mark}", f"d'souza {mark}", f"phoe {mark}"):
        found = await _listed(surge, q=words)
        assert slug in found, words
        assert (other in found) == (words == mark)
    assert await _listed(surge, q=f"{mark} nobody") == []


async def test_a_list_is_narrowed_to_a_city_a_category_and_days(
    surge: Surge, new_sale: NewSale
) -> None:
    city, starts = f"City {secrets.token_hex(4)}", utc_now() + timedelta(days=9)
    music = await new_sale(city=city, category="Music", starts_at=starts)
    comedy = await new_sale(city=city, category="Comedy", starts_at=starts + timedelta(days=2))
    assert await _listed(surge, city=city) == [music, comedy]
    assert await _listed(surge, city=city.upper(), category="comedy") == [comedy]
    first, second = starts.isoformat(), (starts + timedelta(days=2)).isoformat()
    assert await _listed(surge, **{"city": city, "from": first, "to": second}) == [music]
    assert await _listed(surge, **{"city": city, "from": second}) == [comedy]
    assert await _listed(surge, city=city, limit=1) == [music]
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        refused = [
            (await http.get("/api/events", params=query)).status_code
            for query in ({"limit": 0}, {"limit": 201}, {"from": "tomorrow"}, {"q": "a" * 101})
        ]

        async def are_offered() -> bool:
            # The choices are a second old at most.
            choices = (await http.get("/api/event-filters")).json()
            assert set(choices) == {"cities", "categories"}
            return {"Music", "Comedy"} <= set(choices["categories"])

        await eventually(are_offered, about="the categories of the new events")
    assert refused == [422] * 4


@pytest.mark.parametrize(
    ("facts", "is_listed"),
    [
        ({}, True),
        ({"is_draft": True}, False),
        ({"is_rehearsal": True}, False),
    ],
)
async def test_the_list_shows_what_is_for_everyone(
    surge: Surge, new_sale: NewSale, facts: dict[str, object], *, is_listed: bool
) -> None:
    mark = secrets.token_hex(6)
    slug = await new_sale(name=f"Night {mark}", **facts)
    assert (slug in await _listed(surge, q=mark)) == is_listed


async def test_an_event_leaves_the_list_a_day_after_its_end(
    services: Container, surge: Surge, new_sale: NewSale
) -> None:
    mark, now = secrets.token_hex(6), utc_now()
    ended = await new_sale(name=f"Ended {mark}", starts_at=now - timedelta(hours=20))
    long_ago = await new_sale(name=f"Past {mark}", starts_at=now - timedelta(days=2))
    festival = await new_sale(
        name=f"Festival {mark}", starts_at=now - timedelta(days=3), ends_at=now - timedelta(hours=2)
    )
    assert await _listed(surge, q=mark) == [festival, ended]
    # Its page and its bookings stay.
    assert (await services.catalog.event(long_ago)).status == "ended"


async def test_the_next_opening_is_in_the_shortest_list(
    services: Container, new_sale: NewSale
) -> None:
    opens_at = utc_now() + timedelta(minutes=30)
    await new_sale(sales_open_at=opens_at, starts_at=opens_at + timedelta(days=300))
    await new_sale(starts_at=opens_at)
    services.catalog.invalidate()
    (listed,) = await services.catalog.events(EventFilter(limit=1))
    # Another test may have one that opens sooner.
    assert listed.sales_open_at is not None
    assert utc_now() < listed.sales_open_at <= opens_at
