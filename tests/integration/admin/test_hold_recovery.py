"""Holds that ended: who had them, and holding the same tickets again."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.errors import (
    AllHeld,
    BuyerLimit,
    IntentExists,
    NotEnoughLeft,
    NotFound,
    NotOnSale,
    NotRestorable,
)
from surge_app.services.checkout.views import IntentView, OrderLine
from tests.conftest import NewBuyer, NewSale, Surge
from tests.integration.inventory_helper import ACTOR, counts, hold, is_clean, tier_of, trail


async def _expired(services: Container, slug: str, quantity: int = 2) -> tuple[IntentView, str]:
    intent, visitor = await hold(services, slug, quantity)
    await _end(services, intent.id)
    return intent, visitor


async def _end(services: Container, intent_id: str) -> None:
    query = "UPDATE intents SET expires_at = hold_clock() - interval '1 hour' WHERE id = :id"
    async with services.database.transaction() as session:
        await session.execute(text(query), {"id": intent_id})
    await services.intents.expire_due(paying_slack=timedelta())


async def test_an_expired_hold_is_revived_with_its_price_and_its_way_back(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=5)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(2)).json()
    await _end(services, intent["id"])
    await services.waiting_room.leave(slug, await _visitor_of(services, intent["id"]))
    await services.inventory.change_tier(slug, "General", {"price_paise": 90_000}, actor=ACTOR)
    path = f"/api/admin/intents/{intent['id']}/revive"
    revived = await buyer.http.post(path, auth=surge.organizer)
    assert revived.status_code == 200, revived.text
    assert revived.json()["status"] == "held"
    assert revived.json()["total_paise"] == intent["total_paise"]
    assert 290 <= revived.json()["remaining_seconds"] <= 300
    assert await counts(services, slug) == (3, 2, 0, 5)
    assert (await buyer.poll())["state"] == "admitted"
    order = (await buyer.start_payment(intent["id"])).json()
    outcome = (await buyer.callback(await buyer.attempt(order["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    again = await buyer.http.post(path, auth=surge.organizer)
    assert (again.status_code, again.json()["code"]) == (409, "not_revivable")
    (*_, told) = await trail(services, slug)
    assert (told[1], told[2]["status"], told[3]["status"]) == ("intent.revive", "expired", "held")
    assert await is_clean(services, slug)


async def _visitor_of(services: Container, intent_id: str) -> str:
    async with services.database.transaction() as session:
        query = text("SELECT visitor_id FROM intents WHERE id = :id")
        return str((await session.execute(query, {"id": intent_id})).scalar_one())


async def test_who_was_paying_pays_the_same_order_after_a_revival(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=5)
    buyer = new_buyer(slug)
    intent, order = await buyer.order(2)
    await _end(services, str(intent["id"]))
    view = await services.hold_recovery.restore(str(intent["id"]), actor=ACTOR)
    assert view.status == "paying"
    again = (await buyer.start_payment(str(intent["id"]))).json()
    assert again["order_id"] == order["order_id"]
    outcome = (await buyer.callback(await buyer.attempt(again["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    assert await is_clean(services, slug)


async def test_a_revival_is_refused_with_a_reason_and_takes_nothing(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=4)
    ended, visitor = await _expired(services, slug)
    tier = await tier_of(services, slug)
    with pytest.raises(NotRestorable):
        await services.hold_recovery.restore((await hold(services, slug, 1))[0].id, actor=ACTOR)
    other, _ = await services.intents.start(slug, visitor, [OrderLine(tier.id, 1)])
    with pytest.raises(IntentExists):
        await services.hold_recovery.restore(ended.id, actor=ACTOR)
    await services.intents.release(other.id, visitor)
    await hold(services, slug, 2)
    with pytest.raises(NotEnoughLeft) as short:
        await services.hold_recovery.restore(ended.id, actor=ACTOR)
    assert short.value.details["left"] == 1
    await hold(services, slug, 1)
    with pytest.raises(AllHeld):
        await services.hold_recovery.restore(ended.id, actor=ACTOR)
    with pytest.raises(NotFound):
        await services.hold_recovery.restore(new_id(), actor=ACTOR)
    await services.organizer.change(slug, {"sales_close_at": utc_now()}, actor=ACTOR)
    with pytest.raises(NotOnSale):
        await services.hold_recovery.restore(ended.id, actor=ACTOR)
    assert await counts(services, slug) == (0, 4, 0, 4)
    assert await is_clean(services, slug)


async def test_a_revival_keeps_to_the_limit_of_a_person(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10, max_per_person=3)
    asha = {"email": f"asha-{slug}@example.com", "phone": "+919812345678"}
    first, second = new_buyer(slug), new_buyer(slug)
    for buyer in (first, second):
        await buyer.join()
    ended = (await first.hold(2)).json()
    await first.start_payment(ended["id"], **asha)
    await _end(services, ended["id"])
    live = (await second.hold(2)).json()
    started = await second.start_payment(live["id"], **asha)
    # Only what is paid counts: an unpaid order may be in anyone's name.
    await second.callback(await second.attempt(str(started.json()["order_id"])))
    with pytest.raises(BuyerLimit):
        await services.hold_recovery.restore(ended["id"], actor=ACTOR)
    assert await counts(services, slug) == (8, 0, 2, 10)


async def test_many_revivals_at_once_hold_once(new_sale: NewSale, services: Container) -> None:
    slug = await new_sale(units=5)
    ended, _ = await _expired(services, slug)

    async def revive() -> int:
        try:
            await services.hold_recovery.restore(ended.id, actor=ACTOR)
        except NotRestorable:
            return 0
        return 1

    assert sum(await asyncio.gather(*(revive() for _ in range(10)))) == 1
    assert await counts(services, slug) == (3, 2, 0, 5)


async def test_an_organizer_pages_through_who_was_too_late(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=10)
    ended = [(await _expired(services, slug, 1))[0].id for _ in range(5)]
    http, path = new_buyer(slug).http, f"/api/admin/events/{slug}/intents"
    seen: list[str] = []
    query: dict[str, object] = {"status": "expired", "limit": 2}
    while True:
        page = (await http.get(path, params=query, auth=surge.organizer)).json()
        seen += [intent["id"] for intent in page["intents"]]
        if page["next_before"] is None:
            break
        query["before"] = page["next_before"]
    assert seen == ended[::-1]
    assert (await http.get(path)).status_code == 401
    odd = await http.get(path, params={"status": "lost"}, auth=surge.organizer)
    assert odd.status_code == 422


async def test_the_contact_of_who_was_too_late_is_listed(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(2)).json()
    await buyer.start_payment(intent["id"], email="asha@example.com", phone="+919812345678")
    await _end(services, intent["id"])
    path = f"/api/admin/events/{slug}/intents"
    (listed,) = (await buyer.http.get(path, auth=surge.organizer)).json()["intents"]
    assert (listed["email"], listed["phone"]) == ("asha@example.com", "+919812345678")
    assert (listed["lines"][0]["quantity"], listed["total_paise"]) == (2, 102_500)
    assert listed["order_id"] is not None
    assert listed["ended_at"] is not None
