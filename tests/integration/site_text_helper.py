"""Texts of the shop's pages, which every test of a session shares."""

from __future__ import annotations

import asyncio

import httpx

from tests.conftest import Surge, eventually

# So many connections reach every worker.
_CONNECTIONS = 8


async def shown_by_every_worker(surge: Surge, path: str, text: str, *, is_shown: bool) -> None:
    """Wait until every worker shows a text, or none does: each reads the texts once a second."""

    async def page() -> str:
        async with httpx.AsyncClient(base_url=surge.url) as http:
            return (await http.get(path)).text

    async def is_so() -> bool:
        pages = await asyncio.gather(*(page() for _ in range(_CONNECTIONS)))
        return all((text in one) == is_shown for one in pages)

    await eventually(is_so, about=f"the text of {path}")
