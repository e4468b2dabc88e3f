"""Browsers without a screen: real HTTP from many addresses, and cookies for each visitor.

The visitors of one address use its idle connections before they open more. On Linux every address
of 127.0.0.0/8 is this machine's, so a rehearsal here comes from many and limits by address stay
on; elsewhere all come from one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import sys
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from surge_app.launcher.processes import raise_nofile_limit
from surge_app.rehearsal.http_client import Pool
from surge_app.rehearsal.recorder import Notes

_ADDRESSES = 250
# Of the reports, the sockets and whatever else this process has open.
_OTHER_FILES = 512
_HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Surge-Rehearsal/1.0",
    "Accept": "application/json, text/html;q=0.9, */*;q=0.8",
    "Accept-Language": "en-IN,en;q=0.9",
    "Accept-Encoding": "identity",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "cors",
    "Sec-Fetch-Dest": "empty",
}
_FIRST_SERVER_ERROR = 500
TOO_MANY = 429
_AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; status 0 stands for none.

    Attributes:
        body: The JSON of the answer; empty for anything else.
        retry_after: Seconds the server asked for; 0 if it did not.
    """

    status: int
    body: dict[str, Any]
    retry_after: float = 0.0

    @property
    def is_good(self) -> bool:
        """Return whether it was a success."""
        return 200 <= self.status < 300  # noqa: PLR2004  as HTTP says

    @property
    def code(self) -> str:
        """The stable code of a refusal; empty for a success."""
        return "" if self.is_good else str(self.body.get("code", ""))

    @property
    def is_passing(self) -> bool:
        """Return whether it may go better in a moment."""
        return self.status == 0 or self.status >= _FIRST_SERVER_ERROR or self.status == TOO_MANY


class Crowd:
    """The connections of all visitors."""

    def __init__(
        self, base_url: str, notes: Notes, pools: list[Pool], sockets: aiohttp.ClientSession
    ) -> None:
        self.base_url = base_url
        self.notes = notes
        self.sockets = sockets
        # A payer may read the state of the order, also after leaving.
        self.payers: dict[str, Browser] = {}
        self._pools = pools
        self.head = "".join(
            f"{name}: {value}\r\n"
            for name, value in {"Host": urlsplit(base_url).netloc, **_HEADERS}.items()
        )

    def pool(self, index: int) -> Pool:
        """Return the connections a visitor uses."""
        return self._pools[index % len(self._pools)]

    def browser(self, index: int) -> Browser:
        """Return a browser without a cookie."""
        return Browser(self, index)


class Browser:
    """One browser: cookies of its own."""

    def __init__(self, crowd: Crowd, index: int) -> None:
        self.crowd = crowd
        self._pool = crowd.pool(index)
        self._cookies: dict[str, str] = {}
        self._header = ""

    @property
    def cookies(self) -> str:
        """The `Cookie` header."""
        return self._header

    async def call(self, step: str, method: str, path: str, body: object = None) -> Answer:
        """Send a request once, and write down how it went."""
        notes = self.crowd.notes
        started = time.perf_counter()
        try:
            reply = await self._pool.ask(self._request(method, path, body))
        except OSError:
            notes.unanswered(step)
            return Answer(0, {})
        notes.answered(step, reply.status, (time.perf_counter() - started) * 1000)
        for cookie in reply.headers(b"set-cookie"):
            self._keep(cookie)
        found: Any = {}
        if reply.body and "json" in reply.header(b"content-type"):
            found = json.loads(reply.body)
        return Answer(
            reply.status,
            found if isinstance(found, dict) else {},
            _seconds(reply.header(b"retry-after")),
        )

    def _request(self, method: str, path: str, body: object) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\n{self.crowd.head}"
        if self._header:
            head += f"Cookie: {self._header}\r\n"
        if method == "GET":
            return f"{head}\r\n".encode("latin-1")
        data = b"" if body is None else json.dumps(body).encode()
        kind = "Content-Type: application/json\r\n" if data else ""
        return f"{head}{kind}Content-Length: {len(data)}\r\n\r\n".encode("latin-1") + data

    async def insist(self, step: str, method: str, path: str, body: object = None) -> Answer:
        """Send a request as a page does that asks again while the server is busy or away."""
        answer = await self.call(step, method, path, body)
        for pause in _AGAIN_SECONDS:
            if not answer.is_passing:
                break
            await asyncio.sleep(max(pause, answer.retry_after))
            answer = await self.call(step, method, path, body)
        return answer

    def _keep(self, cookie: str) -> None:
        pair, _, attributes = cookie.partition(";")
        name, _, value = pair.strip().partition("=")
        flags = attributes.lower().replace(" ", "")
        if "path=/;" not in f"{flags};":
            return
        if "max-age=0" in flags.split(";"):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value
        self._header = "; ".join(f"{key}={value}" for key, value in self._cookies.items())


@contextlib.asynccontextmanager
async def crowd(base_url: str, notes: Notes, *, visitors: int) -> AsyncGenerator[Crowd]:
    """Open the connections of so many visitors for a block."""
    base_url = base_url.rstrip("/")
    parts = urlsplit(base_url)
    is_secure = parts.scheme == "https"
    port = parts.port or (443 if is_secure else 80)
    sources = _sources(base_url, visitors)
    # As many as the system allows: visitors of one address must not wait for each other.
    most = max(1, (raise_nofile_limit() - _OTHER_FILES) // len(sources))
    pools = [
        Pool(parts.hostname or "", port, source=source, most=most, is_secure=is_secure)
        for source in sources
    ]
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=_HEADERS
    ) as sockets:
        try:
            yield Crowd(base_url, notes, pools, sockets)
        finally:
            for pool in pools:
                pool.close()


def is_here(base_url: str) -> bool:
    """Return whether an address is this machine's."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sources(base_url: str, visitors: int) -> list[str]:
    if not sys.platform.startswith("linux") or urlsplit(base_url).hostname != "127.0.0.1":
        return [""]
    # Each is a network of its own: what one network may hold is bounded.
    return [f"127.1.{index}.1" for index in range(min(visitors, _ADDRESSES))]


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() else 0.0
