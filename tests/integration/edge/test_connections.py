"""Browsers keep their connections open while their people wait; each of them is a visitor."""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from surge_app.launcher.processes import raise_nofile_limit
from tests.conftest import Surge

_REQUEST = b"GET /api/livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Fewer than wait to be accepted.
_AT_ONCE = 50
_ASK = "from surge_app.launcher.processes import raise_nofile_limit as f; print(f(), f())"


@asynccontextmanager
async def _connected(url: str, count: int) -> AsyncGenerator[list[bytes]]:
    """Ask once over each of so many connections, and keep all of them open."""
    parts = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writers.append(writer)
        writer.write(_REQUEST)
        return await reader.readline()

    try:
        lines: list[bytes] = []
        while len(lines) < count:
            asked = (asyncio.wait_for(ask(), 60) for _ in range(_AT_ONCE))
            lines += await asyncio.gather(*asked)
        yield lines
    finally:
        for writer in writers:
            await _close(writer)


async def test_who_comes_after_thousands_of_browsers_that_wait_is_answered(surge: Surge) -> None:
    assert raise_nofile_limit() > 3_000
    async with _connected(surge.url, 2_500) as lines:
        assert {line.split()[1] for line in lines} == {b"200"}


async def _answer(url: str, *parts: bytes) -> bytes:
    """Send raw bytes and return all that is answered until the server closes the connection."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), 120)
    finally:
        await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection, and wait for it: the server may have reset it first."""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


_BODY_TAKERS = ("/api/queue/some-event", "/api/bookings/find", "/api/webhooks/razorpay", "/nothing")


async def _unending(url: str) -> None:
    """Send bodies that never end; each is answered, and its connection closed."""
    lengths = ("Content-Length: 100", "Transfer-Encoding: chunked")
    heads = {
        (path, length): _head(f"POST {path}", "Content-Type: application/json", length)
        for path in _BODY_TAKERS
        for length in lengths
    }
    answers = await asyncio.gather(*(_answer(url, head, b"1\r\n{") for head in heads.values()))
    told = {
        name: (answer.split()[1], b"body_too_slow" in answer)
        for name, answer in zip(heads, answers, strict=True)
    }
    assert told == dict.fromkeys(heads, (b"408", True))


async def _unread(url: str) -> bytes:
    """Ask for more than the buffers take, read nothing until the connection has ended."""
    address = urlsplit(url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect((address.hostname, address.port))
        for _ in range(40):
            client.sendall(_head("GET /api/openapi.json"))
        watched = select.poll()
        watched.register(client, select.POLLERR | select.POLLHUP)
        assert await asyncio.to_thread(watched.poll, 120_000)
        try:
            while client.recv(65_536):
                pass
        except ConnectionResetError:
            return b"reset"
    return b"closed"


async def test_a_connection_that_only_occupies_a_worker_ends(surge: Surge) -> None:
    idle = _answer(surge.url, _REQUEST)
    dripping = _answer(surge.url, b"GET /api/livez HTTP/1.1\r\nHost: local")
    unending = _unending(surge.url)
    *answers, _ = await asyncio.gather(_unread(surge.url), idle, dripping, unending)
    assert [answer.split()[0:2] for answer in answers] == [[b"reset"], [b"HTTP/1.1", b"200"], []]


async def test_a_body_over_the_limit_is_answered_before_it_has_come(surge: Surge) -> None:
    head = _head("POST /api/bookings/find", "Content-Length: 16385")
    answer = await _answer(surge.url, head)
    assert (answer.split()[1], b"payload_too_large" in answer) == (b"413", True)


@pytest.mark.parametrize(
    "lengths", [["Content-Length: 4", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked"]]
)
async def test_a_body_of_two_lengths_or_of_tiny_chunks_ends_its_connection(
    surge: Surge, lengths: list[str]
) -> None:
    head = _head("POST /api/queue/some-event", "Content-Type: application/json", *lengths)
    smuggled = b"0\r\n\r\n" + _head("GET /api/livez")
    answer = await _answer(surge.url, head, b"1\r\n \r\n" * 200 + smuggled)
    assert answer.split()[1] in {b"400", b"422"}
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer.lower()


async def test_a_long_query_is_refused(surge: Surge) -> None:
    query = "?a=" + "x" * 2_048
    answer = await _answer(surge.url, _head(f"GET /api/events{query}", "Connection: close"))
    assert (answer.split()[1], b"address_too_long" in answer) == (b"414", True)
    # On a page it is told in words, with a way on that leaves the query out.
    page = await _answer(surge.url, _head(f"GET /events{query}", "Connection: close"))
    assert (page.split()[1], b"That link is longer than we accept." in page) == (b"414", True)
    assert b'href="/events"' in page
    assert b"xxxx" not in page


async def test_a_long_head_and_http_2_are_refused(surge: Surge) -> None:
    answer = await _answer(surge.url, _head("GET /api/livez", "Cookie: a=" + "x" * 20_000))
    assert answer.split()[1] == b"431"
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
    # The settings frame of a server that speaks HTTP/2 begins with its length in three bytes.
    assert (await _answer(surge.url, preface))[:5] in {b"", b"HTTP/"}


@pytest.mark.parametrize(("soft", "hard"), [(64, 600), (600, 600), (64, 70_000)])
def test_a_process_opens_as_many_files_as_it_may(soft: int, hard: int) -> None:
    limits = f"import resource as r; most = min({hard}, r.getrlimit(r.RLIMIT_NOFILE)[1]); "
    limits += f"r.setrlimit(r.RLIMIT_NOFILE, (min({soft}, most), most)); print(most); "
    done = subprocess.run(
        [sys.executable, "-c", limits + _ASK], capture_output=True, text=True, check=True
    )
    most, *found = map(int, done.stdout.split())
    assert found == [min(most, 65_536)] * 2
