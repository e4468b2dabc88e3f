"""Joining with limits on: real Postgres and Redis, and the API behind its gate in process."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from surge_app.api import create_api
from surge_app.container import Container, installed, running
from surge_app.edge.middleware import EdgeMiddleware
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.kv.queue import QueueStore
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.services.waiting_room import admission
from surge_app.settings import Settings, load_settings
from tests.engine.conftest import migrate
from tests.integration.bots.visitors import Visitor
from tests.queue_factory import open_queue


@pytest.fixture(scope="session")
def backing() -> Generator[Settings]:
    """Settings that name a migrated Postgres and a Redis of their own; one proxy is trusted."""
    with tempfile.TemporaryDirectory(prefix="surge-bots-") as folder:
        settings = load_settings(data_dir=Path(folder), trusted_proxy_hops=1)
        with backing_services(development_secrets(settings)) as ready:
            migrate(ready)
            yield ready


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(backing: Settings) -> AsyncGenerator[Container]:
    """The services of one process, with limits."""
    async with running(backing, process="test") as container:
        yield container


@pytest.fixture(autouse=True)
def in_place(services: Container) -> Generator[None]:
    """Let the gate find these services, whatever other tests have installed in this process."""
    with installed(services):
        yield


@pytest.fixture(autouse=True)
def easy_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Challenges of full size are what the measurement is for."""
    monkeypatch.setattr(admission, "HASHES", 16)


@pytest.fixture
def new_line(services: Container) -> Callable[..., Awaitable[str]]:
    """Open a queue in Redis alone; takes what `LineRules` takes, and returns the event's slug."""

    async def create(**rules: object) -> str:
        slug = f"queue-{secrets.token_hex(6)}"
        await open_queue(QueueStore(services.redis), slug, **rules)  # pyright: ignore[reportArgumentType]
        return slug

    return create


@pytest.fixture
def gate(services: Container) -> EdgeMiddleware:
    """The API behind the gate, as it is served."""
    api = create_api()
    return EdgeMiddleware(api, api, services.settings, arguments_of({}))


@pytest_asyncio.fixture
async def new_visitor(gate: EdgeMiddleware) -> AsyncGenerator[Callable[..., Visitor]]:
    """Make visitors; each has a cookie jar of its own, and an address as the proxy tells it."""
    clients: list[httpx.AsyncClient] = []

    def create(address: str | None = None, **headers: str) -> Visitor:
        address = address or f"198.51.{secrets.randbelow(256)}.{secrets.randbelow(256)}"
        browser = {
            "user-agent": "Mozilla/5.0",
            "accept-language": "en-IN",
            "x-forwarded-for": address,
        }
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(gate),
            base_url="http://localhost",
            headers={**browser, **headers},
        )
        clients.append(client)
        return Visitor(client)

    yield create
    for client in clients:
        await client.aclose()
