"""What the edge does with a request before any application sees it."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator, Generator
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.exc import OperationalError
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp

from surge_app.container import Container, installed
from surge_app.edge.middleware import EdgeMiddleware
from surge_app.edge.websockets.handler_arguments import arguments_of
from surge_app.errors import QueueUnavailable, RateLimited, Unauthorized
from surge_app.services.access.identity import Identity
from surge_app.settings import load_settings

FAILURES = {
    "the queue is away": (QueueUnavailable(), 503),
    "the database is away": (OperationalError("select", {}, Exception()), 503),
    "too many tries": (RateLimited(7), 429),
    "a wrong password": (Unauthorized(), 401),
}


class AdminAccess:
    """Knows nobody, and fails as it is told to."""

    def __init__(self) -> None:
        self.failure: Exception = Unauthorized()
        self.verified: list[str] = []

    async def session(self, _cookies: str) -> None:
        if isinstance(self.failure, OperationalError):
            raise self.failure

    async def sign_in(self, _authorization: str, **_client: str) -> None:
        raise self.failure

    async def verify(self, authorization: str, **_client: str) -> None:
        self.verified.append(authorization)
        raise self.failure


@pytest.fixture
def admin_access() -> Generator[AdminAccess]:
    access = AdminAccess()
    identity = Identity(("a key that is long enough for this",), secure=False)
    services = SimpleNamespace(admin_access=access, identity=identity)
    with installed(cast("Container", services)):
        yield access


@pytest_asyncio.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    api: ASGIApp = PlainTextResponse("the API")
    pages: ASGIApp = PlainTextResponse("Reflex")
    edge = EdgeMiddleware(pages, api, load_settings(), arguments_of({}))
    transport = httpx.ASGITransport(edge)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


@pytest.mark.parametrize("name", FAILURES)
async def test_a_failure_of_the_sign_in_is_a_page_with_a_way_on(
    admin_access: AdminAccess, http: httpx.AsyncClient, name: str
) -> None:
    admin_access.failure, status = FAILURES[name]
    answer = await http.get("/admin")
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert 'class="button primary"' in answer.text
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert ("retry-after" in answer.headers) == (status in {429, 503})


async def test_the_api_and_the_sandbox_are_reached_around_reflex(
    admin_access: AdminAccess, http: httpx.AsyncClient
) -> None:
    for path in ("/api/events", "/api/nothing", "/sandbox/outbox", "/metrics"):
        answer = await http.get(path)
        assert (answer.text, answer.headers["cache-control"]) == ("the API", "no-store")
    for path in ("/surge.css", "/queue/gala/plain", "/nothing"):
        assert (await http.get(path)).text == "Reflex"


@pytest.mark.parametrize(
    "path", ["/ping", "/_health", "/_upload", "/admin.html", "//events", "/_event/", "/_event"]
)
async def test_a_closed_path_is_missing(
    admin_access: AdminAccess, http: httpx.AsyncClient, path: str
) -> None:
    url = httpx.URL("http://localhost/").copy_with(raw_path=path.encode())
    assert (await http.get(url)).status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example:3000", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost", 200),
        ("LOCALHOST:3000", 200),
        ("surge.localhost", 200),
        ("192.0.2.7:3000", 200),
        ("[::1]:3000", 200),
    ],
)
async def test_a_name_that_is_not_ours_is_refused(
    admin_access: AdminAccess, http: httpx.AsyncClient, host: str, status: int
) -> None:
    for path in ("/sandbox/outbox.json", "/api/events", "/surge.css"):
        assert (await http.get(path, headers={"host": host})).status_code == status
    # A load balancer asks by any name.
    assert (await http.get("/api/livez", headers={"host": host})).status_code == 200


async def test_a_long_body_for_the_admin_api_needs_a_right_before_it_is_read(
    admin_access: AdminAccess, http: httpx.AsyncClient
) -> None:
    body = b"x" * 20_000
    assert (await http.post("/api/admin/events", content=body)).status_code == 413
    header = {"authorization": f"Basic {base64.b64encode(b'a:b').decode()}"}
    answer = await http.post("/api/admin/events", content=body, headers=header)
    assert (answer.status_code, admin_access.verified) == (401, [header["authorization"]])
    assert (await http.post("/api/admin/events", content=b"x", headers=header)).text == "the API"
