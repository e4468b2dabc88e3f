"""The waiting room, as a browser meets it over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import pairwise

import httpx

from surge_app.clock import utc_now
from surge_app.container import Container
from surge_app.kv import keys
from tests.conftest import Customer, NewBuyer, NewSale, Surge, eventually
from tests.integration.queue_helper import one_inside_one_waiting, passes, visitor_of


def _is_admitted(buyer: Customer) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return (await buyer.poll())["state"] == "admitted"

    return look


def _is_at(buyer: Customer, position: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        queue = await buyer.poll()
        assert queue["position"] >= position, "somebody was overtaken"
        return queue["position"] == position

    return look


async def test_the_second_buyer_waits_and_is_let_in_when_the_first_leaves(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    queue = await second.poll()
    assert (queue["state"], queue["position"], queue["ahead"]) == ("waiting", 1, 0)
    assert (await second.hold()).status_code == 403
    page = await second.http.get(f"/book/{second.slug}")
    assert (page.status_code, page.headers["location"]) == (303, f"/queue/{second.slug}")
    assert (await first.http.delete(f"/api/queue/{first.slug}")).status_code == 204
    await eventually(_is_admitted(second), about="the admission")
    assert (await second.http.get(f"/book/{second.slug}")).status_code == 200
    assert (await second.hold()).status_code == 201
    assert (await first.hold()).status_code == 403


async def test_the_second_buyer_is_let_in_when_the_first_has_bought(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    held = (await first.hold()).json()
    order = (await first.start_payment(held["id"])).json()
    outcome = await first.callback(await first.attempt(order["order_id"]))
    assert outcome.json()["status"] == "confirmed"
    await eventually(_is_admitted(second), about="the admission")


async def test_the_second_buyer_is_let_in_when_the_pass_of_the_first_ends(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    await services.redis.zadd(passes(first.slug), {visitor_of(services, first): 1}, xx=True)
    await eventually(_is_admitted(second), about="the admission")
    assert (await first.poll())["state"] == "not_joined"


async def test_units_that_come_back_go_to_the_head_of_the_line(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(units=1, concurrent_buyers=100)
    holder, next_one, last = (new_buyer(slug) for _ in range(3))
    await holder.join()
    intent = (await holder.hold()).json()

    async def is_known_as_held() -> bool:
        return (await new_buyer(slug).poll())["held"] == 1

    await eventually(is_known_as_held, about="the hold in the queue")
    assert [(await one.join())["state"] for one in (next_one, last)] == ["waiting", "waiting"]
    await holder.http.delete(f"/api/intents/{intent['id']}")
    await holder.http.delete(f"/api/queue/{slug}")
    await eventually(_is_admitted(next_one), about="the admission")
    await eventually(_is_at(last, 1), about="the step forward")


async def test_positions_are_first_come_first_served(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(concurrent_buyers=1)
    buyers = [new_buyer(slug) for _ in range(6)]
    joined = [await buyer.join() for buyer in buyers]
    assert [queue["position"] for queue in joined] == [None, 1, 2, 3, 4, 5]
    assert [queue["number"] for queue in joined] == [None, 2, 3, 4, 5, 6]
    # Whoever asks most gets nothing by it.
    await asyncio.gather(*(buyers[5].join() for _ in range(10)))
    for inside, following in pairwise(buyers):
        await inside.http.delete(f"/api/queue/{slug}")
        await eventually(_is_admitted(following), about="the admission")
        for position, buyer in enumerate(buyers[buyers.index(following) + 1 :], start=1):
            await eventually(_is_at(buyer, position), about="the step forward")


async def test_below_the_cap_nobody_sees_a_queue(new_sale: NewSale, new_buyer: NewBuyer) -> None:
    slug = await new_sale(units=50, concurrent_buyers=20)
    answers = await asyncio.gather(*(new_buyer(slug).join() for _ in range(20)))
    assert {answer["state"] for answer in answers} == {"admitted"}


async def test_the_answer_to_a_poll_has_every_field_of_the_contract(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    inside, waiting = await first.poll(), await second.poll()
    names = {"state", "position", "ahead", "number", "eta_seconds", "retry_after_ms"}
    names |= {"available", "by_tier", "held", "message", "pass_expires_at", "waiting"}
    names |= {"note", "note_text", "odds", "opens_in_ms", "order", "personal_below"}
    assert set(inside) == set(waiting) == set(await first.join()) == names
    assert inside["pass_expires_at"]
    assert waiting["pass_expires_at"] is None
    # No visitor has gone yet, so there is no pace to estimate from.
    assert waiting["eta_seconds"] is None
    assert 1_000 <= waiting["retry_after_ms"] <= 20_000


async def test_a_poll_without_a_cookie_has_not_joined_and_gets_none(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    answer = await buyer.http.get(f"/api/queue/{buyer.slug}")
    assert answer.json()["state"] == "not_joined"
    assert answer.headers.get("set-cookie") is None
    assert answer.headers["cache-control"] == "no-store"


async def test_the_cookies_of_the_line_are_out_of_reach_of_scripts_and_other_sites(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    answer = await buyer.http.post(f"/api/queue/{buyer.slug}")
    cookies = {value.partition("=")[0]: value for value in answer.headers.get_list("set-cookie")}
    assert set(cookies) == {"surge_visitor", "surge_pass"}
    for value in cookies.values():
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(value.split("; "))


async def test_who_comes_early_has_a_number_and_sees_when_it_opens(
    new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale(sales_open_at=utc_now() + timedelta(hours=1), queue_order="random")
    buyer, second = new_buyer(slug), new_buyer(slug)
    for queue in (await buyer.join(), await second.join(), await buyer.poll()):
        assert (queue["state"], queue["position"]) == ("scheduled", None)
        assert 3_500_000 < queue["opens_in_ms"] <= 3_600_000
        order = queue["order"]
        assert (order["rule"], order["seed"], order["early"]) == ("random", None, None)
        assert len(order["commitment"]) == 64
    assert [(await one.poll())["number"] for one in (buyer, second)] == [1, 2]
    assert (await buyer.hold()).json()["code"] == "not_admitted"


async def test_a_place_travels_signed_and_is_asked_for_once(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    _, second = await one_inside_one_waiting(new_sale, new_buyer)
    signed = services.identity.visitor(f"surge_visitor={second.http.cookies['surge_visitor']}")
    assert signed is not None
    assert signed.queue_numbers == {second.slug: 2}
    old = services.identity._signer("visitor").dumps(signed.id)
    second.http.cookies.clear()
    second.http.cookies.set("surge_visitor", old)
    first_poll = await second.http.get(f"/api/queue/{second.slug}")
    assert first_poll.json()["position"] == 1
    assert first_poll.headers["set-cookie"].startswith("surge_visitor=")
    value = first_poll.headers["set-cookie"].partition(";")[0].partition("=")[2]
    second.http.cookies.set("surge_visitor", value)
    assert (await second.http.get(f"/api/queue/{second.slug}")).headers.get("set-cookie") is None
    left = await second.http.delete(f"/api/queue/{second.slug}")
    assert left.headers["set-cookie"].startswith("surge_visitor=")


async def test_a_lost_line_returns_with_every_place_and_pass(
    new_sale: NewSale, new_buyer: NewBuyer, services: Container
) -> None:
    slug = await new_sale(concurrent_buyers=2)
    holder, shopper, early, late = (new_buyer(slug) for _ in range(4))
    for buyer in (holder, shopper, early, late):
        await buyer.join()
    assert (await holder.hold()).status_code == 201
    ceiling = int(await services.redis.hget(keys.part(slug, "counters"), "ceiling") or 0)
    assert ceiling > 4
    await services.redis.delete(*keys.queue(slug))
    unavailable = {503}

    async def is_back() -> bool:
        answer = await late.http.get(f"/api/queue/{slug}")
        if answer.status_code in unavailable:
            assert answer.json()["code"] == "line_unavailable"
            assert int(answer.headers["retry-after"]) > 0
            return False
        return answer.json()["state"] == "waiting"

    await eventually(is_back, about="the queue")
    assert (await holder.poll())["state"] == "admitted"
    assert (await shopper.poll())["state"] == "admitted"
    stranger = await new_buyer(slug).join()
    # Above all that may have been issued, also to visitors of whom nothing is left.
    assert stranger["number"] > ceiling
    assert (await early.poll())["number"] == 3
    await eventually(_is_at(early, 1), about="the place of who came first")

    # A worker that has not seen the first one come back yet still counts without them.
    async def is_second() -> bool:
        return (await late.poll())["position"] == 2

    await eventually(is_second, about="the place of who came next")
    assert (await late.poll())["note"] == "recovering"


async def test_an_organizer_revokes_passes_and_what_was_held_comes_back(
    new_sale: NewSale, new_buyer: NewBuyer, surge: Surge, services: Container
) -> None:
    first, second = await one_inside_one_waiting(new_sale, new_buyer)
    assert (await first.hold()).status_code == 201
    path = f"/api/admin/events/{first.slug}/queue/revoke"
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        for wrong in ({}, {"number": 1, "everyone": True}, {"number": 0}):
            assert (await http.post(path, json=wrong)).status_code == 422
        assert (await http.post(path, json={"everyone": True})).json() == {"passes": 1}
        queue = (await http.get(f"/api/admin/events/{first.slug}/stats")).json()["queue"]
    assert queue["admitted"] == 2
    assert (await services.dashboard.stats(first.slug)).held == 0
    await eventually(_is_admitted(second), about="the admission")
    assert (await first.http.get(f"/book/{first.slug}")).status_code == 303
    async with httpx.AsyncClient(base_url=surge.url) as http:
        assert (await http.post(path, json={"everyone": True})).status_code == 401
