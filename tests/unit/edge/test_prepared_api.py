"""An API that is prepared before its first request."""

from __future__ import annotations

import json

import httpx
import pytest
from fastapi import routing

from surge_app.api import create_api


async def test_no_request_builds_routes_or_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    api = create_api()
    api.prepare()
    document = api.openapi()
    built: list[object] = []

    def note(**more: object) -> None:
        built.append(more)

    monkeypatch.setattr(routing, "get_dependant", note)
    monkeypatch.setattr(api, "openapi", note)
    transport = httpx.ASGITransport(api)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        assert (await http.get("/api/nothing")).status_code == 404
        answer = await http.get("/api/openapi.json")
    assert json.loads(answer.content) == json.loads(json.dumps(document))
    assert not built
