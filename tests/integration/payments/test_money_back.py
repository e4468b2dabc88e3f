"""Money that buys nothing, or is given back: late, wrong, or as the organizer wishes."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from surge_app.container import Container
from surge_app.services.vendors.ports import GatewayRefund, GatewayRefundStatus
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from tests.conftest import NewBuyer, NewSale, Surge, eventually


async def test_an_authorized_payment_that_comes_late_takes_the_tickets_before_the_money(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    await buyer.http.delete(f"/api/intents/{intent['id']}")
    fields = await buyer.attempt(str(order["order_id"]), outcome="authorized", webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_an_authorized_payment_with_nothing_left_is_left_to_return_by_itself(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    late = new_buyer(slug)
    intent, order = await late.order()
    await late.http.delete(f"/api/intents/{intent['id']}")
    await late.http.delete(f"/api/queue/{slug}")
    await new_buyer(slug).buy()
    fields = await late.attempt(str(order["order_id"]), outcome="authorized", webhook="none")
    assert (await late.callback(fields)).json() == {"booking_ref": None, "status": "refunding"}
    stats = await services.dashboard.stats(slug)
    assert (stats.sold, stats.bookings) == (1, 1)


async def test_money_after_expiry_gets_the_tickets_while_some_are_left(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    await buyer.http.delete(f"/api/intents/{intent['id']}")
    fields = await buyer.attempt(str(order["order_id"]), webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_money_after_everything_is_sold_is_refunded_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=1)
    late = new_buyer(slug)
    intent, order = await late.order()
    await late.http.delete(f"/api/intents/{intent['id']}")
    await late.http.delete(f"/api/queue/{slug}")
    await new_buyer(slug).buy()
    fields = await late.attempt(str(order["order_id"]), webhook="duplicate")
    outcome = (await late.callback(fields)).json()
    assert outcome == {"booking_ref": None, "status": "refunding"}
    payment_path = f"/sandbox/razorpay/v1/payments/{fields['razorpay_payment_id']}"
    keys = sandbox_keys(services.settings)
    auth = (keys.razorpay_key_id, keys.razorpay_key_secret)

    async def is_refunded() -> bool:
        payment = (await late.http.get(payment_path, auth=auth)).json()
        return payment["amount_refunded"] == order["amount_paise"]

    await eventually(is_refunded, about="the refund")
    refunds = (await late.http.get(f"{payment_path}/refunds", auth=auth)).json()
    assert refunds["count"] == 1
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_small_refund_made_in_the_dashboard_closes_none_of_ours(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    payment_id = (await services.tickets.view(ref)).payment_id
    foreign = GatewayRefund(
        f"rfnd_{secrets.token_hex(7)}", payment_id, 100, GatewayRefundStatus.PROCESSED
    )
    await buyer.http.post(f"/api/admin/bookings/{ref}/refund", auth=surge.organizer)
    assert await services.refunds.record_gateway_refund(foreign) == "unmatched"

    async def is_refunded() -> bool:
        return (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == "refunded"

    await eventually(is_refunded, about="our own refund")
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


@pytest.mark.parametrize("amount_paise", [100, 52_499, 52_501])
async def test_a_wrong_amount_is_refunded_and_the_hold_stays(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container, amount_paise: int
) -> None:
    slug = await new_sale(units=1)
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    fields = await buyer.attempt(str(order["order_id"]), webhook="none", amount_paise=amount_paise)
    assert (await buyer.callback(fields)).json()["status"] == "refunding"
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["status"] == "paying"
    stats = await services.dashboard.stats(slug)
    assert (stats.held, stats.sold, stats.bookings) == (1, 0, 0)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_refund_by_the_organizer_voids_the_tickets_and_restocks(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=2)
    buyer = new_buyer(slug)
    ref = await buyer.buy(quantity=2)
    path = f"/api/admin/bookings/{ref}/refund"
    answers = await asyncio.gather(*(buyer.http.post(path, auth=surge.organizer) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409]

    async def is_refunded() -> bool:
        return (await buyer.http.get(f"/api/bookings/{ref}")).json()["status"] == "refunded"

    await eventually(is_refunded, about="the refund")
    assert (await services.dashboard.stats(slug)).available == 2
    assert all(finding.holds for finding in await services.audit.run(slug=slug))
