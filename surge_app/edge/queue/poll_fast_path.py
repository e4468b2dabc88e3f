"""Fast path: answer queue polls from the in-process snapshot, before any other middleware.

The same for the public documents of a queue, which have no cookie in them.

There are thousands of polls a second before a big sale, and every layer around one costs more
than the response itself.
"""

from __future__ import annotations

import time
from secrets import token_hex
from typing import TypeAlias

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge.http import NO_STORE, encode
from surge_app.edge.queue.poll_endpoint import cookies_of
from surge_app.edge.security_headers import EdgeHeaders
from surge_app.observability.metrics import REQUESTS
from surge_app.settings import Settings

_PREFIX = "/api/queue/"
_Reply: TypeAlias = tuple[int, list[tuple[bytes, bytes]], bytes]


class PollFastPath:
    """Answers `GET /api/queue/{slug}`, and what is public below it, where a snapshot suffices."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        own = (("content-type", "application/json"), NO_STORE)
        self._public = EdgeHeaders(settings).poll
        self._headers = [*encode(own), *self._public]
        self._answered = REQUESTS.labels("poll", "2xx")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        reply = None
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith(_PREFIX)
            and container.is_installed()
        ):
            started_at = time.perf_counter()
            path = scope["path"][len(_PREFIX) :]
            reply = self._document(scope, path) if "/" in path else self._poll(scope, path)
            if reply is not None:
                self._answered.observe(time.perf_counter() - started_at)
        if reply is None:
            await self._app(scope, receive, send)
            return
        status, own, body = reply
        headers = [
            *own,
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", token_hex(8).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _document(self, scope: Scope, path: str) -> _Reply | None:
        found = container.current().public_queue.current(path)
        if found is None:
            return None
        sent = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        status, headers, body = found.reply(sent)
        return status, [*encode(headers.items()), *self._public], body

    def _poll(self, scope: Scope, slug: str) -> _Reply | None:
        services = container.current()
        snapshots = services.waiting_room.snapshots
        snapshot = snapshots.current(slug)
        if snapshot is None:
            return None
        body = snapshots.render(slug, snapshot, services.identity.visitor(cookies_of(scope)))
        return None if body is None else (200, self._headers, body.encode())
