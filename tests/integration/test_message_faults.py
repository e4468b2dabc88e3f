"""Providers down or silent: bookings of the whole Surge are whole, each message arrives once."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import NewBuyer, NewSale, Surge, eventually


@pytest.mark.parametrize("mode", ["down", "hang"])
async def test_a_booking_is_whole_and_told_once_whatever_the_providers_do(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer, mode: str
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    _, order = await buyer.order(2)
    async with httpx.AsyncClient(base_url=surge.url) as http:
        for service in ("sendgrid", "twilio"):
            fault = {"service": service, "mode": mode, "seconds": 3}
            (await http.post("/sandbox/faults", json=fault)).raise_for_status()
        fields = await buyer.attempt(str(order["order_id"]))
        outcome = (await buyer.callback(fields)).json()
        assert outcome["status"] == "confirmed"
        ref = outcome["booking_ref"]
        booking = (await buyer.http.get(f"/api/bookings/{ref}")).json()
        assert [ticket["status"] for ticket in booking["tickets"]] == ["valid", "valid"]

        async def told() -> list[str]:
            messages = (await http.get("/sandbox/outbox.json")).json()["messages"]
            return sorted(one["channel"] for one in messages if one["booking_ref"] == ref)

        async def arrived() -> bool:
            shown = (await buyer.http.get(f"/api/bookings/{ref}/messages")).json()
            return all(one["state"] in {"sent", "delivered"} for one in shown)

        await eventually(arrived, within_seconds=60, about="both messages")
        assert await told() == ["email", "sms"]
