"""A forwarded link shows the tickets; it never takes the booking away from its buyer."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.errors import RateLimited
from surge_app.kv.rate_limits import RateLimiter
from surge_app.services.messaging.contact_codes import ContactCodes
from tests.conftest import NewBuyer, NewSale, Surge, eventually


def _token(services: Container, ref: str, version: int = 0) -> str:
    return services.identity.booking_token(ref, version)


async def _opened(surge: Surge, ref: str, token: str) -> httpx.AsyncClient:
    """A browser that has followed a link."""
    http = httpx.AsyncClient(base_url=surge.url, timeout=30)
    answer = await http.get(f"/bookings/{ref}", params={"token": token})
    assert answer.status_code in {303, 404}
    return http


async def _mails(surge: Surge, to: str) -> list[dict[str, Any]]:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        messages = (await http.get("/sandbox/outbox.json")).json()["messages"]
    return [one for one in messages if one["to"] == to and one["channel"] == "email"]


async def test_a_forwarded_link_shows_the_tickets_and_changes_nothing(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    thief = await _opened(surge, ref, _token(services, ref))
    shown = (await thief.get(f"/api/bookings/{ref}")).json()
    assert len(shown["tickets"]) == 1
    path = f"/api/bookings/{ref}/resend"
    stolen = {"email": "thief@example.org", "phone": "+919812345678"}
    for body in (stolen, {**stolen, "code": "000000"}):
        refused = await thief.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "contact_code_required")
    after = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    assert (after["email"], after["phone"]) == (shown["email"], shown["phone"])
    assert (await thief.post(path, json={})).status_code == 202
    await thief.aclose()


async def test_the_code_sent_to_the_old_address_confirms_a_change_and_revokes_old_links(
    surge: Surge, services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    shown = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    phone = await _opened(surge, ref, _token(services, ref))
    other = await _opened(surge, ref, _token(services, ref))
    path, body = f"/api/bookings/{ref}/resend", {"email": f"new.{ref.lower()}@example.com"}
    assert (await phone.post(path, json=body)).status_code == 403
    codes: list[str] = []

    async def sent() -> bool:
        mails = await _mails(surge, shown["email"])
        codes[:] = [
            found[0]
            for mail in mails
            if ref in mail["subject"] and (found := re.search(r"\b\d{6}\b", mail["subject"]))
        ]
        return bool(codes)

    await eventually(sent, about="the code")
    assert (await phone.post(path, json={**body, "code": codes[0]})).status_code == 202
    # What the old link opened is over, for those who followed it before as well.
    assert (await other.get(f"/api/bookings/{ref}")).status_code == 404
    old, new = _token(services, ref), _token(services, ref, 1)
    assert (await other.get(f"/api/bookings/{ref}", params={"token": old})).status_code == 404
    assert (await other.get(f"/api/bookings/{ref}", params={"token": new})).status_code == 200
    # The browser that paid needs no link.
    assert (await buyer.http.get(f"/api/bookings/{ref}")).status_code == 200

    async def informed() -> bool:
        return any("has changed" in mail["subject"] for mail in await _mails(surge, shown["email"]))

    await eventually(informed, about="the mail to the old address")
    (farewell,) = [m for m in await _mails(surge, shown["email"]) if "has changed" in m["subject"]]
    assert "token=" not in farewell["body"]
    await phone.aclose()
    await other.aclose()


async def test_codes_cannot_be_guessed_by_trying(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    limits = RateLimiter(services.redis, enabled=True)
    codes = ContactCodes(services.database, services.identity, limits)
    right = services.identity.contact_code(ref, 0, utc_now())
    # A code nobody was sent opens nothing, even if it is guessed right.
    assert not await codes.verify(ref, right)
    await codes.send(ref)
    assert await codes.verify(ref, right)
    for _ in range(3):
        assert not await codes.verify(ref, "000000" if right != "000000" else "000001")
    with pytest.raises(RateLimited):
        await codes.verify(ref, right)


async def test_a_shared_calendar_entry_opens_no_booking(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    entry = (await buyer.http.get(f"/api/bookings/{ref}/calendar.ics")).text
    unfolded = entry.replace("\r\n ", "")
    assert f"/bookings/{ref}" in unfolded
    assert "token" not in unfolded


async def test_the_visitor_who_paid_sees_the_booking_before_any_cookie_of_it(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    visitor = {"surge_visitor": buyer.http.cookies["surge_visitor"]}
    async with httpx.AsyncClient(base_url=surge.url, cookies=visitor, timeout=30) as http:
        assert (await http.get(f"/api/bookings/{ref}")).status_code == 200
        page = await http.get(f"/bookings/{ref}")
        assert page.status_code == 200
        assert "surge_booking" in http.cookies


@pytest.mark.parametrize("cookie", ["surge_booking=SRG-ABCDEFGH", "surge_visitor=someone"])
async def test_a_cookie_nobody_signed_opens_nothing(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, cookie: str
) -> None:
    ref = await new_buyer(await new_sale()).buy()
    async with httpx.AsyncClient(base_url=surge.url, headers={"cookie": cookie}) as http:
        assert (await http.get(f"/api/bookings/{ref}")).status_code == 404
        assert (await http.get(f"/bookings/{ref}")).status_code == 404
