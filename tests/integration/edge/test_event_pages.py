"""Event pages as the server sends them: whole for those who run no script, and cacheable."""

from __future__ import annotations

import asyncio
import io
import json
import re
from datetime import timedelta

import httpx
import pytest
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.db.events import catalog
from surge_app.errors import InvalidRequest, NotFound
from surge_app.models import EventCover
from surge_app.services.events import cover_art
from surge_app.services.events.new_event import NewTier
from tests.conftest import NewBuyer, NewSale, Surge, eventually

_HOSTILE = '</script><script>alert("x")</script>&\'"'


def _structured(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


async def test_the_page_of_an_event_says_it_all_without_a_script(
    surge: Surge, new_sale: NewSale
) -> None:
    tiers = (NewTier("Stalls", 50_000, 5), NewTier("Free seat", 0, 5))
    slug = await new_sale(
        name="Monsoon Beats", description="One night.", refund_policy="No refunds.", tiers=tiers
    )
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        answer = await http.get(f"/events/{slug}")
    html = answer.text
    assert answer.headers["cache-control"].startswith("public")
    assert "set-cookie" not in answer.headers
    assert "<title>Monsoon Beats · Surge</title>" in html
    assert '<meta property="og:title" content="Monsoon Beats · Surge">' in html
    told = re.search(r'<meta name="description" content="([^"]+)">', html)
    assert told is not None
    assert f'property="og:description" content="{told[1]}"' in html
    assert all(part in told[1] for part in ("IST", "The hall", "Free–₹525.", "One night."))
    assert f'property="og:image" content="{surge.settings.base_url}/api/events/{slug}/card' in html
    for text in ("One night.", "The hall", "₹525", "Free", f"/queue/{slug}"):
        assert text in html
    event = _structured(html)
    assert (event["@type"], event["name"]) == ("Event", "Monsoon Beats")
    span = event["offers"]
    assert isinstance(span, dict)
    assert [offer["price"] for offer in span["offers"]] == ["525.00", "0.00"]
    assert (span["@type"], span["lowPrice"], span["highPrice"]) == (
        "AggregateOffer",
        "0.00",
        "525.00",
    )


async def test_the_page_of_a_cancelled_event_leads_to_bookings_without_a_script(
    services: Container, surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale()
    await services.lifecycle.cancel(slug, actor="test")
    html = ""
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:

        async def is_cancelled() -> bool:
            # Each worker reads the event once a second.
            nonlocal html
            html = (await http.get(f"/events/{slug}")).text
            return f"/queue/{slug}" not in html

        await eventually(is_cancelled, about="the page of a cancelled event")
    (main,) = re.findall(r"<main.*?</main>", html, re.DOTALL)
    assert "This event is cancelled." in main
    assert 'href="/bookings/find"' in main


async def test_what_an_organizer_wrote_stays_text(surge: Surge, new_sale: NewSale) -> None:
    soon = utc_now() + timedelta(hours=3)
    texts = {"description": _HOSTILE, "venue": _HOSTILE, "city": _HOSTILE}
    slug = await new_sale(name=f"A{_HOSTILE}", starts_at=soon, **texts)
    listed = ""
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        html = (await http.get(f"/events/{slug}")).text

        async def is_listed() -> bool:
            # The list is a second old at most.
            nonlocal listed
            listed = (await http.get("/events")).text
            return f"/events/{slug}" in listed

        await eventually(is_listed, about="the new event in the list")
    assert 'alert("x")' not in html.replace("\\u0022", "").replace("&#34;", "")
    assert "<script>alert" not in html + listed
    assert _structured(html)["name"] == f"A{_HOSTILE}"


async def test_pages_and_files_are_kept_as_long_as_they_stay_true(
    surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale()
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        for path in (f"/api/events/{slug}", f"/events/{slug}"):
            first = await http.get(path)
            again = await http.get(path, headers={"if-none-match": first.headers["etag"]})
            assert again.status_code in {200, 304}
            assert "max-age" in first.headers["cache-control"]
        script = re.search(r"/assets/[\w.-]+\.js", (await http.get("/events")).text)
        assert script is not None
        kept = await http.get(script[0])
        assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
        # A script needs no policy of its own, and is lighter without; a page does.
        assert "content-security-policy" not in kept.headers
        assert kept.headers["x-content-type-options"] == "nosniff"
        missing = await http.get("/assets/nothing.js")
        assert "content-security-policy" in missing.headers
        assert "immutable" not in missing.headers.get("cache-control", "")
        absent = await http.get("/events/there-is-none")
        assert absent.status_code == 404
        assert "noindex" in absent.text


async def test_a_page_of_ones_own_names_its_scripts_and_is_kept_by_nobody(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    pages = {"queue": "no-cache", "book": "no-store"}
    for page, kept in pages.items():
        answer = await buyer.http.get(f"/{page}/{slug}")
        named = re.findall(r'rel="modulepreload" href="(/assets/[^"]+)"', answer.text)
        assert len(named) == len(set(named))
        (script,) = [path for path in named if f"_{page}_" in path]
        assert (await buyer.http.get(script)).is_success
        assert answer.headers["cache-control"] == kept
        assert "This page needs JavaScript" in answer.text
    assert (await buyer.http.get(f"/queue/{slug}/no-such-page")).status_code == 404


async def test_every_event_has_a_picture_to_show_and_one_to_share(
    surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale()
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        event = (await http.get(f"/api/events/{slug}")).json()
        drawn = await http.get(event["cover"])
        made_up = await http.get(f"/api/events/{slug}/cover.svg?v=made-up")
        card = await http.get(f"/api/events/{slug}/card.png")
        assert (await http.get(f"/api/events/{slug}/cover.jpg")).status_code == 404
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert "immutable" in drawn.headers["cache-control"]
    assert made_up.content == drawn.content
    assert "immutable" not in made_up.headers["cache-control"]
    assert Image.open(io.BytesIO(card.content)).size == (1200, 630)


async def test_a_card_that_a_crowd_shares_is_drawn_once(
    services: Container, new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, drawn = await new_sale(), list[str]()
    draw = cover_art.card

    def note(slug: str, **more: str) -> bytes:
        drawn.append(slug)
        return draw(slug, **more)

    monkeypatch.setattr(cover_art, "card", note)
    cards = await asyncio.gather(*(services.covers.card(slug) for _ in range(20)))
    assert (len(set(cards)), drawn) == (1, [slug])


async def test_a_picture_that_a_crowd_looks_at_is_read_once(
    services: Container, new_sale: NewSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug, reads = await new_sale(), list[str]()
    photo = io.BytesIO()
    Image.new("RGB", (1200, 630), "#884422").save(photo, "JPEG")
    await services.covers.save(slug, photo.getvalue(), actor="test")
    read = catalog.cover

    async def note(session: AsyncSession, slug: str) -> EventCover | None:
        reads.append(slug)
        return await read(session, slug)

    monkeypatch.setattr(catalog, "cover", note)
    pictures = await asyncio.gather(*(services.covers.picture(slug) for _ in range(20)))
    assert (len(set(pictures)), reads) == (1, [slug])


async def test_an_uploaded_picture_is_painted_anew_and_can_be_taken_back(
    services: Container, surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale()
    photo, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "where it was taken"
    Image.new("RGB", (900, 1600), "#884422").save(photo, "JPEG", exif=exif)
    await services.covers.save(slug, photo.getvalue(), actor="test")
    view = await services.catalog.event(slug)
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:

        async def is_kept() -> bool:
            # Each worker reads the event once a second.
            return "immutable" in (await http.get(view.cover)).headers["cache-control"]

        await eventually(is_kept, about="a picture that caches keep")
        kept = (await http.get(view.cover)).content
    assert Image.open(io.BytesIO(kept)).size == (1200, 630)
    assert b"where it was taken" not in kept
    await services.covers.remove(slug, actor="test")
    with pytest.raises(NotFound):
        await services.covers.picture(slug)
    for wrong in (b"", b"GIF89a", b"<svg xmlns='http://www.w3.org/2000/svg'/>", kept[:200]):
        with pytest.raises(InvalidRequest):
            await services.covers.save(slug, wrong, actor="test")
