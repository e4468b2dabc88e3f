"""Fast path: answer queue polls from the in-process snapshot, before any other middleware.

There are thousands of polls a second before a big sale, and every layer around one costs more
than the response itself.
"""

from __future__ import annotations

import time
from secrets import token_hex

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge.http import NO_STORE, encode
from surge_app.edge.queue.poll_endpoint import cookies_of
from surge_app.edge.security_headers import EdgeHeaders
from surge_app.observability.metrics import REQUESTS
from surge_app.settings import Settings

_PREFIX = "/api/queue/"


class PollFastPath:
    """Answers `GET /api/queue/{slug}` where a snapshot suffices; passes everything else on."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        own = (("content-type", "application/json"), NO_STORE)
        self._headers = [*encode(own), *EdgeHeaders(settings).poll]
        self._answered = REQUESTS.labels("poll", "2xx")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        body = None
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith(_PREFIX)
            and container.is_installed()
        ):
            started_at = time.perf_counter()
            body = self._body(scope)
            if body is not None:
                self._answered.observe(time.perf_counter() - started_at)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [
            *self._headers,
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", token_hex(8).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _body(self, scope: Scope) -> bytes | None:
        services = container.current()
        slug = scope["path"][len(_PREFIX) :]
        snapshots = services.waiting_room.snapshots
        snapshot = snapshots.current(slug)
        if snapshot is None:
            return None
        body = snapshots.render(slug, snapshot, services.identity.visitor(cookies_of(scope)))
        return None if body is None else body.encode()
