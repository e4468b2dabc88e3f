"""Bodies and queries are measured before anything parses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.types import Message, Receive

from surge_app.api.app import _invalid
from surge_app.edge import body_reader as bodies
from surge_app.edge.body_reader import Bodies
from surge_app.edge.http import Request, limit_body, parse_request
from surge_app.errors import AddressTooLong, BodyTooSlow, PayloadTooLarge, RateLimited
from surge_app.services.request_body import StrictBody


def _request(address: str = "203.0.113.7", **headers: str) -> Request:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("POST", "/api/intents", {}, sent, address)


def _parts(*parts: bytes) -> Receive:
    waiting: list[Message] = [
        {"type": "http.request", "body": part, "more_body": True} for part in parts
    ]
    waiting[-1]["more_body"] = False

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    return receive


async def _never() -> Message:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_body_is_given_whole() -> None:
    receive = await Bodies().read(_request(), _parts(b"ab", b"cd"), largest=4)
    assert await receive() == {"type": "http.request", "body": b"abcd", "more_body": False}
    assert (await receive())["type"] == "http.disconnect"


@pytest.mark.parametrize(
    ("request_", "parts"),
    [
        (_request(content_length="5"), [b""]),
        (_request(transfer_encoding="chunked"), [b"abc", b"de"]),
    ],
)
async def test_a_body_that_is_too_long_is_refused(request_: Request, parts: list[bytes]) -> None:
    with pytest.raises(PayloadTooLarge):
        await Bodies().read(request_, _parts(*parts), largest=4)


async def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_SECONDS", 0.01)
    reader = Bodies()
    with pytest.raises(BodyTooSlow):
        await reader.read(_request(content_length="3"), _never, largest=4)
    assert not reader._reading


async def test_an_upload_that_drips_ends() -> None:
    receive = limit_body(_never, largest=4, seconds=0.01)
    assert (await receive())["type"] == "http.disconnect"


async def test_waiting_after_an_upload_has_no_deadline() -> None:
    receive = limit_body(_parts(b"ab"), largest=4, seconds=0)
    whole = limit_body(_parts(b"ab"), largest=4, seconds=60)
    assert (await whole())["body"] == b"ab"
    assert (await receive())["type"] in {"http.request", "http.disconnect"}


async def test_a_network_has_only_so_many_bodies_on_their_way() -> None:
    reader = Bodies()
    request = _request(content_length="3")
    many = bodies._MAX_CONCURRENT
    reading = [asyncio.create_task(reader.read(request, _never, largest=4)) for _ in range(many)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await reader.read(request, _parts(b"abc"), largest=4)
    other = _request("203.0.113.8", content_length="3")
    await reader.read(other, _parts(b"abc"), largest=4)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert not reader._reading
    await reader.read(request, _parts(b"abc"), largest=4)


def _scope(query: bytes) -> dict[str, Any]:
    return {"type": "http", "path": "/events", "query_string": query, "headers": []}


@pytest.mark.parametrize("query", [b"a=" + b"x" * 2047, b"&".join([b"a=1"] * 17)])
def test_a_long_query_is_refused(query: bytes) -> None:
    with pytest.raises(AddressTooLong):
        parse_request(_scope(query), trusted_proxy_hops=0)


def test_an_ordinary_query_is_read() -> None:
    query = b"&".join([b"utm=%d" % number for number in range(16)])
    assert len(parse_request(_scope(query), trusted_proxy_hops=0).query["utm"]) == 16


class _LineIn(StrictBody):
    tier: str
    count: int


class _OrderIn(StrictBody):
    lines: list[_LineIn]
    names: dict[str, int] = Field(default_factory=dict)
    answered: ClassVar[int] = 0


def test_thousands_of_unknown_fields_are_one_complaint_without_a_name() -> None:
    sent = {f"secret{number}": 1 for number in range(1_000)}
    with pytest.raises(ValidationError) as caught:
        _LineIn.model_validate(sent)
    (complaint,) = caught.value.errors()
    assert complaint["msg"] == "Value error, unknown fields"


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    app = FastAPI()
    app.add_exception_handler(RequestValidationError, _invalid)

    @app.post("/orders")
    async def order(order: _OrderIn) -> int:  # pyright: ignore[reportUnusedFunction]
        return len(order.lines)

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://node") as client:
        yield client


async def test_an_answer_has_few_complaints(http: httpx.AsyncClient) -> None:
    answer = await http.post("/orders", json={"lines": [{"tier": 1}] * 300})
    fields = answer.json()["fields"]
    assert answer.status_code == 422
    assert len(fields) == 20
    assert "lines.0.count" in fields


@pytest.mark.parametrize(
    "sent", [{"lines": [], "secret": 1}, {"lines": [], "names": {"secret": "x"}}]
)
async def test_an_answer_repeats_no_name_of_the_client(
    http: httpx.AsyncClient, sent: dict[str, Any]
) -> None:
    answer = await http.post("/orders", json=sent)
    assert answer.status_code == 422
    assert "secret" not in json.dumps(answer.json())
