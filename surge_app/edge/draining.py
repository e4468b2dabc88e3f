"""Close connections one by one while the node stops.

A proxy keeps connections to a node. A request that it sends in the very moment the node closes
one is lost, and a purchase must not be repeated automatically.
"""

from __future__ import annotations

from os import F_OK, access

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app.edge.http import LAST, encode, with_headers
from surge_app.settings import Settings

_CLOSE = encode(LAST)


class Draining:
    """Makes each response the last one of its connection while the node drains."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        # Checked for each poll; a `Path` takes three times as long.
        self._mark = str(settings.drain_mark)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        # HTTP/2 has a frame for this, and forbids the header.
        if scope["type"] == "http" and scope["http_version"] != "2" and access(self._mark, F_OK):
            send = with_headers(send, _CLOSE)
        await self._app(scope, receive, send)
