"""A place is given to a browser that keeps cookies, and to no other page."""

from __future__ import annotations

import httpx

from tests.conftest import NewSale, Surge

_PAGE = {"keeps_cookies": True}


async def test_a_page_joins_only_with_the_cookie_it_was_given(
    surge: Surge, new_sale: NewSale
) -> None:
    path = f"/api/queue/{await new_sale(units=9, concurrent_buyers=9)}"
    async with httpx.AsyncClient(base_url=surge.url) as browser:
        first = await browser.post(path, json=_PAGE)
        assert (first.status_code, first.json()["state"]) == (200, "not_joined")
        assert (first.json()["note"], first.json()["number"]) == ("cookie_required", None)
        second = await browser.post(path, json=_PAGE)
        assert (second.json()["state"], second.json()["note"]) == ("admitted", None)


async def test_a_browser_that_drops_cookies_uses_up_no_number_and_no_room(
    surge: Surge, new_sale: NewSale
) -> None:
    slug = await new_sale(units=9, concurrent_buyers=1)
    path = f"/api/queue/{slug}"
    for _ in range(12):
        async with httpx.AsyncClient(base_url=surge.url) as browser:
            assert (await browser.post(path, json=_PAGE)).json()["note"] == "cookie_required"
    async with httpx.AsyncClient(base_url=surge.url) as other:
        joined = await other.post(path)
    assert joined.json()["state"] == "admitted"


async def test_the_contract_still_joins_without_a_cookie(surge: Surge, new_sale: NewSale) -> None:
    slug = await new_sale(units=9, concurrent_buyers=1)
    async with httpx.AsyncClient(base_url=surge.url) as caller:
        joined = await caller.post(f"/api/queue/{slug}")
    assert joined.json()["state"] == "admitted"
    assert "surge_visitor" in caller.cookies
