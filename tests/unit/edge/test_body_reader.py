"""Bodies and queries are measured before anything parses them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any, ClassVar, cast

import httpx
import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import Field, ValidationError
from starlette.requests import Request
from starlette.types import Message, Receive

from surge_app.api.app import _invalid
from surge_app.edge import body_reader
from surge_app.edge.body_reader import BodyReader
from surge_app.edge.http import check_query, client_address, limit_body
from surge_app.edge.routes import BodyLimit, Kind, Route, classify
from surge_app.errors import (
    AddressTooLong,
    BodyTooSlow,
    InvalidRequest,
    PayloadTooLarge,
    RateLimited,
)
from surge_app.services.request_body import StrictBody

SMALL = Route(Kind.API, "api", body_limit=cast("BodyLimit", 4))
UPLOAD = classify("/api/admin/events/gala/cover")


def _request(address: str = "203.0.113.7", **headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/api/intents", "headers": sent}
    return Request({**scope, "state": {"client_address": address}})


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
    body, receive = await BodyReader().read(_request(), _parts(b"ab", b"cd"), SMALL)
    assert body == b"abcd"
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
        await BodyReader().read(request_, _parts(*parts), SMALL)


async def test_a_body_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_reader, "_MAX_SECONDS", 0.01)
    reader = BodyReader()
    with pytest.raises(BodyTooSlow):
        await reader.read(_request(content_length="3"), _never, SMALL)
    assert not reader._reading


async def test_an_upload_that_drips_ends() -> None:
    receive = limit_body(_never, largest=4, seconds=0.01)
    assert (await receive())["type"] == "http.disconnect"


async def test_waiting_after_an_upload_has_no_deadline() -> None:
    receive = limit_body(_parts(b"ab"), largest=4, seconds=0)
    whole = limit_body(_parts(b"ab"), largest=4, seconds=60)
    assert (await whole())["body"] == b"ab"
    assert (await receive())["type"] in {"http.request", "http.disconnect"}


async def test_a_body_in_tiny_chunks_is_refused_and_one_in_packets_is_read() -> None:
    largest = cast("BodyLimit", 16_384)
    route, request = Route(Kind.API, "api", body_limit=largest), _request(content_length="3")
    for parts in ([b"x"] * 64, [b"x" * 64] * 250, [b"", b"x" * 16_000]):
        body, _ = await BodyReader().read(request, _parts(*parts), route)
        assert body == b"".join(parts)
    with pytest.raises(InvalidRequest):
        await BodyReader().read(request, _parts(*[b"x"] * 100), route)


async def test_a_network_has_only_so_many_bodies_on_their_way() -> None:
    reader = BodyReader()
    request = _request(content_length="3")
    many = body_reader._MAX_CONCURRENT
    reading = [asyncio.create_task(reader.read(request, _never, SMALL)) for _ in range(many)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await reader.read(request, _parts(b"abc"), SMALL)
    other = _request("203.0.113.8", content_length="3")
    await reader.read(other, _parts(b"abc"), SMALL)
    for task in reading:
        task.cancel()
    await asyncio.gather(*reading, return_exceptions=True)
    assert not reader._reading
    await reader.read(request, _parts(b"abc"), SMALL)


def _asked(query: bytes = b"", **headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": "/events", "query_string": query, "headers": sent}
    return Request({**scope, "client": ("192.0.2.1", 4_000)})


@pytest.mark.parametrize("query", [b"a=" + b"x" * 2047, b"&".join([b"a=1"] * 17)])
def test_a_long_query_is_refused(query: bytes) -> None:
    with pytest.raises(AddressTooLong):
        check_query(_asked(query))


@pytest.mark.parametrize("query", [b"a=%00", b"%00=a", b"a=\0"])
def test_a_query_with_a_nul_is_refused(query: bytes) -> None:
    with pytest.raises(InvalidRequest):
        check_query(_asked(query))


def test_an_ordinary_query_passes() -> None:
    check_query(_asked(b"&".join([b"utm=%d" % number for number in range(16)])))


@pytest.mark.parametrize(
    ("forwarded", "hops", "address"),
    [
        ("", 1, "192.0.2.1"),
        ("203.0.113.9", 0, "192.0.2.1"),
        ("203.0.113.9", 1, "203.0.113.9"),
        ("203.0.113.9:51234", 1, "203.0.113.9"),
        ("[2001:DB8::1]:51234", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ('"[2001:db8::1]:51234"', 1, "2001:db8::1"),
        ('198.51.100.1, "203.0.113.9"', 1, "203.0.113.9"),
        ("::ffff:203.0.113.9", 1, "203.0.113.9"),
        ("203.0.113.9, ,", 1, "203.0.113.9"),
        ("unknown", 1, "unknown"),
        ("198.51.100.1, 203.0.113.9:1, 203.0.113.10:2", 2, "203.0.113.9"),
        ("198.51.100.1", 3, "198.51.100.1"),
    ],
)
def test_an_address_counts_without_its_port_and_from_the_right(
    forwarded: str, hops: int, address: str
) -> None:
    request = _asked(x_forwarded_for=forwarded) if forwarded else _asked()
    assert client_address(request, hops) == address


async def test_an_upload_is_not_read_before_its_sender_is_known() -> None:
    parts = _parts(b"ab")
    body, receive = await BodyReader().read(_request(content_length="2"), parts, UPLOAD)
    assert body is None
    assert (await receive())["body"] == b"ab"


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
