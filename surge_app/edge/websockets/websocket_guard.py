"""Decide which browser may open a live connection, and how many."""

from __future__ import annotations

import re
from collections import Counter

from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from surge_app import container
from surge_app.edge.http import Hosts, client_address
from surge_app.edge.routes import Kind, Route
from surge_app.edge.websockets.handler_arguments import ArgumentsOf
from surge_app.edge.websockets.state_owners import StateOwners, admin_owner, is_admin
from surge_app.edge.websockets.websocket_filter import LARGEST, LARGEST_OF_ORGANIZERS, FrameFilter
from surge_app.errors import QueueUnavailable, SurgeError, UnknownHost
from surge_app.kv.rate_limits import networks
from surge_app.settings import Settings

# In each worker, which knows its own connections alone.
_MAX_PER_OWNER, _MAX_PER_NETWORK = 10, 500
_TOKEN = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_COOKIE = re.compile(r"(?:__Host-)?surge_\w+=")
_MAX_COOKIE = 4096
# Reflex stores the headers of a connection with its state, and compares the origin with the
# configured one alone; it was checked here.
_DROPPED = frozenset(
    {
        *(b"authorization", b"origin", b"referer", b"accept", b"accept-encoding", b"cookie"),
        b"x-forwarded-for",
    }
)
_MAX_HEADER = 512


class WebSocketGuard:
    """Connects pages that have a right; refuses every other WebSocket before it is accepted."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Settings,
        arguments_of: ArgumentsOf,
        owners: StateOwners | None,
    ) -> None:
        self._app, self._owners = app, owners
        # With hot reload the pages come from another port, so public pages connect too.
        self._is_open = bool(settings.frontend_url)
        self._arguments_of = arguments_of
        self._hosts, self._origins = Hosts(settings), set(settings.allowed_origins)
        self._hops = settings.trusted_proxy_hops
        self._connected: Counter[str] = Counter()

    async def connect(self, route: Route, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket, or refuse it; the browser sees HTTP 403."""
        connection = HTTPConnection(scope)
        cookies = connection.headers.get("cookie", "")
        tokens = connection.query_params.getlist("token")
        is_page = (
            route.kind is Kind.SOCKET
            and len(tokens) == 1
            and _TOKEN.fullmatch(tokens[0])
            and self._is_own(connection)
        )
        owner = await self._claim(tokens[0], cookies) if is_page else None
        address = client_address(connection, self._hops)
        network = f"network:{networks(address).narrow}"
        if owner is None or self._is_full(owner, network):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        largest = LARGEST_OF_ORGANIZERS if is_admin(owner) else LARGEST
        frames = FrameFilter(receive, send, self._arguments_of, largest=largest)
        self._connected.update((owner, network))
        try:
            # States read the address from the connection, so that it is decided here alone.
            own = {"client": (address, 0), "headers": _trimmed(scope, cookies)}
            await self._app({**scope, **own}, frames, send)
        finally:
            for name in (owner, network):
                self._connected[name] -= 1
                if not self._connected[name]:
                    del self._connected[name]

    def _is_own(self, connection: HTTPConnection) -> bool:
        """Whether a page of ours connects, under whatever name the installation is reached."""
        origin = connection.headers.get("origin", "")
        if not origin or origin in self._origins:
            return True
        try:
            self._hosts.check(connection)
        except UnknownHost:
            return False
        return origin.partition("://")[2] == connection.headers.get("host", "")

    def _is_full(self, owner: str, network: str) -> bool:
        counts = self._connected
        return counts[owner] >= _MAX_PER_OWNER or counts[network] >= _MAX_PER_NETWORK

    async def _claim(self, token: str, cookies: str) -> str | None:
        try:
            owner = await self._owner(cookies)
            if owner is not None and self._owners is not None:
                await self._owners.claim(token, owner)
        except (SurgeError, OperationalError, InterfaceError, RedisError):
            return None
        return owner

    async def _owner(self, cookies: str) -> str | None:
        """Return who connects, as far as it has a right to a live page now."""
        if self._is_open:
            return "development"
        identity = container.current().identity
        if await container.current().admin_access.session(cookies):
            return admin_owner(identity.admin(cookies) or "")
        visitor_id, bookings = identity.visitor_id(cookies), identity.bookings(cookies)
        if visitor_id and (bookings or await _has_pass(visitor_id, identity.passes(cookies))):
            return f"visitor:{visitor_id}"
        return f"booking:{next(iter(bookings))}" if bookings else None


async def _has_pass(visitor_id: str, slugs: list[str]) -> bool:
    waiting_room = container.current().waiting_room
    for slug in slugs:
        try:
            if await waiting_room.has_pass(slug, visitor_id):
                return True
        except QueueUnavailable:
            # A purchase does not depend on the queue; the States and services check again.
            return True
        except SurgeError:
            continue
    return False


def _trimmed(scope: Scope, cookies: str) -> list[tuple[bytes, bytes]]:
    own = [part for part in cookies.split("; ") if _COOKIE.match(part)]
    text = "; ".join(part for part in own if len(part) <= _MAX_COOKIE)
    headers = [
        (name, value)
        for name, value in scope["headers"]
        if name not in _DROPPED and len(value) <= _MAX_HEADER
    ]
    return [*headers, (b"cookie", text.encode("latin-1"))]
