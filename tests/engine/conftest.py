"""The engine alone: real Postgres and Redis, the services, and a gateway in this process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio

from surge_app.container import Container, running
from surge_app.launcher.embedded_servers import backing_services
from surge_app.launcher.stored_secrets import development_secrets
from surge_app.services.vendors.circuit_breaker import FailureWindow
from surge_app.services.vendors.sandbox_credentials import sandbox_keys
from surge_app.settings import Settings, load_settings
from tests.engine.gateway import InProcessGateway
from tests.engine.sale_helper import Sale, open_sale

NewSale = Callable[..., Awaitable[Sale]]

# What other tests left behind must not be asked about, counted or sent in this one.
_LEFT_BEHIND = (
    "UPDATE gateway_outages SET closed_at = now() WHERE closed_at IS NULL",
    "UPDATE intents SET expires_at = now() + interval '1 day' WHERE status IN ('held', 'paying')",
    "UPDATE refunds SET next_attempt_at = 'tomorrow' WHERE next_attempt_at IS NOT NULL",
)


def migrate(settings: Settings) -> None:
    """Bring a database to the newest schema."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        env={**os.environ, "DATABASE_URL": settings.database_url or ""},
        check=True,
        capture_output=True,
    )


@pytest.fixture(scope="session")
def backing() -> Generator[Settings]:
    """Settings that name a migrated Postgres and a Redis of their own."""
    with tempfile.TemporaryDirectory(prefix="surge-engine-") as folder:
        settings = development_secrets(load_settings(data_dir=Path(folder)))
        with backing_services(settings) as ready:
            migrate(ready)
            yield ready


@pytest.fixture(scope="session")
def gateway(backing: Settings) -> InProcessGateway:
    """The gateway of these services."""
    return InProcessGateway(sandbox_keys(backing))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def services(backing: Settings, gateway: InProcessGateway) -> AsyncGenerator[Container]:
    """The services of one process, without a web server."""
    async with running(backing, process="test", gateway=gateway) as container:
        yield container


@pytest.fixture
def new_sale(services: Container, gateway: InProcessGateway, backing: Settings) -> NewSale:
    """Create a sale of its own for a test; takes what `open_sale` takes after the gateway."""
    with psycopg.connect(backing.database_url or "", autocommit=True) as connection:
        for statement in _LEFT_BEHIND:
            connection.execute(statement)
    services.outages._window = FailureWindow()
    services.outages._loaded_at = float("-inf")

    async def create(*units: int, **settings: object) -> Sale:
        return await open_sale(services, gateway, *units, **settings)

    return create
