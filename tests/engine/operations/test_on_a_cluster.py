"""A sale whose line is on a Redis Cluster, from joining to the ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest
from redis.asyncio.cluster import ClusterNode, NodesManager
from redis.exceptions import MovedError

from surge_app.container import running
from surge_app.errors import ConfigurationError
from surge_app.kv.client import connect, information
from surge_app.launcher.connectivity import check_reachable
from surge_app.launcher.ports import free_port
from surge_app.sandbox.store import Orders
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.services.waiting_room.admission import JoinAttempt
from surge_app.settings import Settings, load_settings
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale, open_sale
from tests.redis_server import cluster_of_three

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def settings(backing: Settings) -> Generator[Settings]:
    with cluster_of_three() as nodes:
        yield backing.model_copy(
            update={
                "redis_url": f"redis+cluster://127.0.0.1:{nodes[0].port}",
                "states_redis_url": backing.redis_url,
                "rate_limits": True,
            }
        )


async def test_a_sale_goes_from_the_line_to_the_ticket_on_a_cluster(settings: Settings) -> None:
    async with running(settings, process="cluster") as plain:
        gateway = InProcessGateway(sandbox_keys(settings), Orders(lambda: plain.redis))
        async with running(settings, process="cluster", gateway=gateway) as services:
            for _ in range(3):
                sale = await open_sale(services, gateway, 2, concurrent_buyers=1)
                await services.waiting_room.publish()
                await _sell_out(sale)
            assert await information(services.redis, "persistence")


async def test_many_who_ask_before_the_cluster_is_known_are_sent_where_their_keys_are(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere: list[MovedError] = []
    monkeypatch.setattr(NodesManager, "move_slot", lambda _, error: elsewhere.append(error))
    client = connect(settings.redis_url or "")
    try:
        done = await asyncio.gather(*(client.set(f"place-{one}", one) for one in range(100)))
    finally:
        await client.aclose()
    assert all(done)
    assert elsewhere == []


async def test_a_command_whose_connection_was_closed_meanwhile_is_sent_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = ClusterNode.execute_command
    connection = SimpleNamespace(writer=None)
    failed: list[object] = []

    async def closed_at_first(node: ClusterNode, *args: Any, **options: Any) -> Any:
        if args[0] == "SET" and not failed:
            failed.append(args)
            connection.writer.writelines()
        return await execute(node, *args, **options)

    monkeypatch.setattr(ClusterNode, "execute_command", closed_at_first)
    client = connect(settings.redis_url or "")
    try:
        assert await client.set("a-place", "1")
        assert await client.get("a-place") == "1"
    finally:
        await client.aclose()
    assert failed


def test_a_cluster_is_found_reachable_or_named(settings: Settings) -> None:
    check_reachable(settings)
    nobody = settings.model_copy(update={"redis_url": f"redis+cluster://127.0.0.1:{free_port()}"})
    with pytest.raises(ConfigurationError, match=r"^REDIS_URL: Redis cannot be reached"):
        check_reachable(nobody)


def test_a_cluster_needs_another_redis_for_the_states_of_pages() -> None:
    with pytest.raises(ConfigurationError, match="SURGE_STATES_REDIS_URL must be set"):
        load_settings(redis_url="redis+cluster://127.0.0.1:7000")


async def _sell_out(sale: Sale) -> None:
    services = sale.services
    for name in ("first", "second"):
        visitor = f"{name}-{sale.slug}"
        answer = await services.joins.join(JoinAttempt(sale.slug, visitor, "198.51.100.7"))
        assert answer.state == "admitted"
        intent, _ = await services.intents.start(sale.slug, visitor, (sale.line(),))
        checkout = await sale.start_payment(intent.id, visitor)
        paid = await sale.gateway.attempt(checkout.order_id or "", "captured")
        assert await sale.call_back(paid) == "confirmed"
    assert (await sale.counts())["sold"] == 2
    assert await sale.violations() == []
