"""The outermost layer: which polls it answers by itself, and that it passes on all others."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from starlette.responses import PlainTextResponse

from surge_app.container import Container, installed
from surge_app.edge.queue.poll_fast_path import PollFastPath
from surge_app.kv.queue import QueueStore
from surge_app.services.access.identity import Identity, Visitor
from surge_app.services.access.signing_keys import SigningKeys, is_signed, read_jwk_set
from surge_app.services.waiting_room.public_queue import PublicQueue
from surge_app.services.waiting_room.snapshots import QueueSnapshots
from surge_app.settings import load_settings
from tests.lua.queue_clock import Queue

IDENTITY = Identity(("a key of the test",), secure=False)
KEYS = SigningKeys(("a key of the test",))
BEHIND = "from behind"


@pytest_asyncio.fixture
async def snapshots(redis: Redis) -> AsyncGenerator[QueueSnapshots]:
    made = QueueSnapshots(QueueStore(redis))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def client(snapshots: QueueSnapshots) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of the layer alone, whose container has nothing but snapshots and identity."""
    services = SimpleNamespace(
        waiting_room=SimpleNamespace(snapshots=snapshots),
        identity=IDENTITY,
        public_queue=PublicQueue(snapshots, KEYS),
    )
    app = PollFastPath(PlainTextResponse(BEHIND), load_settings())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as made:
        with installed(cast("Container", services)):
            yield made


def _cookie(slug: str, number: int | None) -> dict[str, str]:
    visitor = Visitor("someone", {} if number is None else {slug: number})
    return {"cookie": IDENTITY.set_queue_cookie(visitor).header.partition(";")[0]}


async def _asked(client: httpx.AsyncClient, path: str, **options: Any) -> httpx.Response:
    return await client.request(options.pop("method", "GET"), path, **options)


async def test_who_waits_and_strangers_are_answered_without_the_application_behind(
    queue: Queue, snapshots: QueueSnapshots, client: httpx.AsyncClient
) -> None:
    await queue.join_all("inside", "a", "b")
    await snapshots.wait_for_next(queue.slug)
    path = f"/api/queue/{queue.slug}"
    second = await _asked(client, path, headers=_cookie(queue.slug, 3))
    assert (second.json()["state"], second.json()["position"]) == ("waiting", 2)
    assert second.headers["cache-control"] == "no-store"
    assert second.headers["x-content-type-options"] == "nosniff"
    stranger = await _asked(client, path)
    assert stranger.json()["state"] == "not_joined"
    forged = _cookie(queue.slug, 3)["cookie"][:-4] + "AAAA"
    assert (await _asked(client, path, headers={"cookie": forged})).json()["number"] is None
    assert stranger.headers["x-request-id"] != second.headers["x-request-id"]


async def test_who_was_called_or_has_no_number_yet_is_not_answered_from_what_is_kept(
    queue: Queue, snapshots: QueueSnapshots, client: httpx.AsyncClient
) -> None:
    await queue.join_all("inside", "a")
    await snapshots.wait_for_next(queue.slug)
    path = f"/api/queue/{queue.slug}"
    for number in (1, None, 3):
        answer = await _asked(client, path, headers=_cookie(queue.slug, number))
        assert answer.text == BEHIND


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/queue/{slug}"),
        ("DELETE", "/api/queue/{slug}"),
        ("GET", "/api/queue/{slug}/x"),
        ("GET", "/api/queue/"),
        ("GET", "/api/queue/no-such-event"),
        ("GET", "/queue/{slug}"),
    ],
)
async def test_everything_else_is_passed_on(
    queue: Queue, snapshots: QueueSnapshots, client: httpx.AsyncClient, method: str, path: str
) -> None:
    await queue.join_all("inside", "a")
    await snapshots.wait_for_next(queue.slug)
    answer = await _asked(client, path.format(slug=queue.slug), method=method)
    assert answer.text == BEHIND


async def test_a_line_nobody_has_looked_at_lately_is_not_guessed(
    queue: Queue, client: httpx.AsyncClient
) -> None:
    await queue.join_all("inside", "a")
    answer = await _asked(client, f"/api/queue/{queue.slug}", headers=_cookie(queue.slug, 2))
    assert answer.text == BEHIND


async def test_the_public_snapshot_is_for_any_cache_and_names_nobody(
    queue: Queue, snapshots: QueueSnapshots, client: httpx.AsyncClient
) -> None:
    await queue.join_all("inside", *(f"v{n}" for n in range(30)))
    await queue.leave("v3")
    await snapshots.wait_for_next(queue.slug)
    path = f"/api/queue/{queue.slug}/public"
    found = await _asked(client, path, headers=_cookie(queue.slug, 3))
    assert found.headers["cache-control"] == "public, s-maxage=1, stale-while-revalidate=5"
    assert found.headers["content-encoding"] == "gzip"
    assert found.headers["vary"] == "accept-encoding"
    assert "set-cookie" not in found.headers
    assert (found.json()["state"], found.json()["waiting"]) == ("waiting", 29)
    assert found.content == (await _asked(client, path)).content
    keys = read_jwk_set(KEYS.jwk_set()["keys"])
    assert is_signed(found.content, found.headers["surge-signature"], keys)
    assert not is_signed(found.content + b" ", found.headers["surge-signature"], keys)
    plain = await _asked(client, path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    known = {"if-none-match": found.headers["etag"]}
    if plain.headers["etag"] == found.headers["etag"]:
        unchanged = await _asked(client, path, headers=known)
        assert unchanged.status_code == 304 or unchanged.headers["etag"] != known["if-none-match"]


async def test_a_public_block_leads_from_a_number_to_its_exact_position(
    queue: Queue, snapshots: QueueSnapshots, client: httpx.AsyncClient
) -> None:
    await queue.join_all("inside", *(f"v{n}" for n in range(60)))
    for n in range(0, 60, 7):
        await queue.leave(f"v{n}")
    snapshot = await snapshots.wait_for_next(queue.slug)
    path = f"/api/queue/{queue.slug}/public"
    found = (await _asked(client, path)).json()
    size, first = found["blocks"]["size"], found["blocks"]["first"]
    block = (await _asked(client, f"{path}/{size}-{first}")).json()
    bits = base64.b64decode(block["bits"])
    places = [at + first * size for at in range(size) if bits[at >> 3] >> 7 - (at & 7) & 1]
    assert found["head"] == places[0]
    for number in places:
        ahead = found["blocks"]["ahead"][number // size - first] + places.index(number)
        assert ahead == snapshot.visitors_ahead(number)
    assert (await _asked(client, f"{path}/{size}-{first + 9}")).text == BEHIND
    assert (await _asked(client, f"{path}/{size * 2}-{first}")).text == BEHIND
