"""The order of a hold: the same one on every repeat, and one charge."""

from __future__ import annotations

import asyncio

from surge_app.container import Container
from tests.conftest import Customer, NewBuyer, NewSale


async def test_the_order_is_the_same_on_every_repeat_and_its_window_never_grows(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    before = (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["expires_at"]
    contact = {"email": "again@example.com", "phone": "+919822012345"}
    repeats = await asyncio.gather(
        *(buyer.start_payment(str(intent["id"]), **contact) for _ in range(5))
    )
    assert {answer.json()["order_id"] for answer in repeats} == {order["order_id"]}
    assert (await buyer.http.get(f"/api/intents/{intent['id']}")).json()["expires_at"] == before


async def test_parallel_first_starts_share_one_order(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    contact = {"email": "tabs@example.com", "phone": "+919822054321"}
    answers = await asyncio.gather(
        *(buyer.start_payment(intent["id"], **contact) for _ in range(8))
    )
    assert len({answer.json()["order_id"] for answer in answers}) == 1


async def test_twenty_clicks_two_tabs_and_the_back_button_make_one_charge(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=4)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    contact = {"email": "clicks@example.com", "phone": "+919822033333"}
    started = await asyncio.gather(
        *(buyer.start_payment(intent["id"], **contact) for _ in range(20))
    )
    orders = {answer.json()["order_id"] for answer in started}
    assert len(orders) == 1
    first_tab, second_tab = buyer, Customer(buyer.http, slug)
    fields = await first_tab.attempt(orders.pop())
    callbacks = await asyncio.gather(
        *(tab.callback(fields) for tab in (first_tab, second_tab) for _ in range(5))
    )
    refs = {answer.json()["booking_ref"] for answer in callbacks}
    assert len(refs) == 1
    back = await second_tab.start_payment(intent["id"], **contact)
    assert (back.status_code, back.json()["order_id"], back.json()["amount_paise"]) == (
        200,
        None,
        0,
    )
    assert {back.json()["booking_ref"]} == refs
    stats = await services.dashboard.stats(slug)
    assert (stats.bookings, stats.sold, stats.revenue_paise) == (1, 1, 52_500)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_a_second_order_waits_until_the_first_payment_is_known(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=4)
    buyer = new_buyer(slug)
    contact = {"email": "hasty@example.com", "phone": "+919822044444"}
    await buyer.join()
    intent = (await buyer.hold()).json()["id"]
    order = (await buyer.start_payment(intent, **contact)).json()["order_id"]
    await buyer.attempt(order, webhook="none")
    await buyer.http.delete(f"/api/intents/{intent}")
    again = (await buyer.hold()).json()["id"]
    refused = await buyer.start_payment(again, **contact)
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_being_checked")
    ref = refused.json()["booking_ref"]
    assert (await services.tickets.view(ref)).status == "confirmed"


async def test_orders_that_outlive_their_holds_buy_no_more_than_one_person_may(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=20, max_per_person=2)
    buyer = new_buyer(slug)
    contact = {"email": "collector@example.com", "phone": "+919822077777"}
    orders: list[str] = []
    for _ in range(3):
        await buyer.join()
        intent = (await buyer.hold(quantity=2)).json()["id"]
        orders.append((await buyer.start_payment(intent, **contact)).json()["order_id"])
        await buyer.http.delete(f"/api/intents/{intent}")
    outcomes = [
        (await buyer.callback(await buyer.attempt(order, webhook="none"))).json()["status"]
        for order in orders
    ]
    assert outcomes == ["confirmed", "refunding", "refunding"]
    assert (await services.dashboard.stats(slug)).sold == 2
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_the_order_of_a_changed_hold_has_the_new_total(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=1)).json()
    line = {"tier_id": intent["lines"][0]["tier_id"], "quantity": 3}
    path = f"/api/intents/{intent['id']}"
    contact = {"email": "changer@example.com", "phone": "+919822066666"}
    started, changed = await asyncio.gather(
        buyer.start_payment(intent["id"], **contact),
        buyer.http.put(f"{path}/lines", json={"lines": [line]}),
    )
    total = (await buyer.http.get(path)).json()["total_paise"]
    assert started.json()["amount_paise"] == total
    assert changed.status_code in {200, 409}
    fields = await buyer.attempt(started.json()["order_id"], webhook="none")
    assert (await buyer.callback(fields)).json()["status"] == "confirmed"
    assert all(finding.holds for finding in await services.audit.run(slug=slug))
