"""Redis ended without its last seconds under two nodes, and Postgres says where numbers go on."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio
from redis.exceptions import RedisError
from sqlalchemy import select, update
from sqlmodel import col

from surge_app.clock import new_id
from surge_app.container import Container, running
from surge_app.errors import QueueUnavailable
from surge_app.kv.client import information
from surge_app.kv.queue import QueueStore
from surge_app.models import Event
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.redis_sync import QueueSync
from surge_app.services.waiting_room.views import QueueStatus
from surge_app.settings import Settings
from tests.conftest import eventually
from tests.engine.conftest import NewSale
from tests.redis_server import RedisServer


@pytest.fixture
def own_server() -> Generator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="surge-crash-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        yield server
        server.stop()


@pytest_asyncio.fixture
async def nodes(backing: Settings, own_server: RedisServer) -> AsyncGenerator[list[Container]]:
    """Two nodes over the Postgres of the tests and that Redis."""
    settings = backing.model_copy(update={"redis_url": own_server.url})
    async with running(settings, process="one") as one, running(settings, process="two") as two:
        yield [one, two]


async def _written(node: Container, server: RedisServer) -> dict[Path, int]:
    async def is_written() -> bool:
        return (await information(node.redis, "persistence"))["aof_buffer_length"] == 0

    await eventually(is_written, about="the file with every change")
    return server.written()


async def _joined(nodes: list[Container], slug: str, visitor: Visitor) -> QueueStatus:
    """Join while the jobs of both nodes look after the queues."""
    found: list[QueueStatus] = []

    async def is_joined() -> bool:
        try:
            await asyncio.gather(*(node.waiting_room.publish_due() for node in nodes))
            found.append(await nodes[0].waiting_room.join(slug, visitor))
        except QueueUnavailable:
            return False
        return found[-1].number is not None or found[-1].state == "admitted"

    await eventually(is_joined, about="a place in the queue")
    return found[-1]


async def test_no_number_is_issued_twice_after_a_crash_that_lost_the_last_ones(
    new_sale: NewSale, nodes: list[Container], own_server: RedisServer
) -> None:
    slug = (await new_sale(5, concurrent_buyers=1)).slug
    kept, lost, later = (Visitor(new_id()) for _ in range(3))
    assert (await _joined(nodes, slug, Visitor(new_id()))).state == "admitted"
    assert (await _joined(nodes, slug, kept)).number == 2
    written = await _written(nodes[0], own_server)
    assert (await _joined(nodes, slug, lost)).number == 3
    own_server.kill(keeping=written)
    own_server.start()
    newcomer = await _joined(nodes, slug, later)
    assert newcomer.number is not None
    assert newcomer.number > 3
    room = nodes[1].waiting_room
    back = await room.poll(slug, Visitor(lost.id, {slug: 3}))
    assert (back.number, back.position) == (3, 2)
    assert (await room.poll(slug, Visitor(later.id, {slug: newcomer.number}))).position == 3
    assert (await room.poll(slug, Visitor(kept.id, {slug: 2}))).position == 1


async def test_numbers_go_on_above_redis_where_an_older_postgres_was_restored(
    new_sale: NewSale, nodes: list[Container], own_server: RedisServer
) -> None:
    slug, store = (await new_sale(5, concurrent_buyers=1)).slug, QueueStore(nodes[0].redis)
    at_slug = col(Event.slug) == slug

    async def restore_older() -> None:
        async with nodes[0].database.transaction() as session:
            await session.execute(update(Event).where(at_slug).values(line_floor=1))

    async def is_known(number: int) -> bool:
        await nodes[0].waiting_room.publish_due()
        async with nodes[0].database.transaction() as session:
            return (
                await session.execute(select(col(Event.line_floor)).where(at_slug))
            ).scalar_one() >= number

    await _joined(nodes, slug, Visitor(new_id()))
    assert (await _joined(nodes, slug, Visitor(new_id()))).number == 2
    ceiling = (await store.stats(slug)).queue.ceiling or 0
    await restore_older()
    await eventually(lambda: is_known(ceiling), about="the numbers of Redis in Postgres")
    ceiling = (await store.stats(slug)).queue.ceiling or 0
    await restore_older()
    own_server.kill()
    own_server.start()
    newcomer = (await _joined(nodes, slug, Visitor(new_id()))).number or 0
    assert newcomer > ceiling
    assert await is_known(newcomer)


@pytest.mark.parametrize("meanwhile", ["a look at Redis", "nothing"])
async def test_a_crash_is_noticed_before_the_next_visitor_comes(
    new_sale: NewSale, nodes: list[Container], own_server: RedisServer, meanwhile: str
) -> None:
    slug = (await new_sale(5)).slug
    store = QueueStore(nodes[0].redis)
    sync = QueueSync(nodes[0].database, store, personal_below=1_000)
    await sync.run_due()
    await sync.run_due()
    assert slug in sync._sent
    own_server.kill()
    if meanwhile != "nothing":
        with pytest.raises(RedisError):
            await sync.run_due()
    own_server.start()
    assert (await store.stats(slug)).queue.start is None
    await sync.run_due()
    start = (await store.stats(slug)).queue.start
    assert start is not None
    assert start > 0
