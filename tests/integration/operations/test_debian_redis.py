"""A sale on the Redis that Debian ships, which is newer than the embedded one."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import redis

from bench.proxy_setup import program
from bench.stack import Stack, new_slug, one_node
from surge_app.clock import utc_now
from surge_app.container import running
from tests.conftest import Customer, eventually
from tests.redis_server import RedisServer

pytestmark = pytest.mark.nightly


@pytest.fixture
def server() -> Generator[RedisServer]:
    with tempfile.TemporaryDirectory(prefix="surge-debian-") as folder:
        made = RedisServer(Path(folder), program=Path(program("redis-server")))
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def stack(server: RedisServer) -> Generator[Stack]:
    """Surge over that server, with a Postgres of its own."""
    with one_node(environment={"REDIS_URL": server.url}) as running_stack:
        yield running_stack


def _sale(stack: Stack) -> str:
    settings, slug = stack.nodes[0].settings, new_slug("debian")
    new = {
        "slug": slug,
        "name": "Debian",
        "venue": "Here",
        "starts_at": (utc_now() + timedelta(days=1)).isoformat(),
        "tiers": [{"name": "General", "price_paise": 50_000, "units": 2}],
        "concurrent_buyers": 1,
        "challenge": "off",
    }
    organizer = (settings.admin_user, settings.admin_password or "")
    answer = httpx.post(f"{stack.url}/api/admin/events", auth=organizer, json=new, timeout=30)
    assert answer.is_success, answer.text
    return slug


async def test_a_queue_and_a_sale_run_on_it_and_outlive_its_crash(
    stack: Stack, server: RedisServer
) -> None:
    with redis.Redis.from_url(server.url) as client:
        version = str(client.info("server")["redis_version"])  # pyright: ignore[reportUnknownMemberType, reportIndexIssue]
    assert int(version.partition(".")[0]) >= 7
    slug = await asyncio.to_thread(_sale, stack)
    async with (
        httpx.AsyncClient(base_url=stack.url, timeout=30) as one,
        httpx.AsyncClient(base_url=stack.url, timeout=30) as other,
    ):
        first, second = Customer(one, slug), Customer(other, slug)
        assert (await first.join())["state"] == "admitted"
        waiting = await second.join()
        assert (waiting["state"], waiting["position"]) == ("waiting", 1)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

        async def is_waiting() -> bool:
            answer = await other.get(f"/api/queue/{slug}")
            return answer.status_code == 200 and answer.json()["number"] == waiting["number"]

        await eventually(is_waiting, about="the place in the queue")
        await first.buy()

        async def is_admitted() -> bool:
            return (await second.poll())["state"] == "admitted"

        await eventually(is_admitted, about="the turn of the next visitor")
        await second.buy()
    async with running(stack.settings, process="after") as services:
        assert (await services.catalog.event(slug)).status == "sold_out"
        assert [one.code for one in await services.audit.run() if not one.holds] == []
