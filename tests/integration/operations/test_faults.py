"""A running Surge loses its processes in the middle of a sale; who waits or holds keeps it.

`python -m bench faults` does this in every way and at length; see docs/explanation/reliability.md.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio

from bench.clients import Client, Customer, Diary
from bench.fault_definitions import FAULTS
from bench.faults import is_bare
from bench.stack import Node, Stack
from surge_app.container import Container
from tests.conftest import NewSale, Surge, eventually


@pytest_asyncio.fixture
async def stack(surge: Surge, services: Container) -> AsyncGenerator[Stack]:
    """The Surge of the session, to be broken, and whole again afterwards."""
    node = Node("a", surge.settings, surge.environment, surge.log)
    made = Stack(surge.url, services.settings, [node], surge.settings.data_dir)
    workers = len(node.workers())
    yield made

    async def is_whole() -> bool:
        return len(node.workers()) == workers and node.is_ready()

    await eventually(is_whole, about="the whole stack")
    # The connections of these services were cut with all others.
    await services.database.close()


@pytest_asyncio.fixture
async def client(stack: Stack) -> AsyncGenerator[Client]:
    made = Client(stack, Diary())
    yield made
    await made.close()


async def test_who_waits_and_who_holds_keep_it_when_processes_are_killed(
    stack: Stack, services: Container, client: Client, new_sale: NewSale
) -> None:
    slug = await new_sale(units=2, concurrent_buyers=1)
    await services.waiting_room.publish()
    holder, *waiting = [Customer(client, slug) for _ in range(4)]
    assert await holder.wait_inside(30)
    assert await holder.hold()
    for person in waiting:
        assert await person.join() == "waiting"
    numbers = [person.number for person in waiting]
    held = await holder.read_intent()
    led = stack.leader().pid
    for name in ("redis-killed", "leader-killed"):
        await FAULTS[name].strike(stack, services)
        for person in waiting:
            assert await person.poll() == "waiting"
        assert (await holder.read_intent())["expires_at"] == held["expires_at"]

    async def is_led_by_another() -> bool:
        return stack.leader().pid != led

    await eventually(is_led_by_another, about="another leader")
    assert [person.number for person in waiting] == numbers
    assert await holder.pay() == "booked"
    await holder.ask("DELETE", f"/api/queue/{slug}")
    assert await waiting[0].wait_inside(60)
    assert client.diary.losses == []
    assert not [what for what in client.diary.errors if is_bare(what)]
    assert [one.code for one in await services.audit.run(slug=slug) if not one.holds] == []


async def test_a_cut_off_database_is_told_in_a_sentence_and_comes_back(
    stack: Stack, services: Container, client: Client, new_sale: NewSale
) -> None:
    slug = await new_sale(units=2)
    await services.waiting_room.publish()
    buyer = Customer(client, slug)
    assert await buyer.wait_inside(30)
    await FAULTS["connections-cut"].strike(stack, services)
    assert await buyer.hold()
    assert await buyer.pay() == "booked"
    assert client.diary.losses == []
    assert not [what for what in client.diary.errors if is_bare(what)]
