"""States of the admin area in this process, over the real services, for a signed-in organizer."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx
import pytest_asyncio

from surge_app.container import Container, installed
from tests.conftest import Surge


@pytest_asyncio.fixture
async def cookie(surge: Surge, services: Container) -> AsyncGenerator[str]:
    """The session of an organizer who signed in, for States of this process."""
    async with httpx.AsyncClient(base_url=surge.url, auth=surge.organizer) as http:
        answer = await http.get("/admin")
    pairs = [f"{name}={value}" for name, value in answer.cookies.items()]
    with installed(services):
        yield "; ".join(pairs)
