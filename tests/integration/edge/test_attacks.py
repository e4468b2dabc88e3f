"""Attacks that once worked, as a stranger would repeat them against a running Surge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.client import NEVER_DECODE

from surge_app.container import Container
from surge_app.edge.websockets import websocket_guard
from surge_app.kv.client import connect
from tests.conftest import NewBuyer, NewSale, Surge, eventually
from tests.integration.raw_socket import Socket, connected, handshake

PARTICIPANTS = "state.admin.bookings.participants.ParticipantsState"
HYDRATE = "reflex___state____state.hydrate_and_load"


@pytest_asyncio.fixture
async def states(services: Container) -> AsyncGenerator[Redis]:
    """The Redis that holds the states of open pages."""
    client = connect(services.settings.reflex_redis_url or "", client_name="test")
    yield client
    await client.aclose()


async def _states_of(states: Redis, token: str) -> list[str]:
    return [key async for key in states.scan_iter(f"{token}_*")]


async def _hydrate(socket: Socket, path: str) -> str:
    """Connect as a page does that was open before, and return all that the server sends."""
    router = f'"router_data":{{"pathname":"{path}","asPath":"{path}"}}'
    await socket.send(f'42/_event,["event",{{"name":"{HYDRATE}","payload":{{}},{router}}}]')
    found: list[str] = []
    try:
        async with asyncio.timeout(3):
            while True:
                found.append(await socket.receive())
    except TimeoutError:
        return "".join(found)


async def test_a_tab_left_open_shows_nothing_after_signing_out(
    surge: Surge, states: Redis, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    ref = await buyer.buy()
    page = f"/admin/events/{slug}/participants"
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        await http.get("/admin", auth=surge.organizer)
        async with connected(surge.url, dict(http.cookies)) as socket:
            token = socket.token
            assert ref in str(await socket.event(PARTICIPANTS, "load", page))

        async def is_saved() -> bool:
            return bool(await _states_of(states, token))

        # Reflex saves after it has sent.
        await eventually(is_saved, about="the state of the page")
        await http.post("/admin/logout")
    assert await _states_of(states, token) == []
    async with connected(surge.url, dict(buyer.http.cookies), token) as socket:
        assert ref not in (await _hydrate(socket, page)).replace(page, "")


async def test_a_token_of_someone_else_brings_no_state_of_theirs(
    surge: Surge, states: Redis, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    ref = await new_buyer(slug).buy()
    stranger = new_buyer(await new_sale())
    await stranger.join()
    page = f"/admin/events/{slug}/participants"
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        await http.get("/admin", auth=surge.organizer)
        async with connected(surge.url, dict(http.cookies)) as socket:
            assert ref in str(await socket.event(PARTICIPANTS, "load", page))
    async with connected(surge.url, dict(stranger.http.cookies), socket.token) as other:
        assert ref not in (await _hydrate(other, page)).replace(page, "")


async def test_a_pass_that_was_given_back_connects_no_more(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    cookies = dict(buyer.http.cookies)
    assert await handshake(surge.url, cookies) == 101
    await buyer.http.delete(f"/api/queue/{buyer.slug}")
    assert await handshake(surge.url, cookies) == 403


async def test_one_browser_opens_few_connections(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    cookies, most = dict(buyer.http.cookies), websocket_guard._MAX_PER_OWNER
    async with AsyncExitStack() as stack:
        refused = 0
        for _ in range(most * surge.settings.worker_count + 1):
            try:
                await stack.enter_async_context(connected(surge.url, cookies))
            except AssertionError:
                refused += 1
        assert refused


async def test_what_a_client_says_of_its_page_is_not_stored(
    surge: Surge, states: Redis, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    mark = "stored-for-an-hour"
    async with connected(surge.url, dict(buyer.http.cookies)) as socket:
        router = f'"router_data":{{"pathname":"/book/x","asPath":"/book/x","a":"{mark * 300}"}}'
        await socket.send(f'42/_event,["event",{{"name":"{HYDRATE}","payload":{{}},{router}}}]')
        while not await socket.update():
            pass
        keys = await _states_of(states, socket.token)
        assert keys
        for key in keys:
            assert mark.encode() not in await _raw(states, key)


async def _raw(states: Redis, key: str) -> bytes:
    return await states.execute_command("GET", key, **{NEVER_DECODE: True}) or b""


@pytest.mark.parametrize("path", ["/bookings/find", "/events", "/admin/events/new", "/admin"])
async def test_no_page_redirects_to_the_host_that_a_client_names(surge: Surge, path: str) -> None:
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        answer = await http.get(path, headers={"host": "surge.localhost"})
        assert (answer.status_code, answer.headers.get("location")) == (200, None)
        foreign = await http.get(path, headers={"host": "evil.example"})
        assert (foreign.status_code, "evil.example" in foreign.text) == (421, False)


@pytest.mark.parametrize(
    "path", ["/_health", "/ping", "/admin.html", "/_upload", "/_all_routes", "/__spa-fallback.html"]
)
async def test_what_reflex_serves_beside_pages_is_closed(surge: Surge, path: str) -> None:
    async with httpx.AsyncClient(base_url=surge.url) as http:
        assert (await http.get(path)).status_code == 404


async def test_personal_json_is_kept_by_no_cache(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    slug = await new_sale()
    buyer = new_buyer(slug)
    intent, order = await buyer.order()
    outcome = await buyer.callback(await buyer.attempt(str(order["order_id"])))
    ref = outcome.json()["booking_ref"]
    paths = [f"/api/intents/{intent['id']}", f"/api/bookings/{ref}"]
    paths += [f"/api/bookings/{ref}/messages", f"/api/bookings/{ref}/tickets.pdf"]
    for path in paths:
        answer = await buyer.http.get(path)
        assert answer.is_success, path
        assert "no-store" in answer.headers["cache-control"], path
    for path in (f"/api/admin/events/{slug}/stats", f"/api/admin/events/{slug}/participants.csv"):
        answer = await buyer.http.get(path, auth=surge.organizer)
        assert answer.is_success, path
        assert "no-store" in answer.headers["cache-control"], path


async def test_a_page_of_another_site_opens_no_live_connection(
    surge: Surge, new_sale: NewSale, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(await new_sale())
    await buyer.join()
    port = urlsplit(surge.url).port
    expected = {
        # Ours, by an address and by a name of this machine.
        (f"http://127.0.0.1:{port}", f"127.0.0.1:{port}"): 101,
        (f"http://laptop.localhost:{port}", f"laptop.localhost:{port}"): 101,
        # Another site, another port, no site, and a name that was bent to this address.
        ("https://evil.example", f"127.0.0.1:{port}"): 403,
        (f"http://127.0.0.1:{port + 1 if port else 1}", f"127.0.0.1:{port}"): 403,
        ("null", f"127.0.0.1:{port}"): 403,
        (f"http://evil.example:{port}", f"evil.example:{port}"): 403,
    }
    answered = {
        (origin, host): await handshake(
            surge.url, dict(buyer.http.cookies), headers={"Origin": origin, "Host": host}
        )
        for origin, host in expected
    }
    assert answered == expected
