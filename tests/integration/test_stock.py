"""What is on sale, when, and how much of it: tiers with rules of their own, stock that changes."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from surge_app.clock import new_id, utc_now
from surge_app.container import Container
from surge_app.errors import (
    AllHeld,
    IntentExists,
    NotEnoughAvailable,
    NotEnoughLeft,
    NotFound,
    NotOnSale,
    NotRevivable,
    PersonLimit,
    SoldOut,
)
from surge_app.kv import keys
from surge_app.services.offers import NewTier
from surge_app.services.views import IntentView, Line, TierView
from tests.conftest import NewBuyer, NewSale, Surge, eventually

HOUR = timedelta(hours=1)
ACTOR = "test"


async def _tier(services: Container, slug: str, at: int = 0) -> TierView:
    services.catalog.forget()
    return (await services.catalog.event(slug)).tiers[at]


async def _counts(services: Container, slug: str) -> tuple[int, int, int, int]:
    tier = await _tier(services, slug)
    return tier.available, tier.held, tier.sold, tier.capacity


async def _withdrawn(services: Container, tier_id: str) -> int:
    query = "SELECT count(*) FROM units WHERE tier_id = :tier AND status = 'withdrawn'"
    async with services.database.transaction() as session:
        return int((await session.execute(text(query), {"tier": tier_id})).scalar_one())


async def _trail(services: Container, slug: str) -> list[tuple[str, str, Any, Any]]:
    query = "SELECT actor, action, before, after FROM audit_log WHERE subject = :slug ORDER BY at"
    async with services.database.transaction() as session:
        rows = await session.execute(text(query), {"slug": slug})
        return [tuple(row) for row in rows]


async def _admitted(services: Container, slug: str) -> str:
    visitor = new_id()
    until = (utc_now() + HOUR).timestamp() * 1000
    await services.redis.zadd(keys.part(slug, "passes"), {visitor: until})
    return visitor


async def _hold(services: Container, slug: str, quantity: int) -> tuple[IntentView, str]:
    visitor = await _admitted(services, slug)
    tier = await _tier(services, slug)
    intent, _ = await services.intents.start(slug, visitor, [Line(tier.id, quantity)])
    return intent, visitor


async def _is_clean(services: Container, slug: str) -> bool:
    return all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_the_line_lets_nobody_in_for_a_tier_that_is_not_open(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    now = utc_now()
    slug = await new_sale(
        tiers=(
            NewTier("Early", 40_000, 3, sales_close_at=now - HOUR),
            NewTier("Now", 50_000, 1),
            NewTier("Late", 60_000, 5, sales_open_at=now + HOUR),
        )
    )
    first, second = new_buyer(slug), new_buyer(slug)
    assert (await first.join())["state"] == "admitted"
    held = await first.hold(tier=1)
    assert held.status_code == 201
    assert (await second.join())["state"] == "waiting"
    event = (await first.http.get(f"/api/events/{slug}")).json()
    words = [tier["status"] for tier in event["tiers"]]
    assert words[0] == "ended"
    assert words[1] in {"on_sale", "all_held"}
    assert words[2] == "scheduled"


async def test_a_sale_whose_open_tiers_are_gone_waits_for_the_next(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(
        tiers=(
            NewTier("Now", 50_000, 1),
            NewTier("Late", 60_000, 5, sales_open_at=utc_now() + HOUR),
        )
    )
    buyer, later = new_buyer(slug), new_buyer(slug)
    await buyer.buy()

    async def waits() -> bool:
        return (await later.join())["state"] == "scheduled"

    async def is_told() -> bool:
        event = (await buyer.http.get(f"/api/events/{slug}")).json()
        return event["status"] == "scheduled"

    await eventually(waits, about="waiting for the next tier")
    await eventually(is_told, about="the sale being told as scheduled")


async def test_a_limit_per_person_below_what_a_booking_needs_is_refused(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge
) -> None:
    slug = await new_sale(tiers=(NewTier("Pair", 50_000, 10, min_per_booking=2),))
    http = new_buyer(slug).http
    answer = await http.patch(
        f"/api/admin/events/{slug}", json={"max_per_person": 1}, auth=surge.organizer
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "Pair" in answer.json()["title"]


async def test_the_command_line_and_the_api_take_the_same_rules_of_a_tier(
    new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = f"rules-{secrets.token_hex(4)}"
    opens, closes = "2027-01-02T10:00:00+05:30", "2027-02-02T10:00:00+05:30"
    made = surge.command(
        *("event", "create", "--slug", slug, "--name", "Rules", "--venue", "Hall"),
        *("--starts-at", "2027-03-06T19:00:00+05:30"),
        *("--tier", f"Early: bird:0:5:min=2:max=4:opens={opens}:closes={closes}"),
        *("--tier", "General:50000:10"),
    )
    assert made.returncode == 2, "a name may not hold the separator"
    made = surge.command(
        *("event", "create", "--slug", slug, "--name", "Rules", "--venue", "Hall"),
        *("--starts-at", "2027-03-06T19:00:00+05:30"),
        *("--tier", f"Early:0:5:min=2:max=4:opens={opens}:closes={closes}"),
        *("--tier", "General:50000:10"),
    )
    assert made.returncode == 0, made.stderr
    http = new_buyer(slug).http
    body = {
        "slug": f"{slug}-api",
        "name": "Rules",
        "venue": "Hall",
        "starts_at": "2027-03-06T19:00:00+05:30",
        "tiers": [
            {
                "name": "Early",
                "price_paise": 0,
                "units": 5,
                "min_per_booking": 2,
                "max_per_booking": 4,
                "sales_open_at": opens,
                "sales_close_at": closes,
            },
            {"name": "General", "price_paise": 50_000, "units": 10},
        ],
    }
    answer = await http.post("/api/admin/events", json=body, auth=surge.organizer)
    assert answer.status_code == 201, answer.text
    by_api = [_rules(tier) for tier in answer.json()["tiers"]]
    services.catalog.forget()
    by_command = (await http.get(f"/api/events/{slug}")).json()["tiers"]
    assert by_api == [_rules(tier) for tier in by_command]
    assert by_api[0]["all_in_paise"] == 0
    assert (by_api[0]["min_per_booking"], by_api[0]["max_per_booking"]) == (2, 4)
    assert by_api[0]["status"] == "scheduled"


def _rules(tier: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in tier.items() if name != "id"}


async def test_withdrawn_units_are_the_first_to_come_back(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=10)
    assert await services.stock.withdraw_units(slug, "General", 4, actor=ACTOR) == 6
    assert await _counts(services, slug) == (6, 0, 0, 6)
    assert await services.stock.add_units(slug, "General", 7, actor=ACTOR) == 13
    assert await _counts(services, slug) == (13, 0, 0, 13)
    tier = await _tier(services, slug)
    assert await _withdrawn(services, tier.id) == 0
    assert await _is_clean(services, slug)


async def test_what_is_held_or_sold_is_never_withdrawn(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    await new_buyer(slug).buy(2)
    await _hold(services, slug, 3)
    with pytest.raises(NotEnoughAvailable) as refused:
        await services.stock.withdraw_units(slug, "General", 6, actor=ACTOR)
    assert refused.value.details["available"] == 5
    assert await _counts(services, slug) == (5, 3, 2, 10)
    await services.stock.withdraw_units(slug, "General", 5, actor=ACTOR)
    assert await _counts(services, slug) == (0, 3, 2, 5)
    assert await _is_clean(services, slug)


async def test_a_hold_that_is_being_made_is_passed_over(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=5)
    tier = await _tier(services, slug)
    async with services.database.transaction() as session:
        query = "SELECT id FROM units WHERE tier_id = :tier ORDER BY number LIMIT 2 FOR UPDATE"
        await session.execute(text(query), {"tier": tier.id})
        with pytest.raises(NotEnoughAvailable) as refused:
            await services.stock.withdraw_units(slug, tier.id, 4, actor=ACTOR)
        assert refused.value.details["available"] == 3
        assert await services.stock.withdraw_units(slug, tier.id, 3, actor=ACTOR) == 2


async def test_two_hundred_holders_while_units_come_and_go(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=60, concurrent_buyers=1000)
    tier = await _tier(services, slug)
    visitors = [await _admitted(services, slug) for _ in range(200)]

    async def hold(visitor: str) -> int:
        try:
            await services.intents.start(slug, visitor, [Line(tier.id, 2)])
        except (AllHeld, NotEnoughLeft, SoldOut):
            return 0
        return 2

    async def turn_over() -> int:
        change = 0
        for _ in range(15):
            await services.stock.add_units(slug, tier.id, 3, actor=ACTOR)
            change += 3
            try:
                await services.stock.withdraw_units(slug, tier.id, 2, actor=ACTOR)
            except NotEnoughAvailable:
                continue
            change -= 2
        return change

    *held, first, second = await asyncio.gather(
        *(hold(visitor) for visitor in visitors), turn_over(), turn_over()
    )
    available, now_held, sold, capacity = await _counts(services, slug)
    assert capacity == 60 + first + second
    assert (now_held, sold) == (sum(held), 0)
    assert available == capacity - now_held
    assert await _is_clean(services, slug)


async def test_a_new_price_is_not_the_price_of_who_holds_already(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    before = (await buyer.hold(2)).json()
    await services.stock.change_tier(slug, "General", {"price_paise": 90_000}, actor=ACTOR)
    again = (await buyer.http.get(f"/api/intents/{before['id']}")).json()
    assert (again["total_paise"], again["lines"]) == (before["total_paise"], before["lines"])
    order = (await buyer.start_payment(before["id"])).json()
    assert order["amount_paise"] == 2 * 50_000 + 2_500
    outcome = (await buyer.callback(await buyer.attempt(order["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    intent, _ = await _hold(services, slug, 1)
    assert intent.total_paise == 92_500
    assert await _is_clean(services, slug)


async def test_every_change_of_stock_is_told_with_what_was_before(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=10)
    tier = await _tier(services, slug)
    await services.stock.add_units(slug, "General", 5, actor=ACTOR)
    await services.stock.withdraw_units(slug, "General", 1, actor=ACTOR)
    await services.stock.change_tier(slug, tier.id, {"name": "Hall", "units": 20}, actor=ACTOR)
    _, added, withdrawn, changed = await _trail(services, slug)
    named = {"tier_id": tier.id, "name": "General"}
    assert added == (ACTOR, "stock.add", {**named, "capacity": 10}, {**named, "capacity": 15})
    assert withdrawn[1:] == (
        *("stock.withdraw", {**named, "capacity": 15}),
        {**named, "capacity": 14},
    )
    assert changed[2] == {**named, "capacity": 14}
    assert changed[3] == {"tier_id": tier.id, "name": "Hall", "capacity": 20}


async def test_a_tier_is_added_and_closed_during_the_sale(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=2)
    http = new_buyer(slug).http
    base = f"/api/admin/events/{slug}/tiers"
    body = {"name": "Balcony", "price_paise": 70_000, "units": 3, "max_per_booking": 2}
    made = await http.post(base, json=body, auth=surge.organizer)
    assert made.status_code == 201, made.text
    balcony = made.json()["tiers"][1]
    assert (balcony["name"], balcony["available"]) == ("Balcony", 3)
    twice = await http.post(base, json=body, auth=surge.organizer)
    assert (twice.status_code, twice.json()["code"]) == (422, "invalid_request")
    closed = await http.post(f"{base}/{balcony['id']}/close", auth=surge.organizer)
    assert [tier["status"] for tier in closed.json()["tiers"]] == ["on_sale", "ended"]
    opened = await http.patch(
        f"{base}/{balcony['id']}", json={"sales_close_at": None}, auth=surge.organizer
    )
    assert opened.json()["tiers"][1]["status"] == "on_sale"
    assert await _is_clean(services, slug)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"price_paise": 50}, 422, "invalid_request"),
        ({"units": -1}, 422, "invalid_request"),
        ({"units": 1_000_001}, 422, "invalid_request"),
        ({"min_per_booking": 7}, 422, "invalid_request"),
        ({"min_per_booking": 3, "max_per_booking": 2}, 422, "invalid_request"),
        ({"name": " "}, 422, "invalid_request"),
        ({"name": "Other"}, 422, "invalid_request"),
        ({"name": None}, 422, "invalid_request"),
        ({"capacity": 3}, 422, "invalid_request"),
        ({"sales_close_at": "2099-01-01T00:00:00Z"}, 422, "invalid_request"),
    ],
)
async def test_a_change_that_makes_no_sense_leaves_the_tier_as_it_was(
    new_sale: NewSale,
    new_buyer: NewBuyer,
    surge: Surge,
    services: Container,
    changes: dict[str, object],
    status: int,
    code: str,
) -> None:
    slug = await new_sale(tiers=(NewTier("General", 50_000, 5), NewTier("Other", 50_000, 5)))
    before = await _tier(services, slug)
    answer = await new_buyer(slug).http.patch(
        f"/api/admin/events/{slug}/tiers/{before.id}", json=changes, auth=surge.organizer
    )
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await _tier(services, slug) == before


async def test_the_capacity_is_set_by_number(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale(units=10)
    await _hold(services, slug, 4)
    tier = await _tier(services, slug)
    http, path = new_buyer(slug).http, f"/api/admin/events/{slug}/tiers/{tier.id}"
    more = await http.patch(path, json={"units": 12}, auth=surge.organizer)
    assert more.json()["tiers"][0]["capacity"] == 12
    refused = await http.patch(path, json={"units": 3}, auth=surge.organizer)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_available")
    assert refused.json()["available"] == 8
    assert await _counts(services, slug) == (8, 4, 0, 12)
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
    assert await _counts(services, slug) == (12, 0, 0, 12)


async def _expired(services: Container, slug: str, quantity: int = 2) -> tuple[IntentView, str]:
    intent, visitor = await _hold(services, slug, quantity)
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
    await services.stock.change_tier(slug, "General", {"price_paise": 90_000}, actor=ACTOR)
    path = f"/api/admin/intents/{intent['id']}/revive"
    revived = await buyer.http.post(path, auth=surge.organizer)
    assert revived.status_code == 200, revived.text
    assert revived.json()["status"] == "held"
    assert revived.json()["total_paise"] == intent["total_paise"]
    assert 290 <= revived.json()["remaining_seconds"] <= 300
    assert await _counts(services, slug) == (3, 2, 0, 5)
    assert (await buyer.poll())["state"] == "admitted"
    order = (await buyer.start_payment(intent["id"])).json()
    outcome = (await buyer.callback(await buyer.attempt(order["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    again = await buyer.http.post(path, auth=surge.organizer)
    assert (again.status_code, again.json()["code"]) == (409, "not_revivable")
    (*_, told) = await _trail(services, slug)
    assert (told[1], told[2]["status"], told[3]["status"]) == ("intent.revive", "expired", "held")
    assert await _is_clean(services, slug)


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
    view = await services.revivals.revive(str(intent["id"]), actor=ACTOR)
    assert view.status == "paying"
    again = (await buyer.start_payment(str(intent["id"]))).json()
    assert again["order_id"] == order["order_id"]
    outcome = (await buyer.callback(await buyer.attempt(again["order_id"]))).json()
    assert outcome["status"] == "confirmed"
    assert await _is_clean(services, slug)


async def test_a_revival_is_refused_with_a_reason_and_takes_nothing(
    new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale(units=4)
    ended, visitor = await _expired(services, slug)
    tier = await _tier(services, slug)
    with pytest.raises(NotRevivable):
        await services.revivals.revive((await _hold(services, slug, 1))[0].id, actor=ACTOR)
    other, _ = await services.intents.start(slug, visitor, [Line(tier.id, 1)])
    with pytest.raises(IntentExists):
        await services.revivals.revive(ended.id, actor=ACTOR)
    await services.intents.release(other.id, visitor)
    await _hold(services, slug, 2)
    with pytest.raises(NotEnoughLeft) as short:
        await services.revivals.revive(ended.id, actor=ACTOR)
    assert short.value.details["left"] == 1
    await _hold(services, slug, 1)
    with pytest.raises(AllHeld):
        await services.revivals.revive(ended.id, actor=ACTOR)
    with pytest.raises(NotFound):
        await services.revivals.revive(new_id(), actor=ACTOR)
    await services.organizer.change(slug, {"sales_close_at": utc_now()}, actor=ACTOR)
    with pytest.raises(NotOnSale):
        await services.revivals.revive(ended.id, actor=ACTOR)
    assert await _counts(services, slug) == (0, 4, 0, 4)
    assert await _is_clean(services, slug)


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
    assert (await second.start_payment(live["id"], **asha)).status_code == 200
    with pytest.raises(PersonLimit):
        await services.revivals.revive(ended["id"], actor=ACTOR)
    assert await _counts(services, slug) == (8, 2, 0, 10)


async def test_many_revivals_at_once_hold_once(new_sale: NewSale, services: Container) -> None:
    slug = await new_sale(units=5)
    ended, _ = await _expired(services, slug)

    async def revive() -> int:
        try:
            await services.revivals.revive(ended.id, actor=ACTOR)
        except NotRevivable:
            return 0
        return 1

    assert sum(await asyncio.gather(*(revive() for _ in range(10)))) == 1
    assert await _counts(services, slug) == (3, 2, 0, 5)


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
    wish = {
        "lines": [{"tier_id": stalls, "quantity": 4}, {"tier_id": balcony, "quantity": 2}],
    }
    both = await buyer.http.post(f"/api/events/{slug}/intents", json=wish)
    assert both.json()["shortages"] == [
        {"tier_id": stalls, "wanted": 4, "left": 3},
        {"tier_id": balcony, "wanted": 2, "left": 1},
    ]
    intent = (await buyer.hold(3)).json()
    more = await buyer.http.put(f"/api/intents/{intent['id']}/lines", json=wish)
    assert (more.status_code, more.json()["shortages"][0]["left"]) == (409, 3)
    assert (await services.organizer.stats(slug)).held == 3
