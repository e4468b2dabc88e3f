"""What one network may hold unpaid, and that a carrier's many customers still buy."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from surge_app.clock import new_id
from surge_app.errors import RateLimited, SurgeError
from surge_app.services.access.identity import Visitor
from surge_app.services.checkout.free_tickets import FreeTickets
from surge_app.services.events.new_event import NewTier
from tests.engine.conftest import NewSale
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale


async def _hold(sale: Sale, address: str, quantity: int = 1) -> str | None:
    """Try to hold as a visitor nobody has seen before; returns the visitor if it was granted."""
    visitor = new_id()
    await sale.admit(visitor)
    try:
        await sale.services.intents.start(
            sale.slug, visitor, [sale.line(quantity)], client_address=address
        )
    except RateLimited:
        return None
    return visitor


async def _held(sale: Sale) -> int:
    return (await sale.counts())["held"]


async def test_one_network_holds_a_tenth_however_many_browsers_and_addresses_it_has(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(120)
    await asyncio.gather(*(_hold(sale, f"203.0.113.{number}", 3) for number in range(60)))
    assert await _held(sale) == 12
    await asyncio.gather(*(_hold(sale, f"2001:db8:1:{number:x}::1", 3) for number in range(60)))
    assert await _held(sale) == 24
    assert await _hold(sale, "198.51.100.7")
    assert await sale.violations() == []


async def test_a_crowded_network_keeps_nobody_waiting(new_sale: NewSale) -> None:
    sale = await new_sale(100, concurrent_buyers=10)
    room = sale.services.waiting_room
    await room.publish()
    crowd = [Visitor(new_id()) for _ in range(10)]
    for visitor in crowd:
        assert (await room.join(sale.slug, visitor)).state == "admitted"
    other = Visitor(new_id())
    assert (await room.join(sale.slug, other)).state == "waiting"
    start = sale.services.intents.start
    for visitor in crowd[:2]:
        await start(sale.slug, visitor.id, [sale.line(5)], client_address="203.0.113.9")
    with pytest.raises(RateLimited):
        await start(sale.slug, crowd[2].id, [sale.line(5)], client_address="203.0.113.8")
    assert (await room.poll(sale.slug, other)).state == "admitted"
    assert await room.has_pass(sale.slug, crowd[2].id)


async def test_an_exchange_is_counted_as_a_hold_is(new_sale: NewSale) -> None:
    sale = await new_sale(40)
    visitors = [await _hold(sale, "203.0.113.9") for _ in range(4)]
    answers: list[object] = []
    for visitor in visitors:
        intent = await sale.services.intents.latest(sale.slug, visitor or "")
        assert intent is not None
        change = sale.services.intents.change(intent.id, visitor or "", [sale.line(3)])
        answers += await asyncio.gather(change, return_exceptions=True)
    assert all(isinstance(answer, RateLimited) for answer in answers)
    assert await _held(sale) == 4


async def test_a_repeat_of_a_live_hold_is_answered_when_the_network_is_full(
    new_sale: NewSale,
) -> None:
    sale = await new_sale(10)
    visitor = await _hold(sale, "203.0.113.9")
    assert visitor
    assert await _hold(sale, "203.0.113.9") is None
    _, is_new = await sale.services.intents.start(
        sale.slug, visitor, [sale.line()], client_address="203.0.113.9"
    )
    assert not is_new


async def test_free_tickets_are_bounded_by_network_and_by_event(new_sale: NewSale) -> None:
    sale = await new_sale(tiers=(NewTier("Free", 0, 500), NewTier("Paid", 100, 500)))
    subscriber = [await _hold(sale, f"2001:db8:7:7::{number:x}") for number in range(25)]
    assert sum(visitor is not None for visitor in subscriber) == 20
    # Hundreds of people behind a carrier's address are no household.
    crowd = [await _hold(sale, "203.0.113.9") for _ in range(25)]
    assert None not in crowd
    limits = sale.services.limits
    per_event = FreeTickets(limits, per_hour=2)
    offer = await sale.services.catalog.offer(sale.slug)
    offer = replace(offer, id=new_id())
    for number in (1, 2):
        await per_event.check(offer, [sale.line()], f"198.51.100.{number}")
    with pytest.raises(RateLimited):
        await per_event.check(offer, [sale.line()], "198.51.100.3")
    await per_event.check(offer, [sale.line(tier=1)], "198.51.100.3")


async def test_an_exchange_for_free_tickets_is_counted_too(new_sale: NewSale) -> None:
    sale = await new_sale(tiers=(NewTier("Free", 0, 500), NewTier("Paid", 100, 500)))
    address = "2001:db8:8:8::1"
    intent, visitor = await sale.hold(sale.line(tier=1))
    assert len([await _hold(sale, address) for _ in range(20)]) == 20
    with pytest.raises(RateLimited):
        await sale.services.intents.change(
            intent.id, visitor, [sale.line()], client_address=address
        )


async def test_three_hundred_buyers_behind_one_address_all_buy(
    new_sale: NewSale, gateway: InProcessGateway
) -> None:
    sale = await new_sale(300)
    slots = asyncio.Semaphore(40)

    async def buy() -> None:
        visitor = new_id()
        async with slots:
            await sale.admit(visitor)
            while True:
                try:
                    intent, _ = await sale.services.intents.start(
                        sale.slug, visitor, [sale.line()], client_address="203.0.113.9"
                    )
                except SurgeError:
                    await asyncio.sleep(0.05)
                else:
                    break
            start = await sale.start_payment(intent.id, visitor)
            await sale.call_back(await gateway.attempt(start.order_id or "", "captured"))

    await asyncio.gather(*(buy() for _ in range(300)))
    assert (await sale.counts())["sold"] == 300
    assert await sale.violations() == []
