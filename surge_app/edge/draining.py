"""A node that was told to stop gives its connections back one by one, before it closes them all.

A proxy keeps connections to a node. What it sends over one in the very moment the node closes it
is lost, and it must not send a purchase again by itself.
"""

from __future__ import annotations

from os import F_OK, access

from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app.edge.http import with_headers
from surge_app.settings import Settings

_LAST = ((b"connection", b"close"),)


class Draining:
    """Wraps everything; answers are the last ones of their connection while the node drains."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Keep the application behind, and where the launcher says that the node drains."""
        self._app = app
        # Asked for each poll; a `Path` takes three times as long.
        self._mark = str(settings.drain_mark)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        # HTTP/2 has a frame for this, and forbids the header.
        if scope["type"] == "http" and scope["http_version"] != "2" and access(self._mark, F_OK):
            send = with_headers(send, _LAST)
        await self._app(scope, receive, send)
