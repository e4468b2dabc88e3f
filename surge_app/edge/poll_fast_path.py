"""The fast path: polls answered from what this process keeps of the line, outside everything else.

There are thousands of polls a second before a big sale. Whatever surrounds one costs more than
the answer itself, so this stands in front of the watch and the gate and lets the rest through.
"""

from __future__ import annotations

import time
from secrets import token_hex

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge.poll_endpoint import cookies_of
from surge_app.edge.routes import QUEUE_API
from surge_app.edge.security_headers import headers_of_polls, security_headers
from surge_app.observability.metrics import REQUESTS
from surge_app.settings import Settings


class PollFastPath:
    """Answers `GET /api/queue/{slug}` where a snapshot says enough; passes everything else on."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Keep the application behind, and encode once what every answer carries."""
        self._app = app
        self._headers = [
            (name.encode(), value.encode())
            for name, value in (
                ("content-type", "application/json"),
                ("cache-control", "no-store"),
                *headers_of_polls(security_headers(settings)),
            )
        ]
        self._answered = REQUESTS.labels("poll", "2xx")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        body = None
        if (
            scope["type"] == "http"
            and scope["method"] == "GET"
            and scope["path"].startswith(QUEUE_API)
            and container.is_installed()
        ):
            begun_at = time.perf_counter()
            body = self._body(scope)
            if body is not None:
                self._answered.observe(time.perf_counter() - begun_at)
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
        slug = scope["path"][len(QUEUE_API) :]
        snapshots = services.waiting_room.snapshots
        snapshot = snapshots.current(slug)
        if snapshot is None:
            return None
        body = snapshots.render(slug, snapshot, services.identity.who(cookies_of(scope)))
        return None if body is None else body.encode()
