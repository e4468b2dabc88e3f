"""The shipped files of nginx and PgBouncer, in front of and behind a running Surge."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from PIL import Image

from bench.proxy_setup import Pooler, Proxy
from surge_app.clock import new_id
from surge_app.container import Container, running
from surge_app.kv import keys
from surge_app.launcher.ports import free_port
from surge_app.services.access.signing_keys import is_signed, read_jwk_set
from surge_app.services.checkout.views import OrderLine
from tests.conftest import Customer, NewSale, Surge

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def proxy(surge: Surge, tmp_path_factory: pytest.TempPathFactory) -> Generator[Proxy]:
    """nginx before two nodes, of which one is dead."""
    folder = tmp_path_factory.mktemp("front") / "proxy"
    with Proxy(folder, [surge.settings.port, free_port()]) as running_proxy:
        yield running_proxy


@pytest_asyncio.fixture
async def http(proxy: Proxy) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=proxy.url, verify=proxy.trust(), timeout=30) as client:
        yield client


async def test_nobody_notices_that_one_of_two_nodes_is_dead(
    surge: Surge, services: Container, http: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale(units=5)
    await services.waiting_room.publish()
    for _ in range(3):
        http.cookies.clear()
        buyer = Customer(http, slug)
        assert (await buyer.join())["state"] == "admitted"
        held = await buyer.hold()
        assert held.status_code == 201, held.text
        order = (await buyer.start_payment(held.json()["id"])).json()
        async with httpx.AsyncClient(base_url=surge.url) as vendor:
            fields = await Customer(vendor, slug).attempt(order["order_id"])
        assert (await buyer.callback(fields)).status_code == 200


async def test_what_is_not_for_the_public_is_not_there(http: httpx.AsyncClient) -> None:
    for path in ("/metrics", "/sandbox/outbox", "/sandbox/razorpay/checkout.js"):
        assert (await http.get(path)).status_code == 404


async def test_a_picture_of_ten_megabytes_passes_and_no_other_body_of_that_size(
    surge: Surge, http: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    noise = Image.frombytes("RGB", (1800, 1800), secrets.token_bytes(1800 * 1800 * 3))
    noise.save(picture := BytesIO(), "PNG")
    assert 9_000_000 < len(picture.getvalue()) < 10 * 2**20
    sent = {"content": picture.getvalue(), "auth": surge.organizer}
    cover = await http.put(f"/api/admin/events/{slug}/cover", **sent)
    assert cover.status_code == 200, cover.text
    assert (await http.put(f"/api/admin/events/{slug}", **sent)).status_code == 413


async def test_files_are_kept_by_browsers_and_answers_about_a_person_by_nobody(
    http: httpx.AsyncClient, new_sale: NewSale
) -> None:
    slug = await new_sale()
    style = await http.get("/surge.css", headers={"accept-encoding": "gzip"})
    assert style.headers["cache-control"] == "public, max-age=60"
    assert style.headers["content-encoding"] == "gzip"
    assert "set-cookie" not in style.headers
    line = await http.get(f"/api/queue/{slug}")
    assert "no-store" in line.headers["cache-control"]


async def test_a_node_makes_what_anyone_may_know_once_however_many_ask(
    http: httpx.AsyncClient, new_sale: NewSale, services: Container
) -> None:
    slug = await new_sale()
    await services.waiting_room.publish()
    path = f"/api/queue/{slug}/public"
    mine = {"cookie": "surge_visitor=anything", "accept-encoding": "gzip"}
    asked = [http.get(path, params={"n": n}, headers=mine) for n in range(40)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {200}
    # A new one each second at most; the dead node beside it is passed over.
    assert len({answer.headers["etag"] for answer in answers}) < 20
    published = read_jwk_set((await http.get("/api/tickets/keys")).json()["keys"])
    for answer in (*answers, await http.get(path, headers={"accept-encoding": "identity"})):
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"].startswith("public, s-maxage=1")
        assert is_signed(answer.content, answer.headers["surge-signature"], published)


@pytest.fixture
def pooler(services: Container) -> Generator[Pooler]:
    """PgBouncer in front of the session's Postgres, in a folder its account can reach."""
    with tempfile.TemporaryDirectory(prefix="surge-pooler-") as folder:
        Path(folder).chmod(0o755)
        with Pooler(Path(folder) / "pooler", services.settings) as running_pooler:
            yield running_pooler


async def test_a_sale_goes_through_a_pooler_in_transaction_mode(
    services: Container, pooler: Pooler, new_sale: NewSale
) -> None:
    slug = await new_sale(units=30)
    changes = {"database_url": pooler.url, "database_direct_url": services.settings.direct_url}
    pooled = services.settings.model_copy(update=changes)
    async with running(pooled, process="pooled") as behind:
        event = await behind.catalog.event(slug)
        selection = (OrderLine(event.tiers[0].id, 1),)
        visitors = [new_id() for _ in range(30)]
        ends = (time.time() + 600) * 1000
        passes = dict.fromkeys(visitors, ends)
        await behind.redis.zadd(keys.part(slug, "passes"), cast("Any", passes))
        held = await asyncio.gather(
            *(behind.intents.start(slug, visitor, selection) for visitor in visitors)
        )
        assert len({view.id for view, _ in held}) == 30
        assert [one.code for one in await behind.audit.run(slug=slug) if not one.holds] == []
