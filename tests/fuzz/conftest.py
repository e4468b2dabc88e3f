"""The actors: a stranger, a visitor with a pass, an organizer; each only in sales of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import httpx
import pytest
import pytest_asyncio

from surge_app.services.events.new_event import NewTier
from tests.conftest import Customer, NewBuyer, NewSale, Surge

_SUSPICIOUS = ("unhandled_error", "handler_failed", "webhook_failed", "Traceback")


@dataclass(frozen=True)
class Actor:
    """Somebody, with what they know: cookies, a password, and names of what is theirs."""

    name: str
    cookies: dict[str, str] = field(default_factory=dict)
    password: tuple[str, str] | None = None
    own: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Somebody:
    """A sale nobody else uses, somebody who bought in it, and somebody who holds tickets."""

    slug: str
    tier: str
    ref: str
    owner: Customer
    intent: str
    holder: Customer


@pytest_asyncio.fixture
async def somebody(new_sale: NewSale, new_buyer: NewBuyer) -> Somebody:
    slug = await new_sale(tiers=(NewTier("General", 50_000, 40),), concurrent_buyers=20)
    owner, holder = new_buyer(slug), new_buyer(slug)
    ref = await owner.buy(2)
    await holder.join()
    held = (await holder.hold()).json()
    return Somebody(slug, held["lines"][0]["tier_id"], ref, owner, held["id"], holder)


@pytest.fixture
def actors(somebody: Somebody, surge: Surge) -> dict[str, Actor]:
    cookies = {**dict(somebody.owner.http.cookies), **dict(somebody.holder.http.cookies)}
    own = {
        "slug": [somebody.slug],
        "tier_id": [somebody.tier],
        "intent_id": [somebody.intent],
        "ref": [somebody.ref],
        "kind": ["undecided_payment", "stuck_refund", "stuck_webhook", "dead_message"],
    }
    return {
        "stranger": Actor("stranger", own=own),
        "visitor": Actor("visitor", cookies=cookies, own=own),
        "organizer": Actor("organizer", password=surge.organizer, own=own),
    }


@pytest.fixture(autouse=True)
def nothing_broke(surge: Surge) -> object:
    """Fail if anything unforeseen was logged meanwhile, or if Surge does not answer any more."""
    begun = surge.log.stat().st_size
    yield
    with surge.log.open("rb") as log:
        log.seek(begun)
        said = log.read().decode("utf-8", "replace")
    assert not [line for line in said.splitlines() if any(sign in line for sign in _SUSPICIOUS)]
    deadline = time.monotonic() + 60
    while httpx.get(f"{surge.url}/api/readyz").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
