"""How much is on sale: stock that comes and goes beside holds, prices that change."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from surge_app.container import Container
from surge_app.errors import (
    AllHeld,
    NotEnoughAvailable,
    NotEnoughLeft,
    SoldOut,
)
from surge_app.services.checkout.views import OrderLine
from surge_app.services.events.new_event import NewTier
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.inventory_helper import (
    ACTOR,
    admitted,
    counts,
    hold,
    is_clean,
    tier_of,
    trail,
)


async def _withdrawn(services: Container, tier_id: str) -> int:
    query = "SELECT count(*) FROM units WHERE tier_id = :tier AND status = 'withdrawn'"
    async with services.database.transaction() as session:
        return int((await session.execute(text(query), {"tier": tier_id})).scalar_one())


async def test_withdrawn_units_are_the_first_to_come_back(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=10)
    assert await services.inventory.withdraw_units(slug, "General", 4, actor=ACTOR) == 6
    assert await counts(services, slug) == (6, 0, 0, 6)
    assert await services.inventory.add_units(slug, "General", 7, actor=ACTOR) == 13
    assert await counts(services, slug) == (13, 0, 0, 13)
    tier = await tier_of(services, slug)
    assert await _withdrawn(services, tier.id) == 0
    assert await is_clean(services, slug)


async def test_what_is_held_or_sold_is_never_withdrawn(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    await new_buyer(slug).buy(2)
    await hold(services, slug, 3)
    with pytest.raises(NotEnoughAvailable) as refused:
        await services.inventory.withdraw_units(slug, "General", 6, actor=ACTOR)
    assert refused.value.details["available"] == 5
    assert await counts(services, slug) == (5, 3, 2, 10)
    await services.inventory.withdraw_units(slug, "General", 5, actor=ACTOR)
    assert await counts(services, slug) == (0, 3, 2, 5)
    assert await is_clean(services, slug)


async def test_a_hold_that_is_being_made_is_passed_over(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=5)
    tier = await tier_of(services, slug)
    async with services.database.transaction() as session:
        query = "SELECT id FROM units WHERE tier_id = :tier ORDER BY number LIMIT 2 FOR UPDATE"
        await session.execute(text(query), {"tier": tier.id})
        with pytest.raises(NotEnoughAvailable) as refused:
            await services.inventory.withdraw_units(slug, tier.id, 4, actor=ACTOR)
        assert refused.value.details["available"] == 3
        assert await services.inventory.withdraw_units(slug, tier.id, 3, actor=ACTOR) == 2


async def test_two_hundred_holders_while_units_come_and_go(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=60, concurrent_buyers=1000)
    tier = await tier_of(services, slug)
    visitors = [await admitted(services, slug) for _ in range(200)]

    async def hold(visitor: str) -> int:
        try:
            await services.intents.start(slug, visitor, [OrderLine(tier.id, 2)])
        except (AllHeld, NotEnoughLeft, SoldOut):
            return 0
        return 2

    async def turn_over() -> int:
        change = 0
        for _ in range(15):
            await services.inventory.add_units(slug, tier.id, 3, actor=ACTOR)
            change += 3
            try:
                await services.inventory.withdraw_units(slug, tier.id, 2, actor=ACTOR)
            except NotEnoughAvailable:
                continue
            change -= 2
        return change

    *held, first, second = await asyncio.gather(
        *(hold(visitor) for visitor in visitors), turn_over(), turn_over()
    )
    available, now_held, sold, capacity = await counts(services, slug)
    assert capacity == 60 + first + second
    assert (now_held, sold) == (sum(held), 0)
    assert available == capacity - now_held
    assert await is_clean(services, slug)


async def test_a_new_price_is_not_the_price_of_who_holds_already(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    before = (await buyer.hold(2)).json()
    await services.inventory.change_tier(slug, "General", {"price_paise": 90_000}, actor=ACTOR)
    again = (await buyer.http.get(f"/api/intents/{before['id']}")).json()
    assert (again["total_paise"], again["lines"]) == (before["total_paise"], before["lines"])
    order = (await buyer.start_payment(before["id"])).json()
    assert order["amount_paise"] == 2 * 50_000 + 2_500
    outcome = (await buyer.callback(await buyer.attempt(order["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    intent, _ = await hold(services, slug, 1)
    assert intent.total_paise == 92_500
    assert await is_clean(services, slug)


async def test_every_change_of_stock_is_told_with_what_was_before(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=10)
    tier = await tier_of(services, slug)
    await services.inventory.add_units(slug, "General", 5, actor=ACTOR)
    await services.inventory.withdraw_units(slug, "General", 1, actor=ACTOR)
    await services.inventory.change_tier(slug, tier.id, {"name": "Hall", "units": 20}, actor=ACTOR)
    _, added, withdrawn, changed = await trail(services, slug)
    named = {"tier_id": tier.id, "name": "General"}
    assert added == (ACTOR, "stock.add", {**named, "capacity": 10}, {**named, "capacity": 15})
    assert withdrawn[1:] == (
        *("stock.withdraw", {**named, "capacity": 15}),
        {**named, "capacity": 14},
    )
    assert changed[2] == {**named, "capacity": 14}
    assert changed[3] == {"tier_id": tier.id, "name": "Hall", "capacity": 20}


async def test_the_capacity_is_set_by_number(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=10)
    await hold(services, slug, 4)
    tier = await tier_of(services, slug)
    http, path = new_buyer(slug).http, f"/api/admin/events/{slug}/tiers/{tier.id}"
    more = await http.patch(path, json={"units": 12}, auth=surge.organizer)
    assert more.json()["tiers"][0]["capacity"] == 12
    refused = await http.patch(path, json={"units": 3}, auth=surge.organizer)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_available")
    assert refused.json()["available"] == 8
    assert await counts(services, slug) == (8, 4, 0, 12)
    nobody = await http.patch(path, json={"units": 3})
    assert nobody.status_code == 401
    nothing = await http.patch(f"{path}x", json={"units": 3}, auth=surge.organizer)
    assert nothing.status_code == 404


async def test_the_command_line_adds_and_withdraws(
    new_sale: NewSale, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=10)
    for change, capacity in (("+5", "15"), ("-3", "12")):
        done = surge.command("event", "stock", slug, "General", change)
        assert (done.returncode, done.stdout.strip()) == (0, capacity), done.stderr
    refused = surge.command("event", "stock", slug, "General", "-13")
    assert refused.returncode == 2
    assert "not_enough_available" in refused.stderr
    assert surge.command("event", "stock", slug, "General", "5").returncode == 2
    assert await counts(services, slug) == (12, 0, 0, 12)


async def test_a_refused_group_is_told_what_each_tier_is_short_of(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(tiers=(NewTier("Stalls", 50_000, 3), NewTier("Balcony", 60_000, 1)))
    buyer = new_buyer(slug)
    await buyer.join()
    short = await buyer.hold(4)
    stalls, balcony = [tier.id for tier in (await services.catalog.event(slug)).tiers]
    assert (short.status_code, short.json()["code"]) == (409, "not_enough_left")
    assert (short.json()["left"], short.json()["tier_id"]) == (3, stalls)
    assert short.json()["shortages"] == [{"tier_id": stalls, "wanted": 4, "left": 3}]
    selection = {
        "lines": [{"tier_id": stalls, "quantity": 4}, {"tier_id": balcony, "quantity": 2}],
    }
    both = await buyer.http.post(f"/api/events/{slug}/intents", json=selection)
    assert both.json()["shortages"] == [
        {"tier_id": stalls, "wanted": 4, "left": 3},
        {"tier_id": balcony, "wanted": 2, "left": 1},
    ]
    intent = (await buyer.hold(3)).json()
    more = await buyer.http.put(f"/api/intents/{intent['id']}/lines", json=selection)
    assert (more.status_code, more.json()["shortages"][0]["left"]) == (409, 3)
    assert (await services.dashboard.stats(slug)).held == 3
