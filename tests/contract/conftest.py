"""The vendors' stand-ins for the adapters' tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from surge_app.providers import RazorpayGateway, close_connections
from tests.contract.accounts import razorpay
from tests.contract.serving import Stand, redis_server, sandbox_stand

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(scope="session")
def sandbox_redis_url() -> Generator[str]:
    """A Redis for the stand-ins."""
    with redis_server() as url:
        yield url


@pytest_asyncio.fixture(autouse=True)
async def _vendor_connections() -> AsyncGenerator[None]:
    """Close what the adapters of a test opened."""
    yield
    await close_connections()


@pytest_asyncio.fixture
async def stand(sandbox_redis_url: str) -> AsyncGenerator[Stand]:
    """A running sandbox, empty."""
    async with sandbox_stand(sandbox_redis_url) as running:
        yield running


@pytest.fixture
def gateway(stand: Stand) -> RazorpayGateway:
    """The real adapter of Razorpay before the stand-in."""
    return razorpay(stand)
