"""Limits of visitor, network and event: one call, all or nothing, and who an address is."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Awaitable, Callable

import pytest

from surge_app.container import Container
from surge_app.errors import RateLimited
from surge_app.kv import keys
from surge_app.kv.admission import JoinStore
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.services.bookings import lookup
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.services.waiting_room import admission
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import open_sale
from tests.integration.bots.visitors import Visitor

NewLine = Callable[..., Awaitable[str]]
NewVisitor = Callable[..., Visitor]


def _limit(scope: str, burst: int) -> Limit:
    return Limit(scope, per_minute=1, burst=burst)


@pytest.mark.parametrize(
    ("address", "narrow", "wide"),
    [
        ("203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("unknown", "unknown", "unknown"),
        ("", "", ""),
        ("203.0.113.7, 10.0.0.1", "203.0.113.7, 10.0.0.1", "203.0.113.7, 10.0.0.1"),
    ],
)
def test_an_address_stands_for_its_network(address: str, narrow: str, wide: str) -> None:
    found = networks(address)
    assert (found.narrow, found.wide) == (narrow, wide)


async def test_a_call_that_one_limit_refuses_costs_the_others_nothing(services: Container) -> None:
    limiter = RateLimiter(services.redis, enabled=True)
    group = secrets.token_hex(6)
    wide, narrow = _limit("wide", 3), _limit("narrow", 1)
    await limiter.check_all(group, (wide, "a"), (narrow, "a"))
    for _ in range(20):
        with pytest.raises(RateLimited):
            await limiter.check_all(group, (wide, "a"), (narrow, "a"))
    # Two of three are left, however often the other one refused.
    await limiter.check_all(group, (wide, "a"), (narrow, "b"))
    await limiter.check_all(group, (wide, "a"), (narrow, "c"))
    with pytest.raises(RateLimited):
        await limiter.check_all(group, (wide, "a"), (narrow, "d"))


async def test_the_time_to_wait_is_that_of_the_slowest_limit(services: Container) -> None:
    limiter = RateLimiter(services.redis, enabled=True)
    group = secrets.token_hex(6)
    slow, fast = Limit("slow", per_minute=2, burst=1), Limit("fast", per_minute=60, burst=1)
    await limiter.check_all(group, (slow, "a"), (fast, "a"))
    with pytest.raises(RateLimited) as refused:
        await limiter.check_all(group, (fast, "a"), (slow, "a"))
    # The fast one asks for a second, and some of the thirty may have passed.
    assert 1 < refused.value.retry_after_seconds <= 30


def test_the_keys_of_one_call_lie_in_one_slot_of_a_cluster() -> None:
    slug = "one-event"
    names = [*keys.queue(slug), keys.pressure(slug), keys.proved(slug, "v"), keys.spent(slug, 1)]
    names += [keys.limit(slug, limit, "x") for limit in ("join-visitor", "join-address")]
    assert {name.partition("{")[2].partition("}")[0] for name in names} == {slug}


@pytest.fixture
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits small enough to reach: 3 of a visitor, 6 of an address, 10 of its network."""
    monkeypatch.setattr(admission, "_PER_VISITOR", _limit("join-visitor", 3))
    monkeypatch.setattr(admission, "_PER_IPV4", _limit("join-address", 6))
    monkeypatch.setattr(admission, "_PER_SUBSCRIBER", _limit("join-address", 6))
    monkeypatch.setattr(admission, "_PER_WIDE_NETWORK", _limit("join-network", 10))


async def _passed(visitors: list[Visitor], slug: str) -> list[int]:
    return [(await visitor.post(slug)).status_code for visitor in visitors]


