"""Classify a request, give it an id, and count its outcome."""

from __future__ import annotations

import re
import time
from secrets import token_hex

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from surge_app.edge.routes import Route, route_of
from surge_app.observability import tracing
from surge_app.observability.metrics import REQUESTS, SOCKETS
from surge_app.settings import Settings

_ID = re.compile(rb"[A-Za-z0-9._-]{8,64}")
_HEADER = b"x-request-id"
_TRACE = b"traceparent"


class RequestLog:
    """Binds the id of a request to every line that is logged for it.

    The id is sent back in `x-request-id`. A client's own id counts only behind a trusted proxy:
    otherwise anyone could make the log of one request look like that of another.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._trusts_headers = settings.trusted_proxy_hops > 0

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
        started_at = time.perf_counter()
        route = label_of(scope["method"], route_of(scope))
        request_id = self._id_of(scope)
        has_answered = False

        async def logged(message: Message) -> None:
            nonlocal has_answered
            if message["type"] == "http.response.start":
                has_answered = True
                seconds = time.perf_counter() - started_at
                REQUESTS.labels(route, f"{message['status'] // 100}xx").observe(seconds)
                headers = [*message.get("headers", ()), (_HEADER, request_id.encode())]
                message = {**message, "headers": headers}
            await send(message)

        with (
            tracing.span(
                route, kind="server", continues=self._trusted(scope, _TRACE), request=request_id
            ),
            structlog.contextvars.bound_contextvars(request_id=request_id),
        ):
            try:
                await self._app(scope, receive, logged)
            finally:
                if not has_answered:
                    REQUESTS.labels(route, "none").observe(time.perf_counter() - started_at)

    def _id_of(self, scope: Scope) -> str:
        return self._trusted(scope, _HEADER) or token_hex(8)

    def _trusted(self, scope: Scope, header: bytes) -> str | None:
        if not self._trusts_headers:
            return None
        value = next((value for name, value in scope["headers"] if name == header), b"")
        return value.decode() if _ID.fullmatch(value) else None


def label_of(method: str, route: Route) -> str:
    """Return the label of a request in the metrics: few enough to keep a histogram of each."""
    if route.label == "queue":
        return "poll" if method == "GET" else "join"
    return route.label
