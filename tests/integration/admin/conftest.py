"""Organizers who are signed in: over HTTP, and for States of this process."""

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


@pytest_asyncio.fixture
async def organizer(surge: Surge) -> AsyncGenerator[httpx.AsyncClient]:
    """A signed-in organizer, by session."""
    async with httpx.AsyncClient(base_url=surge.url, timeout=30) as http:
        answer = await http.get("/admin", auth=surge.organizer)
        assert answer.status_code == 200
        yield http
