"""Holding tickets: never one seat twice, whatever happens at once."""

from __future__ import annotations

import asyncio

import httpx

from surge_app.container import Container
from surge_app.services.events.new_event import NewTier
from tests.conftest import (
    Customer,
    NewBuyer,
    NewSale,
    Surge,
    eventually,
    units_freed_by_hand,
)


async def test_a_hundred_buyers_for_ten_units_make_exactly_ten_holds(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    # The second tier lets a hundred people in; all of them want the first.
    tiers = (NewTier("Front row", 90_000, 10), NewTier("General", 50_000, 200))
    slug = await new_sale(tiers=tiers, concurrent_buyers=1000)
    buyers = [new_buyer(slug) for _ in range(100)]
    answers = await asyncio.gather(*(buyer.join() for buyer in buyers))
    assert {answer["state"] for answer in answers} == {"admitted"}
    held = await asyncio.gather(*(buyer.hold() for buyer in buyers))
    codes = sorted(answer.status_code for answer in held)
    assert codes == [201] * 10 + [409] * 90
    refusals = {answer.json()["code"] for answer in held if answer.status_code == 409}
    assert refusals <= {"all_held", "sold_out"}
    front = (await services.dashboard.stats(slug)).tiers[0]
    assert (front.available, front.held, front.sold, front.capacity) == (0, 10, 0, 10)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_thirty_wishes_of_three_never_leave_a_part_behind(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    tiers = (NewTier("Front row", 90_000, 20), NewTier("General", 50_000, 200))
    slug = await new_sale(tiers=tiers, concurrent_buyers=1000)
    buyers = [new_buyer(slug) for _ in range(30)]
    await asyncio.gather(*(buyer.join() for buyer in buyers))
    held = await asyncio.gather(*(buyer.hold(quantity=3) for buyer in buyers))
    assert sum(answer.status_code == 201 for answer in held) == 6
    front = (await services.dashboard.stats(slug)).tiers[0]
    assert (front.available, front.held) == (2, 18)
    short = next(answer.json() for answer in held if answer.status_code == 409)
    assert short["code"] in {"not_enough_left", "all_held"}


async def test_many_who_want_the_last_few_in_pairs_never_meet_an_error(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    tiers = (
        NewTier("Left", 50_000, 7),
        NewTier("Right", 50_000, 7),
        NewTier("Rear", 50_000, 100),
    )
    slug = await new_sale(tiers=tiers, concurrent_buyers=1000)
    event = await services.catalog.event(slug)
    lines = [{"tier_id": tier.id, "quantity": 2} for tier in event.tiers[:2]]
    buyers = [new_buyer(slug) for _ in range(24)]
    await asyncio.gather(*(buyer.join() for buyer in buyers))
    path = f"/api/events/{slug}/intents"
    held = await asyncio.gather(*(buyer.http.post(path, json={"lines": lines}) for buyer in buyers))
    codes = sorted(answer.status_code for answer in held)
    assert codes == [201] * 3 + [409] * 21
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_one_visitor_asking_twenty_times_at_once_holds_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=10)
    buyer = new_buyer(slug)
    await buyer.join()
    held = await asyncio.gather(*(buyer.hold(quantity=2) for _ in range(20)))
    assert sorted(answer.status_code for answer in held) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in held}) == 1
    assert len({answer.json()["expires_at"] for answer in held}) == 1
    assert (await services.dashboard.stats(slug)).held == 2


async def test_a_second_wish_beside_a_live_hold_is_refused(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    await buyer.hold(quantity=1)
    answer = await buyer.hold(quantity=2)
    assert (answer.status_code, answer.json()["code"]) == (409, "intent_exists")


async def test_without_a_pass_nothing_is_held(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    answer = await new_buyer(slug).hold()
    assert (answer.status_code, answer.json()["code"]) == (403, "not_admitted")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_pass_for_one_event_opens_no_other(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    first, second = await new_sale(), await new_sale()
    buyer = new_buyer(first)
    await buyer.join()
    buyer.slug = second
    assert (await buyer.hold()).status_code == 403
    page = await buyer.http.get(f"/book/{second}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{second}")


async def test_who_comes_back_to_where_they_bought_is_led_to_the_booking_while_it_stands(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug, other = await new_sale(), await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()

    async def led_to(event: str) -> tuple[int, str]:
        page = await buyer.http.get(f"/book/{event}")
        return page.status_code, page.headers["location"]

    assert await led_to(slug) == (303, f"/bookings/{ref}")
    assert await led_to(other) == (303, f"/queue/{other}")
    organizer = httpx.AsyncClient(base_url=surge.url, auth=surge.organizer, timeout=30)
    async with organizer:
        refund = await organizer.post(f"/api/admin/bookings/{ref}/refund", json={})
    refund.raise_for_status()
    assert await led_to(slug) == (303, f"/queue/{slug}")


async def test_who_paid_and_closed_the_page_is_led_to_the_booking_by_their_pass_alone(
    services: Container, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer, stranger = new_buyer(slug), new_buyer(slug)
    _, order = await buyer.order()
    await stranger.join()
    await buyer.attempt(str(order["order_id"]))

    async def is_booked() -> bool:
        return (await services.dashboard.stats(slug)).bookings == 1

    await eventually(is_booked, about="the booking by the webhook")
    for one in (buyer, stranger):
        # The pass ends, as it does for who has bought.
        await one.http.delete(f"/api/queue/{slug}")
    page = await buyer.http.get(f"/book/{slug}", follow_redirects=True)
    assert page.url.path.startswith("/bookings/SRG-")
    assert page.status_code == 200
    page = await stranger.http.get(f"/book/{slug}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{slug}")


async def test_changing_the_lines_keeps_the_deadline_and_is_all_or_nothing(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=5)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=2)).json()
    line = intent["lines"][0]
    path = f"/api/intents/{intent['id']}/lines"
    more = await buyer.http.put(path, json={"lines": [{"tier_id": line["tier_id"], "quantity": 4}]})
    assert more.status_code == 200
    assert more.json()["expires_at"] == intent["expires_at"]
    assert more.json()["total_paise"] == 4 * 50_000 + 2_500
    selection = {"lines": [{"tier_id": line["tier_id"], "quantity": 6}]}
    refused = await buyer.http.put(path, json=selection)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_left")
    assert refused.json()["left"] == 5
    assert (await services.dashboard.stats(slug)).held == 4


async def test_a_hold_takes_the_rest_that_is_left_and_keeps_its_deadline(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=5)
    rival, buyer = new_buyer(slug), new_buyer(slug)
    await rival.join()
    assert (await rival.hold(quantity=2)).status_code == 201
    await buyer.join()
    intent = (await buyer.hold()).json()
    tier_id = intent["lines"][0]["tier_id"]
    path = f"/api/intents/{intent['id']}"

    async def change(quantity: int) -> httpx.Response:
        lines = [{"tier_id": tier_id, "quantity": quantity}]
        return await buyer.http.put(f"{path}/lines", json={"lines": lines})

    refused = await change(4)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_left")
    # What the visitor holds already counts: it is theirs to keep.
    assert (refused.json()["left"], refused.json()["tier_id"]) == (3, tier_id)
    assert refused.json()["shortages"] == [{"tier_id": tier_id, "wanted": 4, "left": 3}]
    assert (await buyer.http.get(path)).json()["lines"] == intent["lines"]
    taken = await change(refused.json()["left"])
    assert taken.status_code == 200
    assert [line["quantity"] for line in taken.json()["lines"]] == [3]
    assert taken.json()["expires_at"] == intent["expires_at"]
    assert (await buyer.http.get(path)).json()["expires_at"] == intent["expires_at"]
    stats = await services.dashboard.stats(slug)
    assert (stats.held, stats.available) == (5, 0)
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_letting_go_frees_the_units_at_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=3)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=3)).json()
    assert (await buyer.http.delete(f"/api/intents/{intent['id']}")).status_code == 204
    assert (await services.dashboard.stats(slug)).available == 3


