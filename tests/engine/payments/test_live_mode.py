"""One Razorpay account has two modes: play money never buys a ticket of a live install."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest
import pytest_asyncio

from surge_app.container import build_container
from surge_app.providers import RazorpayGateway
from surge_app.settings import Settings
from tests.engine.conftest import NewSale
from tests.engine.gateway import Webhook
from tests.engine.sale_helper import Sale

# Nothing keeps anybody from setting the same one for both modes.
_WEBHOOK_SECRET = "of-both-modes"


@pytest_asyncio.fixture
async def shop(new_sale: NewSale) -> Sale:
    """A sale where orders are made as everywhere."""
    return await new_sale(3)


@pytest_asyncio.fixture
async def live(shop: Sale, backing: Settings) -> AsyncGenerator[Sale]:
    """The same sale, at a live install that hears of its payments."""
    gateway = RazorpayGateway(
        "rzp_live_x", "s", (_WEBHOOK_SECRET,), "https://api.razorpay.com", "/checkout.js"
    )
    services = build_container(backing, process="test", gateway=gateway)
    yield replace(shop, services=services)
    await services.redis.aclose()
    await services.database.close()


def _paid(order_id: str, mode: str, *, noted_on: str = "payment") -> Webhook:
    """Return the news of a captured payment; the mode comes back with one of the entities."""
    notes = {"surge_mode": mode}
    payment = {
        "id": f"pay_{secrets.token_hex(7)}",
        "order_id": order_id,
        "amount": 52_500,
        "currency": "INR",
        "status": "captured",
        "notes": notes if noted_on == "payment" else [],
    }
    payload: dict[str, object] = {"payment": {"entity": payment}}
    if noted_on == "order":
        payload["order"] = {"entity": {"id": order_id, "notes": notes}}
    body = json.dumps({"event": "order.paid", "payload": payload}).encode()
    signature = hmac.new(_WEBHOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    return Webhook("order.paid", order_id, body, signature, secrets.token_hex(7))


async def _traces(sale: Sale, order_id: str) -> tuple[int, int, int]:
    """Return how many payments, bookings and unmatched payments an order has."""
    rows = await sale.query(
        "SELECT (SELECT count(*) FROM payments p JOIN intents i ON i.id = p.intent_id"
        "  WHERE i.order_id = :id) AS payments,"
        " (SELECT count(*) FROM bookings b JOIN intents i ON i.id = b.intent_id"
        "  WHERE i.order_id = :id) AS bookings,"
        " (SELECT count(*) FROM unmatched_payments WHERE order_id = :id) AS unmatched",
        id=order_id,
    )
    return rows[0]["payments"], rows[0]["bookings"], rows[0]["unmatched"]


@pytest.mark.parametrize("noted_on", ["payment", "order"])
async def test_a_webhook_of_test_money_is_kept_but_settles_nothing_at_a_live_install(
    shop: Sale, live: Sale, noted_on: str
) -> None:
    intent, visitor = await shop.hold()
    order_id = (await shop.start_payment(intent.id, visitor)).order_id
    assert order_id is not None
    played = _paid(order_id, "test", noted_on=noted_on)
    await live.deliver(played)
    stored = await live.query(
        "SELECT outcome, processed_at FROM webhook_inbox WHERE event_id = :id", id=played.event_id
    )
    assert stored[0]["processed_at"] is not None
    assert "test mode" in stored[0]["outcome"]
    assert await _traces(live, order_id) == (0, 0, 0)
    assert await live.counts() == {"available": 2, "held": 1, "sold": 0, "withdrawn": 0}
    # The same news of real money is settled: it was the mode that kept the other out.
    await live.deliver(_paid(order_id, "live", noted_on=noted_on))
    assert await _traces(live, order_id) == (1, 1, 0)
    assert await live.counts() == {"available": 2, "held": 0, "sold": 1, "withdrawn": 0}
    assert await live.violations() == []


async def test_test_money_of_an_order_nobody_knows_leaves_no_trace_at_a_live_install(
    live: Sale,
) -> None:
    order_id = f"order_{secrets.token_hex(7)}"
    await live.deliver(_paid(order_id, "test"))
    assert await _traces(live, order_id) == (0, 0, 0)
    await live.deliver(_paid(order_id, "live"))
    assert await _traces(live, order_id) == (0, 0, 1)