@pytest.mark.usefixtures("strict")
async def test_an_address_in_front_of_the_trusted_proxys_own_is_not_believed(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line()
    robots = [new_visitor(f"198.18.{number}.1, 203.0.113.9") for number in range(9)]
    assert await _passed(robots, slug) == [200] * 6 + [429] * 3
    assert await _passed([new_visitor("198.18.7.1")], slug) == [200]


async def test_joins_that_bring_no_cookie_are_bounded_and_a_page_brings_its_own(
    new_line: NewLine, new_visitor: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_WITHOUT_COOKIE", _limit("join-without-cookie", 3))
    slug, address = await new_line(), "203.0.113.140"
    robots = [new_visitor(address) for _ in range(5)]
    assert await _passed(robots, slug) == [200] * 3 + [429] * 2
    page = new_visitor(address)
    first, second = [await page.post(slug, keeps_cookies=True) for _ in range(2)]
    assert (first.json()["note"], second.status_code) == ("cookie_required", 200)
    assert second.json()["note"] != "cookie_required"


@pytest.mark.usefixtures("strict")
async def test_the_addresses_of_one_ipv6_subscriber_are_one(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line()
    robots = [new_visitor(f"2001:db8:7:7::{number:x}") for number in range(1, 9)]
    assert await _passed(robots, slug) == [200] * 6 + [429] * 2
    neighbours = [new_visitor(f"2001:db8:7:{number:x}::1") for number in range(8, 14)]
    assert await _passed(neighbours, slug) == [200] * 4 + [429] * 2


@pytest.mark.usefixtures("strict")
async def test_neighbours_of_a_busy_address_share_the_wider_limit_only(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line()
    crowd = [new_visitor("203.0.113.50") for _ in range(7)]
    assert await _passed(crowd, slug) == [200] * 6 + [429]
    others = [new_visitor(f"203.0.113.{number}") for number in range(51, 56)]
    assert await _passed(others, slug) == [200] * 4 + [429]
    assert await _passed([new_visitor("203.0.114.1")], slug) == [200]


@pytest.mark.usefixtures("strict")
async def test_who_has_a_place_is_counted_alone_and_not_by_the_address(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line()
    waiting = new_visitor("203.0.113.80")
    assert (await waiting.post(slug)).status_code == 200
    crowd = [new_visitor("203.0.113.80") for _ in range(6)]
    assert (await _passed(crowd, slug))[-1] == 429
    # A reload in the middle of the crowd finds the place, until this one visitor is too fast.
    answers = [await waiting.post(slug) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["retry_after_seconds"] == int(answers[-1].headers["retry-after"])


@pytest.mark.usefixtures("strict")
async def test_another_event_is_another_count(new_line: NewLine, new_visitor: NewVisitor) -> None:
    first, second = await new_line(), await new_line()
    crowd = [new_visitor("203.0.113.90") for _ in range(7)]
    assert (await _passed(crowd, first))[-1] == 429
    assert await _passed([crowd[-1]], second) == [200]


@pytest.mark.usefixtures("strict")
async def test_an_unknown_event_leaves_nothing_behind(
    new_visitor: NewVisitor, services: Container
) -> None:
    slug = f"no-such-{secrets.token_hex(4)}"
    for _ in range(5):
        assert (await new_visitor().post(slug)).status_code == 404
    assert [key async for key in services.redis.scan_iter(f"*{slug}*")] == []


async def test_a_limited_newcomer_uses_up_no_number(
    new_line: NewLine, new_visitor: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "_PER_EVENT", _limit("join-event", 2))
    slug = await new_line()
    await _passed([new_visitor() for _ in range(9)], slug)
    monkeypatch.setattr(admission, "_PER_EVENT", _limit("join-event-anew", 100))
    assert (await new_visitor().post(slug)).json()["number"] == 3


async def test_while_redis_is_away_nobody_joins_past_the_check(
    new_line: NewLine, new_visitor: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = await new_line(challenge="always")

    async def gone(*_: object, **__: object) -> None:
        raise admission.RedisError

    monkeypatch.setattr(JoinStore, "check_join", gone)
    answer = await new_visitor().post(slug)
    assert (answer.status_code, answer.json()["code"]) == (503, "line_unavailable")


async def test_whoever_guesses_bookings_is_slowed_by_network_and_by_reference_from_it(
    new_visitor: NewVisitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = dataclasses.replace(lookup._BY_NETWORK, per_minute=1)
    monkeypatch.setattr(lookup, "_BY_NETWORK", slow)

    async def ask(address: str | None, ref: str) -> str:
        form = {"ref": ref, "contact": "asha@example.com"}
        answer = await new_visitor(address).http.post("/api/bookings/find", data=form)
        assert answer.status_code == 303
        return answer.headers["location"].partition("#")[2]

    one = _reference()
    for_one_booking = [await ask("203.0.113.119", one) for _ in range(6)]
    assert for_one_booking == ["missing"] * 5 + ["later"]
    # Strangers elsewhere keep nobody from a booking.
    assert await ask("203.0.113.121", one) == "missing"
    from_one_place = [await ask("203.0.113.120", _reference()) for _ in range(11)]
    assert from_one_place == ["missing"] * 10 + ["later"]


async def test_guesses_from_many_networks_open_nothing_and_keep_no_owner_out(
    services: Container, new_visitor: NewVisitor
) -> None:
    sale = await open_sale(services, InProcessGateway(sandbox_keys(services.settings)))
    sold = await sale.counter(name="Asha Rao", email="asha@example.com", phone="9876543210")

    async def ask(contact: str) -> str:
        form = {"ref": sold.ref, "contact": contact}
        answer = await new_visitor().http.post("/api/bookings/find", data=form)
        return answer.headers["location"].partition("#")[2] or answer.headers["location"]

    async def links() -> int:
        statement = "SELECT id FROM message_outbox WHERE kind = 'confirmation_again'"
        return len(await sale.query(f"{statement} AND recipient = 'asha@example.com'"))

    assert await ask("asha@example.com") == f"/bookings/{sold.ref}"
    answers = [await ask(f"guess{number}@example.com") for number in range(40)]
    assert (answers[0], answers[-1], len(set(answers))) == ("missing", "emailed", 2)
    assert await links() == 0
    # The right contact gets the same answer, and its link by mail.
    assert await ask("asha@example.com") == "emailed"
    assert await links() == 1


def _reference() -> str:
    return "SRG-" + "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZ23456789") for _ in range(8))


async def test_a_network_that_fills_the_room_lets_visitors_of_others_in(
    new_line: NewLine, new_visitor: NewVisitor
) -> None:
    slug = await new_line(concurrent_buyers=8)
    crowd = [new_visitor(f"198.51.100.{number}") for number in range(8)]
    for visitor in crowd:
        assert (await visitor.join(slug)).json()["state"] == "admitted"
    other = await new_visitor("203.0.113.9").join(slug)
    assert other.json()["state"] == "admitted"
    # No one of the crowd has lost a pass.
    for visitor in crowd:
        polled = await visitor.http.get(f"/api/queue/{slug}")
        assert polled.json()["state"] == "admitted"
