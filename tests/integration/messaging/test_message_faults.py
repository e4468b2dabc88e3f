"""Providers on every bad day: bookings of the whole Surge are whole, each message arrives once."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

import httpx
import pytest_asyncio
from sqlalchemy import text

from surge_app.container import Container
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually
from tests.integration.mail_catcher import channels_told

_CHANNELS = ["email", "sms"]
_BAD_DAYS = ("down", "http_429", "http_502_html", "hang")
# Long enough for a message that is taken to be written and to reach its provider.
_HANG_SECONDS = 3
_TOLD = text(
    "SELECT count(*) FILTER (WHERE o.status = 'sent') AS sent, "
    "count(*) FILTER (WHERE o.attempts > 0) AS taken, "
    "count(*) FILTER (WHERE o.last_error IS NOT NULL OR o.attempts > 1) AS refused "
    "FROM message_outbox o "
    "JOIN bookings b ON b.intent_id = o.intent_id WHERE b.ref = :ref"
)


@pytest_asyncio.fixture
async def http(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    """A way to the sandbox; its providers are well again in the end."""
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as client:
        yield client
        await _order(client, "ok")


async def _order(http: httpx.AsyncClient, mode: str, seconds: int = 600) -> None:
    for service in ("sendgrid", "twilio"):
        fault = {"service": service, "mode": mode, "seconds": seconds}
        (await http.post("/sandbox/faults", json=fault)).raise_for_status()


async def _book(buyer: Customer, order_id: str) -> str:
    outcome = (await buyer.callback(await buyer.attempt(order_id))).json()
    assert outcome["status"] == "confirmed"
    ref = outcome["booking_ref"]
    booking = (await buyer.http.get(f"/api/bookings/{ref}")).json()
    assert [ticket["status"] for ticket in booking["tickets"]] == ["valid", "valid"]
    return ref


async def test_a_booking_is_whole_and_told_once_whatever_the_providers_do(
    http: httpx.AsyncClient, new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    for mode in _BAD_DAYS:
        buyer = new_buyer(slug)
        _, order = await buyer.order(2)
        await _order(http, mode)
        ref = await _book(buyer, str(order["order_id"]))

        async def is_true_of_both(what: str, ref: str = ref) -> bool:
            async with services.database.transaction() as session:
                told = await session.execute(_TOLD, {"ref": ref})
            return told.mappings().one()[what] == len(_CHANNELS)

        await eventually(partial(is_true_of_both, "taken"), about="a first try of both messages")
        if mode == "hang":
            # What hangs is let go in the end, and then it has failed.
            await _order(http, mode, _HANG_SECONDS)
        await eventually(partial(is_true_of_both, "refused"), about=f"two refusals by {mode}")
        await _order(http, "ok")
        sent = partial(is_true_of_both, "sent")
        await eventually(sent, about=f"both messages after {mode}")
        assert await channels_told(buyer, ref) == _CHANNELS, mode
