"""Which browser opens a live connection, and how many."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, cast

import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import Message, Receive, Scope, Send

from surge_app.container import Container, installed
from surge_app.edge.routes import classify
from surge_app.edge.websockets import websocket_guard
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.edge.websockets.websocket_guard import WebSocketGuard
from surge_app.errors import NotFound, QueueUnavailable
from surge_app.services.access.identity import Identity
from surge_app.settings import load_settings
from tests.conftest import eventually

TOKEN = "0b2c6a5e-2f0b-4a1e-9d6c-0123456789ab"
IDENTITY = Identity(("a key that is long enough for this",), secure=False)


class Services:
    """The two services that know whether a right still holds."""

    def __init__(self) -> None:
        self.identity = IDENTITY
        self.admin_access = self.waiting_room = self
        self.sessions: set[str] = set()
        self.passes: dict[str, bool | Exception] = {}
        self.failure: Exception | None = None

    async def session(self, cookies: str) -> object:
        if self.failure:
            raise self.failure
        return IDENTITY.admin(cookies) in self.sessions or None

    async def has_pass(self, slug: str, _visitor_id: str) -> bool:
        found = self.passes.get(slug, False)
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def services() -> Generator[Services]:
    found = Services()
    with installed(cast("Container", found)):
        yield found


class Application:
    """Accepts, and keeps each connection open until it is told to end."""

    def __init__(self) -> None:
        self.scopes: list[Scope] = []
        self.may_end = asyncio.Event()
        self.on_connect: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.scopes.append(scope)
        self.on_connect()
        await self.may_end.wait()


def _cookies(*, events: tuple[str, ...] = (), bookings: tuple[str, ...] = ()) -> str:
    visitor = IDENTITY.new_visitor()
    header = IDENTITY.set_queue_cookie(visitor).header.partition(";")[0]
    for slug in events:
        header += "; " + IDENTITY.set_pass_cookie(header, visitor.id, slug).header.partition(";")[0]
    for ref in bookings:
        header += "; " + IDENTITY.add_booking_cookie(header, ref).header.partition(";")[0]
    return header


async def _connect(
    app: Application,
    guard: WebSocketGuard,
    cookies: str,
    query: str = f"token={TOKEN}",
    *,
    forwarded: tuple[bytes, ...] = (),
) -> bool:
    """Connect, and return whether the application was reached."""
    decided = asyncio.Event()
    app.on_connect = decided.set

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(_message: Message) -> None:
        decided.set()

    headers = [(b"cookie", cookies.encode()), (b"host", b"x"), (b"authorization", b"Basic x")]
    headers += [(b"x-forwarded-for", line) for line in forwarded]
    scope: dict[str, Any] = {"type": "websocket", "path": "/_event/", "headers": headers}
    scope["query_string"] = query.encode()
    before = len(app.scopes)
    asyncio.create_task(guard.connect(classify("/_event/"), scope, receive, send))  # noqa: RUF006
    async with asyncio.timeout(60):
        await decided.wait()
    return len(app.scopes) > before


@pytest.fixture
def app() -> Application:
    return Application()


@pytest.fixture
def guard(app: Application) -> WebSocketGuard:
    return WebSocketGuard(app, load_settings(), arguments_of({}), None)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "token=",
        "token=x",
        f"token={TOKEN}x",
        f"token={'a' * 60000}",
        f"token={TOKEN[:-1]}%00",
        f"token={TOKEN}&token={TOKEN}",
        f"token={TOKEN.upper()}",
        f"token={'-' * 36}",
    ],
)
async def test_only_a_token_as_pages_make_it_connects(
    services: Services, app: Application, guard: WebSocketGuard, query: str
) -> None:
    services.passes["gala"] = True
    cookies = _cookies(events=("gala",))
    assert not await _connect(app, guard, cookies, query)
    assert await _connect(app, guard, cookies)


async def test_a_pass_that_ended_does_not_connect(
    services: Services, app: Application, guard: WebSocketGuard
) -> None:
    cookies = _cookies(events=("gala", "other"))
    assert not await _connect(app, guard, cookies)
    services.passes["other"] = NotFound()
    assert not await _connect(app, guard, cookies)
    services.passes["gala"] = True
    assert await _connect(app, guard, cookies)
    assert await _connect(app, guard, _cookies(bookings=("SRG-ABCDEFGH",)))


async def test_a_purchase_goes_on_while_the_queue_is_away(
    services: Services, app: Application, guard: WebSocketGuard
) -> None:
    services.passes["gala"] = QueueUnavailable()
    assert await _connect(app, guard, _cookies(events=("gala",)))


async def test_a_session_that_ended_or_cannot_be_checked_does_not_connect(
    services: Services, app: Application, guard: WebSocketGuard
) -> None:
    cookies = IDENTITY.admin_session("secret").header.partition(";")[0]
    assert not await _connect(app, guard, cookies)
    services.sessions.add("secret")
    assert await _connect(app, guard, cookies)
    services.failure = OperationalError("select", {}, Exception())
    assert not await _connect(app, guard, cookies)


async def test_a_visitor_has_a_bounded_number_of_connections(
    services: Services, app: Application, guard: WebSocketGuard
) -> None:
    services.passes["gala"] = True
    cookies = _cookies(events=("gala",))
    for _ in range(websocket_guard._MAX_PER_OWNER):
        assert await _connect(app, guard, cookies)
    assert not await _connect(app, guard, cookies)
    assert await _connect(app, guard, _cookies(events=("gala",)))
    app.may_end.set()

    async def have_ended() -> bool:
        return not guard._connected

    await eventually(have_ended, about="the end of the connections")
    assert await _connect(app, guard, cookies)


async def test_the_state_of_a_page_is_given_few_headers(
    services: Services, app: Application, guard: WebSocketGuard
) -> None:
    cookies = _cookies(bookings=("SRG-ABCDEFGH",))
    assert await _connect(app, guard, f"{cookies}; other={'x' * 9_000}; surge_x={'x' * 9_000}")
    assert dict(app.scopes[0]["headers"]) == {b"host": b"x", b"cookie": cookies.encode()}


@pytest.mark.parametrize("claimed", [b"198.51.100.1", b"198.51.100.1, " * 99 + b"198.51.100.1"])
async def test_the_state_of_a_page_is_given_the_address_that_the_edge_decided(
    services: Services, app: Application, claimed: bytes
) -> None:
    guard = WebSocketGuard(app, load_settings(trusted_proxy_hops=2), arguments_of({}), None)
    # Some proxies add a line of their own instead of writing on.
    lines = (claimed, b"203.0.113.9:51234", b"192.0.2.7")
    assert await _connect(app, guard, _cookies(bookings=("SRG-ABCDEFGH",)), forwarded=lines)
    assert app.scopes[0]["client"] == ("203.0.113.9", 0)
    assert b"x-forwarded-for" not in dict(app.scopes[0]["headers"])