async def test_a_strangers_hold_does_not_exist(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale()
    owner, stranger = new_buyer(slug), new_buyer(slug)
    await owner.join()
    await stranger.join()
    intent = (await owner.hold()).json()
    path = f"/api/intents/{intent['id']}"
    for call in (
        stranger.http.get(path),
        stranger.http.delete(path),
        stranger.http.post(f"{path}/heartbeat"),
        stranger.start_payment(intent["id"]),
    ):
        assert (await call).status_code == 404
    assert (await owner.http.get(path)).json()["status"] == "held"


async def test_a_hold_frees_itself_and_its_page_is_told(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=2, hold_seconds=5)
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold(quantity=2)).json()

    async def is_free() -> bool:
        return (await services.dashboard.stats(slug)).available == 2

    await eventually(is_free, about="the expiry")
    beat = await buyer.http.post(f"/api/intents/{intent['id']}/heartbeat")
    assert (beat.status_code, beat.json()["code"]) == (410, "intent_expired")
    payment = await buyer.start_payment(intent["id"])
    assert (payment.status_code, payment.json()["code"]) == (410, "intent_expired")
    again = await buyer.hold()
    assert again.status_code == 201
    assert again.json()["id"] != intent["id"]


async def test_one_person_with_many_browsers_stays_within_the_limit(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=20, max_per_person=4)
    buyers = [new_buyer(slug) for _ in range(6)]
    intents: list[str] = []
    for buyer in buyers:
        await buyer.join()
        intents.append((await buyer.hold(quantity=2)).json()["id"])
    # Typing an address must not reveal what its owner bought: starting tells nothing.
    contact = {"email": "Same@Example.com", "phone": "098111 22333"}
    orders = [
        (await buyer.start_payment(intent, **contact)).raise_for_status().json()["order_id"]
        for buyer, intent in zip(buyers, intents, strict=True)
    ]

    async def pay(buyer: Customer, order_id: str) -> str:
        fields = await buyer.attempt(order_id, webhook="none")
        return (await buyer.callback(fields)).raise_for_status().json()["status"]

    paid = await asyncio.gather(
        *(pay(buyer, order_id) for buyer, order_id in zip(buyers, orders, strict=True))
    )
    assert sorted(paid) == ["confirmed"] * 2 + ["refunding"] * 4
    assert (await services.dashboard.stats(slug)).sold == 4
    assert all(finding.holds for finding in await services.audit.run(slug=slug))


async def test_more_than_the_limit_is_refused_before_anything_is_held(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=20, max_per_person=4)
    buyer = new_buyer(slug)
    await buyer.join()
    answer = await buyer.hold(quantity=5)
    assert (answer.status_code, answer.json()["code"]) == (409, "person_limit")
    assert (await services.dashboard.stats(slug)).held == 0


async def test_wrong_contact_details_are_told_field_by_field(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    await buyer.join()
    intent = (await buyer.hold()).json()
    answer = await buyer.start_payment(intent["id"], name=" ", email="asha@", phone="12345")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_contact")
    assert set(answer.json()["fields"]) == {"name", "email", "phone"}


async def test_the_audit_tells_a_row_corrupted_by_hand(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    slug = await new_sale()
    await new_buyer(slug).buy()
    assert surge.command("audit", "--event", slug).returncode == 0
    async with units_freed_by_hand(services, slug):
        broken = surge.command("audit", "--json", "--event", slug)
    assert broken.returncode == 1
    assert "sold_units_have_a_ticket" in broken.stdout
