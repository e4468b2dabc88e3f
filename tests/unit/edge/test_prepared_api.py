"""An API that is prepared before its first request, and keeps nothing of a refused one."""

from __future__ import annotations

import gc
import json

import httpx
import pytest
from fastapi import routing
from starlette.types import Message

from surge_app.api import create_api, dependencies

_JOIN = {
    "type": "http",
    "http_version": "1.1",
    "method": "POST",
    "scheme": "http",
    "path": "/api/queue/gala",
    "query_string": b"",
    "root_path": "",
    "headers": [(b"host", b"localhost"), (b"content-type", b"application/json")],
}


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


@pytest.mark.parametrize(
    "body",
    [
        b"{" + b",".join(b'"%d":1' % number for number in range(1_600)) + b"}",
        b'{"solution":[' + b"1," * 7_000 + b"1]}",
        b'{"opened_ms":"' + b"x" * 15_000 + b'"}',
        b"[" * 15_000,
        b"{" + b" " * 15_000,
        b"\xff" * 15_000,
        b"9" * 15_000,
    ],
)
async def test_a_refused_body_is_freed_without_the_garbage_collector(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = create_api()
    api.prepare()
    monkeypatch.setattr(dependencies, "current", lambda: None)

    async def refuse() -> None:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body}

        async def send(message: Message) -> None:
            sent.append(message)

        await api({**_JOIN, "state": {}}, receive, send)
        assert sent[0]["status"] in {400, 422}

    await refuse()
    gc.collect()
    gc.disable()
    try:
        for _ in range(50):
            await refuse()
        left = gc.collect()
    finally:
        gc.enable()
    # A cycle has a dozen objects; whatever else runs in this process may leave a few.
    assert left < 250
