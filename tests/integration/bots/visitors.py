"""Someone who joins, and solves what is asked."""

from __future__ import annotations

from typing import Any

import httpx

from surge_app.services.waiting_room.proof_of_work import solve


class Visitor:
    """A browser with its own cookies."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def post(self, slug: str, **body: object) -> httpx.Response:
        """Ask for a place, as a page does that has been open for a while."""
        return await self.http.post(f"/api/queue/{slug}", json={"opened_ms": 60_000, **body})

    async def challenge(self, slug: str, **body: object) -> dict[str, Any]:
        """Ask for a place and return the challenge that stands before it."""
        answer = await self.post(slug, **body)
        assert answer.status_code == 428, answer.text
        return answer.json()["challenge"]

    async def join(self, slug: str, **body: object) -> httpx.Response:
        """Take a place, and solve what is asked for it once."""
        answer = await self.post(slug, **body)
        if answer.status_code != 428:
            return answer
        return await self.post(slug, solution=solve(answer.json()["challenge"]), **body)
