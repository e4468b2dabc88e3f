"""An outage of the gateway as an attendee lives through it, over real HTTP."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from surge_app.container import Container
from surge_app.providers import RazorpayGateway
from surge_app.services.vendors.circuit_breaker import CircuitBreaker, GuardedGateway
from surge_app.services.vendors.ports import ProviderError
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually


@pytest_asyncio.fixture(autouse=True)
async def all_is_well_again(surge: Surge, services: Container) -> AsyncGenerator[None]:
    yield
    async with httpx.AsyncClient(base_url=surge.url) as http:
        await _fault(http, "ok")

        async def is_over() -> bool:
            return await _open_since(services) is None

        await eventually(is_over, about="the end of the outage")
    async with services.database.transaction() as session:
        # What one test froze must not be taken off what the next may freeze.
        await session.execute(text("DELETE FROM gateway_outages"))


async def _fault(http: httpx.AsyncClient, mode: str) -> None:
    wanted = {"service": "razorpay", "mode": mode, "seconds": 600}
    (await http.post("/sandbox/faults", json=wanted)).raise_for_status()


async def _open_since(services: Container) -> datetime | None:
    async with services.database.transaction() as session:
        return await session.scalar(
            text("SELECT opened_at FROM gateway_outages WHERE closed_at IS NULL")
        )


async def _deadline(services: Container, intent_id: str) -> datetime:
    async with services.database.transaction() as session:
        return (
            await session.execute(
                text("SELECT expires_at FROM intents WHERE id = :id"), {"id": intent_id}
            )
        ).scalar_one()


async def _pay_until_paused(buyer: Customer, intent_id: str) -> dict[str, Any]:
    """Press Pay until the answer is the notice, and return that."""
    found: dict[str, Any] = {}

    async def is_paused() -> bool:
        answer = await buyer.start_payment(intent_id)
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
        found.update(answer.json(), header=answer.headers.get("retry-after"))
        return "retry_after_seconds" in answer.json()

    await eventually(is_paused, about="the pause")
    return found


async def _held(buyer: Customer) -> dict[str, Any]:
    await buyer.join()
    answer = await buyer.hold()
    answer.raise_for_status()
    return answer.json()


@pytest.mark.parametrize("mode", ["down", "http_502_html"])
async def test_payments_pause_the_clock_stops_and_both_go_on(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container, mode: str
) -> None:
    slug = await new_sale(units=200)
    buyer = new_buyer(slug)
    intent = await _held(buyer)
    path = f"/api/intents/{intent['id']}"
    assert (intent["payments_paused"], intent["clock_stopped"]) == (False, False)
    deadline = await _deadline(services, intent["id"])

    await _fault(buyer.http, mode)
    problem = await _pay_until_paused(buyer, intent["id"])
    assert "clock is stopped" in problem["title"]
    assert problem["header"] == str(problem["retry_after_seconds"])
    opened_at = await _open_since(services)
    assert opened_at is not None
    left = math.ceil((deadline - opened_at).total_seconds())
    for answer in (await buyer.http.get(path), await buyer.http.post(f"{path}/heartbeat")):
        seen = answer.json()
        assert (seen["status"], seen["remaining_seconds"]) == ("held", left)
        assert (seen["payments_paused"], seen["clock_stopped"]) == (True, True)
    assert await _deadline(services, intent["id"]) == deadline

    async def is_told_at_once() -> bool:
        late = await _held(new_buyer(slug))
        return late["payments_paused"] and late["clock_stopped"]

    # Each process looks once a second.
    await eventually(is_told_at_once, about="the word to who comes late")

    stats = await buyer.http.get(f"/api/admin/events/{slug}/stats", auth=surge.organizer)
    assert datetime.fromisoformat(stats.json()["gateway_down_since"]) == opened_at
    assert (await buyer.http.get("/api/readyz")).status_code == 200

    async def is_measured() -> bool:
        return "surge_gateway_up 0.0" in (await buyer.http.get("/metrics")).text

    await eventually(is_measured, about="the metric")

    await _fault(buyer.http, "ok")

    async def can_pay() -> bool:
        return (await buyer.start_payment(intent["id"])).is_success

    async def is_over() -> bool:
        return await _open_since(services) is None

    await eventually(is_over, about="the end of the outage")
    async with services.database.transaction() as session:
        stood = (
            await session.execute(
                text("SELECT closed_at - opened_at FROM gateway_outages ORDER BY opened_at DESC")
            )
        ).scalar_one()
    assert await _deadline(services, intent["id"]) == deadline + stood
    await eventually(can_pay, about="the payment")
    seen = (await buyer.http.get(path)).json()
    assert (seen["payments_paused"], seen["clock_stopped"]) == (False, False)
    started = (await buyer.start_payment(intent["id"])).json()
    outcome = await buyer.callback(await buyer.attempt(started["order_id"]))
    assert outcome.json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_gateway_that_throttles_stops_no_clock_and_opens_no_outage(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    buyer = new_buyer(await new_sale())
    intent = await _held(buyer)
    deadline = await _deadline(services, intent["id"])
    await _fault(buyer.http, "http_429")
    # More than enough to open an outage, if they were failures.
    for _ in range(30):
        answer = await buyer.start_payment(intent["id"])
        assert (answer.status_code, answer.json()["code"]) == (503, "gateway_unavailable")
    assert await _open_since(services) is None
    seen = (await buyer.http.get(f"/api/intents/{intent['id']}")).json()
    assert (seen["payments_paused"], seen["clock_stopped"]) == (False, False)
    assert await _deadline(services, intent["id"]) == deadline
    await _fault(buyer.http, "ok")
    started = (await buyer.start_payment(intent["id"])).raise_for_status().json()
    outcome = await buyer.callback(await buyer.attempt(started["order_id"]))
    assert outcome.json()["status"] == "confirmed"


async def test_a_gateway_that_hangs_for_one_process_pauses_payments_for_all(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent = await _held(buyer)
    keys = sandbox_keys(surge.settings)
    vendor = RazorpayGateway(
        keys.razorpay_key_id,
        keys.razorpay_key_secret,
        keys.razorpay_webhook_secrets,
        f"{surge.url}/sandbox/razorpay",
        "",
        timeouts=(1.0, 0.3),
    )
    gateway = GuardedGateway(vendor, CircuitBreaker(services.database, vendor))
    await _fault(buyer.http, "hang")
    calls = [
        gateway.create_order(receipt=f"{intent['id']}-{number}", amount_paise=100, currency="INR")
        for number in range(3)
    ]
    errors = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(error, ProviderError) for error in errors)
    assert await _open_since(services) is not None

    async def is_paused() -> bool:
        seen = (await buyer.http.get(f"/api/intents/{intent['id']}")).json()
        return seen["payments_paused"] and seen["clock_stopped"]

    await eventually(is_paused, about="the pause")
    await _fault(buyer.http, "ok")

    async def can_pay() -> bool:
        return (await buyer.start_payment(intent["id"])).is_success

    await eventually(can_pay, about="the payment")


async def test_an_order_that_exists_is_not_paid_while_payments_pause(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale()
    buyer, other = new_buyer(slug), new_buyer(slug)
    intent, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), webhook="none")
    intent_of_other = await _held(other)
    await _fault(buyer.http, "down")
    await _pay_until_paused(other, intent_of_other["id"])

    async def is_refused() -> bool:
        return (await buyer.start_payment(str(intent["id"]))).status_code == 503

    # Each process looks once a second, and this may be another than the one that has answered.
    await eventually(is_refused, about="the pause in every process")
    # Money that moved already is taken in, as soon as the gateway can be asked.
    assert (await buyer.callback(fields)).json()["booking_ref"] is None
    await _fault(buyer.http, "ok")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))
