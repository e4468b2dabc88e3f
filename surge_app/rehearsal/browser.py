"""Browsers without a screen: real HTTP from many addresses, and cookies for each visitor.

The visitors of one address share its connections, as a household does. On Linux every address
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

from surge_app.rehearsal.notes import Notes

_TIMEOUT_SECONDS = 30.0
_ADDRESSES = 250
_CONNECTIONS_EACH = 4
_HEADERS = {
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Surge-Rehearsal/1.0",
    "accept": "application/json, text/html;q=0.9, */*;q=0.8",
    "accept-language": "en-IN,en;q=0.9",
    "accept-encoding": "identity",
    "sec-fetch-site": "same-origin",
    "sec-fetch-mode": "cors",
    "sec-fetch-dest": "empty",
}
_LOST = (aiohttp.ClientError, TimeoutError, OSError)
_FIRST_SERVER_ERROR = 500
TOO_MANY = 429
_AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 is nothing at all.

    Attributes:
        body: The JSON of the answer; empty for anything else.
        retry_after: Seconds the server asked for; 0 if it did not.
    """

    status: int
    body: dict[str, Any]
    retry_after: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether it was a success."""
        return 200 <= self.status < 300  # noqa: PLR2004  as HTTP says

    @property
    def code(self) -> str:
        """The stable code of a refusal; empty for a success."""
        return "" if self.is_good else str(self.body.get("code", ""))

    @property
    def is_passing(self) -> bool:
        """Whether it may go better in a moment."""
        return self.status == 0 or self.status >= _FIRST_SERVER_ERROR or self.status == TOO_MANY


class Crowd:
    """The connections of all visitors."""

    def __init__(self, base_url: str, notes: Notes, sessions: list[aiohttp.ClientSession]) -> None:
        """Keep the sessions, one for each address visitors come from."""
        self.base_url = base_url
        self.notes = notes
        self._sessions = sessions

    def session(self, index: int) -> aiohttp.ClientSession:
        """Return the connections a visitor uses."""
        return self._sessions[index % len(self._sessions)]

    def browser(self, index: int) -> Browser:
        """Return a browser without a cookie."""
        return Browser(self, index)


class Browser:
    """One browser: cookies of its own."""

    def __init__(self, crowd: Crowd, index: int) -> None:
        """Start without a cookie."""
        self.crowd = crowd
        self.session = crowd.session(index)
        self._cookies: dict[str, str] = {}
        self._header = ""

    @property
    def cookies(self) -> str:
        """The `Cookie` header."""
        return self._header

    async def call(self, step: str, method: str, path: str, body: object = None) -> Answer:
        """Send a request once, and write down how it went."""
        notes, headers = self.crowd.notes, {"cookie": self._header} if self._header else {}
        data = None
        if body is not None:
            headers["content-type"] = "application/json"
            data = json.dumps(body).encode()
        started = time.perf_counter()
        try:
            async with self.session.request(
                method,
                self.crowd.base_url + path,
                data=data,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                raw = await answer.read()
        except _LOST:
            notes.unanswered(step)
            return Answer(0, {})
        notes.answered(step, answer.status, (time.perf_counter() - started) * 1000)
        for cookie in answer.headers.getall("set-cookie", ()):
            self._keep(cookie)
        found: Any = {}
        if "json" in answer.headers.get("content-type", "") and raw:
            found = json.loads(raw)
        return Answer(
            answer.status,
            found if isinstance(found, dict) else {},
            _seconds(answer.headers.get("retry-after", "")),
        )

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
        told = attributes.lower().replace(" ", "")
        if "path=/;" not in f"{told};":
            return
        if "max-age=0" in told.split(";"):
            self._cookies.pop(name, None)
        else:
            self._cookies[name] = value
        self._header = "; ".join(f"{key}={kept}" for key, kept in self._cookies.items())


@contextlib.asynccontextmanager
async def crowd(base_url: str, notes: Notes, *, visitors: int) -> AsyncGenerator[Crowd]:
    """Open the connections of so many visitors for a block."""
    base_url = base_url.rstrip("/")
    sources = _sources(base_url, visitors)
    sessions = [
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=_CONNECTIONS_EACH if source else _ADDRESSES * _CONNECTIONS_EACH,
                local_addr=(source, 0) if source else None,
                keepalive_timeout=60,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_SECONDS),
            auto_decompress=False,
        )
        for source in sources
    ]
    try:
        yield Crowd(base_url, notes, sessions)
    finally:
        for session in sessions:
            await session.close()


def is_here(base_url: str) -> bool:
    """Whether an address is this machine's."""
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _sources(base_url: str, visitors: int) -> list[str]:
    if not sys.platform.startswith("linux") or urlsplit(base_url).hostname != "127.0.0.1":
        return [""]
    return [f"127.1.{index // 200}.{index % 200 + 1}" for index in range(min(visitors, _ADDRESSES))]


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() else 0.0
