"""The outermost layer: gives a request its id, and counts how it went."""

from __future__ import annotations

import re
import time
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surge_app.observability import tracing
from surge_app.observability.metrics import REQUESTS, SOCKETS
from surge_app.settings import Settings

_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HEADER = b"x-request-id"
_TRACE = b"traceparent"
_API = {
    "bookings": "booking",
    "admin": "console",
    "payments": "callback",
    "webhooks": "webhook",
    "livez": "health",
    "readyz": "health",
}
_ROOTS = {
    "": "cold_page",
    "events": "cold_page",
    "queue": "cold_page",
    "book": "hot_page",
    "bookings": "hot_page",
    "admin": "console_page",
    "sandbox": "sandbox",
    "metrics": "health",
}


class RequestLog:
    """Wraps the gate. Every line that is logged for a request carries its id.

    The id goes back in `x-request-id`. One that came along is kept only if a proxy is trusted:
    anybody else could make the log of one request look like that of another.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Keep the application behind."""
        self._app = app
        self._believes = settings.trusted_proxy_hops > 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            SOCKETS.inc()
            try:
                await self._app(scope, receive, send)
            finally:
                SOCKETS.dec()
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun_at = time.perf_counter()
        route = route_of(scope["method"], scope["path"])
        request_id = self._id_of(scope)
        has_answered = False

        async def watched(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                has_answered = True
                seconds = time.perf_counter() - begun_at
                REQUESTS.labels(route, f"{message['status'] // 100}xx").observe(seconds)
                headers = [*message.get("headers", ()), (_HEADER, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        with (
            tracing.span(
                route,
                kind="server",
                continues=self._told(scope, _TRACE),
                request=request_id,
            ),
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                await self._app(scope, receive, watched)
            finally:
                if not has_answered:
                    REQUESTS.labels(route, "none").observe(time.perf_counter() - begun_at)

    def _id_of(self, scope: Scope) -> str:
        return self._told(scope, _HEADER) or token_hex(8)

    def _told(self, scope: Scope, header: bytes) -> str | None:
        if not self._believes:
            return None
        told = next((value for name, value in scope["headers"] if name == header), b"")
        return told.decode() if _ID.fullmatch(told) else None


def route_of(method: str, path: str) -> str:
    """Return the kind of a request: few enough to keep a histogram of each."""
    parts = path.split("/")
    if parts[1:2] != ["api"]:
        return _ROOTS.get(parts[1] if len(parts) > 1 else "", "file")
    name = parts[2] if len(parts) > 2 else ""  # noqa: PLR2004  what follows /api/
    if name == "queue":
        return "poll" if method == "GET" else "join"
    if name == "events":
        return "hold" if parts[-1] == "intents" else "catalog"
    if name == "intents":
        return "payment" if parts[-1] == "payment" else "hold"
    return _API.get(name, "api")
