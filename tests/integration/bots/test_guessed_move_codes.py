"""Guessing the short code of a move: few tries for a network, and for all networks together."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from surge_app.container import Container
from surge_app.errors import RateLimited
from surge_app.services.checkout import device_moves
from surge_app.services.checkout.device_moves import MoveCodeInvalid, MoveOffer
from surge_app.services.waiting_room.views import QueueStatus

NewLine = Callable[..., Awaitable[str]]
_HOME = "192.0.2.7"
_LIMITS = (
    "_PER_VISITOR",
    "_WRONG_PER_IPV4",
    "_WRONG_PER_SUBSCRIBER",
    "_WRONG_PER_WIDE_NETWORK",
    "_WRONG_PER_EVENT",
)


@pytest.fixture(autouse=True)
def no_regained_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is, no try is regained while a test runs."""
    for name in _LIMITS:
        slow = dataclasses.replace(getattr(device_moves, name), per_minute=1)
        monkeypatch.setattr(device_moves, name, slow)


def _cookies(services: Container) -> str:
    visitor = services.identity.new_visitor()
    return services.identity.set_queue_cookie(visitor).header.partition(";")[0]


async def _take(services: Container, slug: str, code: str, address: str) -> str:
    try:
        reply = await services.device_moves.take(
            slug, _cookies(services), code, replaces=False, client_address=address
        )
    except MoveCodeInvalid:
        return "wrong"
    except RateLimited:
        return "limited"
    assert isinstance(reply.queue.status, QueueStatus)
    return reply.queue.status.state


async def _offer(services: Container, slug: str) -> MoveOffer:
    cookies = _cookies(services)
    visitor = services.identity.visitor(cookies)
    assert visitor is not None
    await services.waiting_room.join(slug, visitor)
    return await services.device_moves.offer(slug, cookies, {}, client_address=_HOME)


async def _guesses(
    services: Container, slug: str, addresses: list[str], count: int
) -> Counter[str]:
    alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    letters = itertools.islice(itertools.product(alphabet, repeat=8), count)
    return Counter(
        [
            await _take(services, slug, "".join(code), addresses[at % len(addresses)])
            for at, code in enumerate(letters)
        ]
    )


async def test_a_network_that_guesses_is_stopped_and_others_continue(
    services: Container, new_line: NewLine
) -> None:
    slug = await new_line(concurrent_buyers=1)
    offer = await _offer(services, slug)
    for network in (["203.0.113.9"], [f"2001:db8:1:2::{at:x}" for at in range(1, 50)]):
        found = await _guesses(services, slug, network, 80)
        assert found["limited"] >= 50
        assert set(found) == {"wrong", "limited"}
        # A right code does not help there any more either.
        assert await _take(services, slug, offer.short, network[0]) == "limited"
    assert await _take(services, slug, offer.short, _HOME) in {"admitted", "waiting"}


async def test_a_crowd_that_guesses_from_everywhere_is_stopped_and_links_still_work(
    services: Container, new_line: NewLine
) -> None:
    slug = await new_line(concurrent_buyers=1)
    offer = await _offer(services, slug)
    crowd = [f"198.51.{at}.1" for at in range(250)]
    found = await _guesses(services, slug, crowd, 250)
    assert found["limited"] >= 60
    assert set(found) == {"wrong", "limited"}
    assert await _take(services, slug, offer.short, _HOME) == "limited"
    assert await _take(services, slug, offer.link, _HOME) in {"admitted", "waiting"}


async def test_right_codes_cost_no_try(services: Container, new_line: NewLine) -> None:
    slug = await new_line(concurrent_buyers=1)
    for _ in range(30):
        offer = await _offer(services, slug)
        assert await _take(services, slug, offer.short, _HOME) in {"admitted", "waiting"}


async def test_codes_are_not_made_in_bulk(services: Container, new_line: NewLine) -> None:
    slug = await new_line(concurrent_buyers=1)
    cookies = _cookies(services)
    visitor = services.identity.visitor(cookies)
    assert visitor is not None
    await services.waiting_room.join(slug, visitor)
    made: list[str] = []
    for _ in range(12):
        try:
            await services.device_moves.offer(slug, cookies, {}, client_address=_HOME)
        except RateLimited:
            made.append("limited")
    assert len(made) >= 5
