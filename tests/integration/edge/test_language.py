"""The language of a visitor: of errors, of a live page, and of what a purchase sends."""

from __future__ import annotations

import json

import httpx
import pytest

from surge_app.languages import SUPPORTED, gettext, use
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.raw_socket import connected

_HINDI = {"accept-language": "hi-IN,hi;q=0.9,en;q=0.8"}


async def test_an_error_is_in_the_language_of_the_visitor_and_keeps_its_code(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    path = "/api/intents/unknown"
    english, hindi = await buyer.http.get(path), await buyer.http.get(path, headers=_HINDI)
    assert english.json()["title"].startswith("We couldn't find that.")
    assert hindi.json()["title"] == "यह हमें नहीं मिला। शायद इसे हटा दिया गया है। पता जाँच लें।"
    assert english.json()["code"] == hindi.json()["code"] == "not_found"
    assert hindi.headers["cache-control"] == "no-store"
    asked = await buyer.http.get(f"{path}?lang=hi")
    kept = await buyer.http.get(path, headers={"cookie": "surge_lang=hi"})
    odd = await buyer.http.get(f"{path}?lang=../../etc", headers={"cookie": "surge_lang=x-y"})
    assert asked.json() == kept.json() == hindi.json()
    assert odd.json() == english.json()


async def test_the_facts_of_an_event_follow_the_address_alone_as_caches_keep_them(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale(age_limit=18))
    path = f"/api/events/{buyer.slug}"
    facts = [
        (await buyer.http.get(path, headers=headers, params=query)).json()["facts"][0]["title"]
        for headers, query in (({}, {}), (_HINDI, {}), ({}, {"lang": "hi"}), ({}, {"lang": "xx"}))
    ]
    assert facts == ["Age", "Age", "उम्र", "Age"]


async def test_a_purchase_in_hindi_has_its_page_messages_and_papers_in_hindi(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    buyer.http.cookies.set("surge_lang", "hi")
    ref = await buyer.buy()
    calendar = await buyer.http.get(f"/api/bookings/{ref}/calendar.ics")
    assert f"बुकिंग {ref}। टिकट" in calendar.text.replace("\r\n ", "")
    async with connected(surge.url, dict(buyer.http.cookies)) as socket:
        updates = await socket.event("state.booking.BookingState", "load", f"/bookings/{ref}")
    assert "1 टिकट" in json.dumps(updates, ensure_ascii=False)


async def test_the_pages_about_the_shop_are_in_the_language_of_their_address(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url, headers=_HINDI) as http:
        for name, hindi in (
            ("help", "टिकट ढूँढना"),
            ("refunds", "पैसे कब वापस मिलते हैं"),
            ("privacy", "आपके अधिकार"),
            ("terms", "कतार और टिकट"),
        ):
            assert hindi in (await http.get(f"/{name}?lang=hi")).text
            assert hindi not in (await http.get(f"/{name}")).text


@pytest.mark.parametrize("tag", [tag for tag in SUPPORTED if tag != "en"])
async def test_a_public_page_states_its_language_and_the_others(
    new_sale: NewSale, new_buyer: NewBuyer, tag: str
) -> None:
    buyer = new_buyer(await new_sale())
    path = f"/events/{buyer.slug}"
    page = (await buyer.http.get(path, params={"lang": tag})).text
    assert f'<html lang="{SUPPORTED[tag].html_lang}" dir="ltr">' in page
    for other in SUPPORTED:
        assert f'hreflang="{other}" href="' in page
    with use(tag):
        assert f"<dt>{gettext('When')}</dt>" in page
        assert gettext("Find my booking") in page
