"""The labels of requests, and which client may name one."""

from __future__ import annotations

import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry, Counter
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from surge_app.edge.request_log import RequestLog, label_of
from surge_app.edge.routes import classify
from surge_app.errors import SoldOut
from surge_app.observability.metrics import REQUESTS, by_outcome
from surge_app.settings import load_settings


async def _tells_its_id(scope: Scope, receive: Receive, send: Send) -> None:
    known = structlog.contextvars.get_contextvars()["request_id"]
    await PlainTextResponse(known)(scope, receive, send)


def _client(*, hops: int) -> httpx.AsyncClient:
    app = RequestLog(_tells_its_id, load_settings(trusted_proxy_hops=hops))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://node")


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/api/queue/gala", "poll"),
        ("POST", "/api/queue/gala", "join"),
        ("GET", "/api/events/gala", "catalog"),
        ("POST", "/api/events/gala/intents", "hold"),
        ("DELETE", "/api/intents/01X", "hold"),
        ("POST", "/api/intents/01X/payment", "payment"),
        ("POST", "/api/payments/razorpay/callback", "callback"),
        ("POST", "/api/webhooks/razorpay", "webhook"),
        ("GET", "/api/bookings/SRG-ABCDEFGH", "booking"),
        ("GET", "/api/admin/events", "console"),
        ("GET", "/api/readyz", "health"),
        ("GET", "/api/anything", "api"),
        ("GET", "/events/gala", "cold_page"),
        ("GET", "/", "cold_page"),
        ("GET", "/book/gala", "hot_page"),
        ("GET", "/admin", "console_page"),
        ("GET", "/assets/x.js", "file"),
        ("GET", "", "cold_page"),
    ],
)
def test_a_request_has_one_kind(method: str, path: str, route: str) -> None:
    assert label_of(method, classify(path)) == route


async def test_the_id_is_in_the_log_and_in_the_answer() -> None:
    async with _client(hops=0) as client:
        answer = await client.get("/events", headers={"x-request-id": "from-a-stranger"})
    assert answer.headers["x-request-id"] == answer.text
    assert answer.text != "from-a-stranger"


@pytest.mark.parametrize("told", ["trace-1234", "0af7651916cd43dd8448eb211c80319c"])
async def test_a_trusted_proxy_may_name_the_request(told: str) -> None:
    async with _client(hops=1) as client:
        assert (await client.get("/", headers={"x-request-id": told})).text == told


@pytest.mark.parametrize("told", ["short", "x" * 65, "with space and more", 'quote"quote'])
async def test_what_is_no_id_is_replaced_even_from_a_trusted_proxy(told: str) -> None:
    async with _client(hops=1) as client:
        assert (await client.get("/", headers={"x-request-id": told})).text != told


async def test_a_request_that_got_no_answer_is_counted_as_such() -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError

    app = RequestLog(breaks, load_settings())
    before = REQUESTS.labels("join", "none")._sum.get()
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        with pytest.raises(RuntimeError):
            await client.post("/api/queue/gala")
    assert REQUESTS.labels("join", "none")._sum.get() > before


async def test_calls_are_counted_by_what_came_of_them() -> None:
    counter = Counter("tried", "For this test.", ["outcome"], registry=CollectorRegistry())

    @by_outcome(counter)
    async def work(error: Exception | None) -> str:
        if error:
            raise error
        return "done"

    assert await work(None) == "done"
    for error in (SoldOut(), KeyError()):
        with pytest.raises(type(error)):
            await work(error)
    counts = [counter.labels(outcome)._value.get() for outcome in ("ok", "sold_out", "failed")]
    assert counts == [1, 1, 1]
