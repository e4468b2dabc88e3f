"""A crowd that comes to a process that has just started."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from surge_app.edge.pages import event_pages
from surge_app.edge.pages.event_pages import EventPages
from surge_app.edge.routes import classify

_HTML = b"<html><head><title>Surge</title></head><body>A page</body></html>"
_SCOPE = {"type": "http", "method": "GET", "headers": [], "query_string": b""}


async def test_the_built_page_is_asked_for_once_however_many_come_first() -> None:
    asked: list[str] = []
    pages = _pages(asked)
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/queue/gala",
        "headers": [],
        "query_string": b"",
    }
    route = classify("/queue/gala")
    answers = await asyncio.gather(*(pages.shell(route, Request(scope), ()) for _ in range(200)))
    assert all(answer is not None and answer.status_code == 200 for answer in answers)
    assert asked == ["/events/-"]


async def test_the_page_of_events_that_do_not_exist_is_made_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages, packed = _pages([]), 0
    compress = event_pages.gzip.compress

    def counted(*arguments: Any, **more: Any) -> bytes:
        nonlocal packed
        packed += 1
        return compress(*arguments, **more)

    monkeypatch.setattr(event_pages.gzip, "compress", counted)
    for number in range(3):
        path = f"/events/none-{number}"
        scope = {**_SCOPE, "path": path}
        answer = await pages._missing(Request(scope))
        assert answer is not None
        assert (answer.status_code, b"noindex" in bytes(answer.body)) == (404, True)
    assert packed == 1


def _pages(asked: list[str]) -> EventPages:
    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": _HTML})

    return EventPages(app, app, base_url="http://localhost:3000")
