"""Continue on another device: what the API does for its visitors, and what it refuses to others."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from surge_app.container import Container
from surge_app.kv import keys
from surge_app.kv.client import read_hash
from tests.conftest import Customer, NewBuyer, NewSale, eventually
from tests.integration.queue_helper import one_inside_one_waiting, visitor_of

_ALPHABET = set("23456789ABCDEFGHJKMNPQRSTVWXYZ")


async def _codes(buyer: Customer, **typed: str) -> dict[str, str]:
    answer = await buyer.http.post(f"/api/queue/{buyer.slug}/move", json={"typed": typed})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _take(buyer: Customer, code: str, *, replaces: bool = False) -> httpx.Response:
    """Take a place as the page does: a new browser asks again with the cookie it was given."""
    body = {"code": code, "replaces": replaces}
    answer = await buyer.http.post(f"/api/queue/{buyer.slug}/continue", json=body)
    if answer.is_success and answer.json()["note"] == "cookie_required":
        answer = await buyer.http.post(f"/api/queue/{buyer.slug}/continue", json=body)
    return answer


async def test_a_waiting_visitor_continues_on_the_phone_and_the_laptop_stops(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    _, laptop = await one_inside_one_waiting(new_sale, new_buyer)
    phone = new_buyer(laptop.slug)
    number = (await laptop.poll())["number"]
    codes = await _codes(laptop)
    assert len(codes["code"]) == 8
    assert set(codes["code"]) <= _ALPHABET
    assert codes["valid_seconds"] == 120
    path, _, secret = codes["link"].partition("#")
    assert path.endswith(f"/continue/{laptop.slug}")
    assert len(secret) >= 128 / 6
    moved = await _take(phone, f" {codes['code'][:4].lower()}-{codes['code'][4:]} ")
    assert (moved.status_code, moved.json()["state"]) == (200, "waiting")
    assert moved.json()["number"] == number
    # The queue's workers have copies of it; with the next one each has learned of the move.
    await eventually(lambda: _is_told(laptop), about="the laptop's page")
    assert (await phone.poll())["number"] == number
    joined = await laptop.join()
    assert (joined["state"], joined["note"], joined["number"]) == ("not_joined", "moved", None)
    # Only leaving makes it a new visitor, at the end of the queue.
    await laptop.http.delete(f"/api/queue/{laptop.slug}")
    assert (await laptop.join())["position"] == 2


async def _is_told(buyer: Customer) -> bool:
    return (await buyer.poll())["note"] == "moved"


async def test_a_hold_comes_along_with_its_deadline_and_what_was_typed(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=1)
    laptop, phone = new_buyer(slug), new_buyer(slug)
    await laptop.join()
    intent = (await laptop.hold(2)).json()
    codes = await _codes(laptop, name="Asha Rao", email="asha@example.com")
    moved = await _take(phone, codes["link"].partition("#")[2])
    assert moved.json()["state"] == "admitted"
    assert moved.json()["typed"] == {"name": "Asha Rao", "email": "asha@example.com"}
    own = f"/api/intents/{intent['id']}"
    mine = (await phone.http.get(own)).json()
    assert (mine["status"], mine["expires_at"]) == ("held", intent["expires_at"])
    # The old browser has no more right to it than a stranger has, nor to the turn.
    assert (await laptop.http.get(own)).status_code == 404
    assert (await laptop.http.delete(own)).status_code == 404
    assert (await laptop.start_payment(intent["id"])).status_code == 404
    assert (await laptop.hold()).json()["code"] == "not_admitted"
    assert (await laptop.http.get(f"/book/{slug}")).headers["location"] == f"/queue/{slug}"
    paid = (await phone.start_payment(intent["id"])).json()
    outcome = await phone.callback(await phone.attempt(paid["order_id"]))
    assert outcome.json()["status"] == "confirmed"


async def test_a_code_is_good_once_for_its_event_and_while_it_is_the_latest(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    _, laptop = await one_inside_one_waiting(new_sale, new_buyer)
    other_sale = await new_sale(concurrent_buyers=1)
    phone, thief, elsewhere = new_buyer(laptop.slug), new_buyer(laptop.slug), new_buyer(other_sale)
    first = await _codes(laptop)
    second = await _codes(laptop)
    for code in (first["code"], first["link"][-32:], "", "AAAAAAAA", "x" * 80):
        refused = await _take(thief, code)
        assert (refused.status_code, refused.json()["code"]) == (404, "move_code_invalid"), code
    assert (await _take(elsewhere, second["code"])).json()["code"] == "move_code_invalid"
    assert (await _take(laptop, second["code"])).json()["code"] == "same_device"
    assert (await _take(phone, second["code"])).json()["state"] == "waiting"
    # A repeat after a lost answer is no second use; another browser's is.
    assert (await _take(phone, second["code"])).json()["state"] == "waiting"
    for code in (second["code"], second["link"][-32:]):
        assert (await _take(thief, code)).status_code == 404
    third = await _codes(phone)
    assert (await phone.http.delete(f"/api/queue/{phone.slug}/move")).status_code == 204
    assert (await _take(thief, third["code"])).status_code == 404


async def test_codes_are_for_visitors_with_a_place_alone(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, _ = await one_inside_one_waiting(new_sale, new_buyer)
    stranger = new_buyer(first.slug)
    for _ in range(2):
        refused = await stranger.http.post(f"/api/queue/{first.slug}/move")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_in_queue")
        await _take(stranger, "AAAAAAAA")  # From now on it has a cookie.


async def test_redis_holds_neither_a_code_nor_what_was_typed(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    first, _ = await one_inside_one_waiting(new_sale, new_buyer)
    codes = await _codes(first, email="asha@example.com")
    found = [name async for name in services.redis.scan_iter(f"surge:{{{first.slug}}}:move:*")]
    assert len(found) == 2
    values = [await services.redis.get(name) for name in found]
    kept = f"{found} {values}" + str(
        await read_hash(services.redis, keys.part(first.slug, "moves"))
    )
    for secret in (codes["code"], codes["link"].partition("#")[2], "asha"):
        assert secret not in kept


async def test_a_device_that_holds_tickets_is_asked_before_it_gives_them_up(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=2)
    laptop, phone = new_buyer(slug), new_buyer(slug)
    for one in (laptop, phone):
        await one.join()
    wanted, given_up = (await laptop.hold(2)).json(), (await phone.hold(1)).json()
    codes = await _codes(laptop)
    refused = await _take(phone, codes["code"])
    assert (refused.status_code, refused.json()["code"]) == (409, "already_in_queue")
    assert (await phone.http.get(f"/api/intents/{given_up['id']}")).json()["status"] == "held"
    for _ in range(2):
        assert (await _take(phone, codes["code"], replaces=True)).json()["state"] == "admitted"
    assert (await phone.http.get(f"/api/intents/{given_up['id']}")).json()["status"] == "released"
    assert (await phone.http.get(f"/api/intents/{wanted['id']}")).json()["status"] == "held"
    event = (await phone.http.get(f"/api/events/{slug}")).json()
    assert event["tiers"][0]["capacity"] == 5


async def test_nothing_moves_during_an_attempt_to_pay(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=2)
    laptop, phone = new_buyer(slug), new_buyer(slug)
    intent, order = await laptop.order()
    codes = await _codes(laptop)
    await laptop.attempt(str(order["order_id"]), outcome="failed")
    await laptop.http.post(f"/api/intents/{intent['id']}/heartbeat")
    await services.payments.check(str(intent["id"]), visitor_of(services, laptop))

    async def is_refused() -> bool:
        answer = await laptop.http.post(f"/api/queue/{slug}/move")
        return answer.status_code == 409 and answer.json()["code"] == "payment_started"

    await eventually(is_refused, about="the attempt")
    taken = await _take(phone, codes["code"])
    assert (taken.status_code, taken.json()["code"]) == (409, "payment_started")
    assert (await laptop.http.get(f"/api/intents/{intent['id']}")).json()["status"] == "paying"


async def test_a_prepared_payment_moves_and_is_paid_once(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=5, concurrent_buyers=2)
    laptop, phone = new_buyer(slug), new_buyer(slug)
    intent, order = await laptop.order()
    assert (await _take(phone, (await _codes(laptop))["code"])).json()["state"] == "admitted"
    again = (await phone.start_payment(str(intent["id"]))).json()
    assert again["order_id"] == order["order_id"]
    # A window that is still open on the laptop pays the same order, for the same booking.
    outcome = await laptop.callback(await laptop.attempt(str(order["order_id"])))
    mine = (await phone.http.get(f"/api/intents/{intent['id']}")).json()
    assert (mine["status"], mine["booking_ref"]) == ("confirmed", outcome.json()["booking_ref"])


@pytest.mark.parametrize("rounds", range(6))
async def test_a_hold_pressed_on_the_old_device_at_that_moment_is_never_a_second_one(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container, rounds: int
) -> None:
    slug = await new_sale(units=20, concurrent_buyers=1)
    laptop, phones = new_buyer(slug), [new_buyer(slug) for _ in range(3)]
    await laptop.join()
    for phone in phones:
        await _take(phone, "AAAAAAAA")  # Each has its cookie, so that one call moves the place.
    codes = await _codes(laptop)
    presses = [laptop.hold(1), *(_take(phone, codes["code"]) for phone in phones)]
    await asyncio.gather(*(presses if rounds % 2 else reversed(presses)))
    states = [(await phone.poll())["state"] for phone in phones]
    assert states.count("admitted") == 1
    assert await services.redis.zcard(keys.part(slug, "passes")) == 1
    winner = phones[states.index("admitted")]
    old, new = visitor_of(services, laptop), visitor_of(services, winner)
    left = await services.intents.latest(slug, old)
    assert left is None or not left.is_live
    mine = await services.intents.latest(slug, new)
    # Whatever was pressed first: the tickets are where the turn is, or free.
    stats = (await winner.http.get(f"/api/events/{slug}")).json()["tiers"][0]
    assert stats["capacity"] == 20
    held = await winner.hold(1)
    assert held.status_code == (200 if mine is not None and mine.is_live else 201)
