"""The tickets of a booking as a page without scripts, and the copy of it that browsers keep."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import parsedate_to_datetime

import httpx

from surge_app.clock import utc_now
from surge_app.container import Container
from tests.conftest import NewBuyer, NewSale, Surge


async def test_the_tickets_stand_on_a_page_that_needs_no_script(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container, surge: Surge
) -> None:
    buyer = new_buyer(await new_sale(name="Asha & <Friends>"))
    ref = await buyer.buy()
    (ticket,) = (await services.tickets.view(ref)).tickets
    page = await buyer.http.get(f"/bookings/{ref}/tickets")
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "Asha &amp; &lt;Friends&gt;" in page.text
    assert ticket.code in page.text
    assert "<svg" in page.text
    assert "<script" not in page.text
    assert "expires" not in page.headers
    async with httpx.AsyncClient(base_url=surge.url) as stranger:
        for path in (f"/bookings/{ref}/tickets", f"/bookings/{ref}/tickets?saved=1"):
            assert (await stranger.get(path)).status_code == 404
        token = services.identity.booking_token(ref)
        led = await stranger.get(f"/bookings/{ref}/tickets", params={"token": token})
        assert (led.status_code, led.headers["location"]) == (303, f"/bookings/{ref}/tickets")


async def test_a_copy_says_when_it_ends_and_there_is_none_of_a_cancelled_booking(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    buyer = new_buyer(await new_sale())
    ref = await buyer.buy()
    booking = await services.tickets.view(ref)
    path = f"/bookings/{ref}/tickets"
    copy = await buyer.http.get(path, params={"saved": "1"})
    assert "These tickets were saved on this device at" in copy.text
    assert copy.headers["cache-control"] == "no-store"
    # What it loads is saved with it; a browser without a network has nothing else.
    parts = set(re.findall(r'(?:href|src)="(/[^"]+\.(?:css|js))"', copy.text))
    saved = (await buyer.http.get("/js/ticket_copies.js")).text
    assert parts
    assert {part for part in parts if f'"{part}"' not in saved} == set()
    ends = parsedate_to_datetime(copy.headers["expires"])
    assert ends >= max(booking.event.starts_at, utc_now()) + timedelta(days=1)
    await services.refunds.refund(ref, actor="test", restock=True)
    assert (await buyer.http.get(path, params={"saved": "1"})).status_code == 404
    page = await buyer.http.get(path)
    assert "This booking is cancelled." in page.text


async def test_the_worker_of_tickets_answers_for_bookings_alone(surge: Surge) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        worker = await http.get("/js/ticket_worker.js")
        assert worker.status_code == 200
        assert "javascript" in worker.headers["content-type"]
        assert worker.headers["cache-control"] == "no-cache"
        assert worker.headers["service-worker-allowed"] == "/bookings/"
        for path in ("/js/notification_worker.js", "/surge.css"):
            other = await http.get(path)
            assert other.status_code == 200
            assert "service-worker-allowed" not in other.headers
