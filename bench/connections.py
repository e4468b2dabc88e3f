"""HTTP over connections that are kept, written by hand: a client that costs as little as it can."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable

from bench.harness import Pace, open_sale, pace
from surge_app.container import Container
from surge_app.kv import keys

_PASS_SECONDS = 3600


def request(
    method: str, path: str, *, cookies: str = "", body: str = "", headers: str = ""
) -> bytes:
    """Return a request as it is sent; `headers` are whole lines."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: localhost",
        f"Cookie: {cookies}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return ("\r\n".join(lines) + f"\r\n{headers}\r\n{body}").encode()


class Connections:
    """As many connections as calls may be under way."""

    def __init__(self, port: int, trust: ssl.SSLContext | None = None) -> None:
        self._port, self._trust = port, trust
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = (
            asyncio.Queue()
        )

    async def open(self, count: int) -> None:
        """Open so many more."""
        name = "localhost" if self._trust else None
        for _ in range(count):
            connected = asyncio.open_connection(
                "127.0.0.1", self._port, ssl=self._trust, server_hostname=name
            )
            self._free.put_nowait(await connected)

    async def call(self, asked: bytes) -> tuple[int, bytes]:
        """Send a request on a free connection; return status and body."""
        reader, writer = await self._free.get()
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r")[0]
        body = await reader.readexactly(int(length or 0))
        self._free.put_nowait((reader, writer))
        return int(head[9:12]), body

    def close(self) -> None:
        """Close all that are free."""
        while not self._free.empty():
            self._free.get_nowait()[1].close()


async def paced(
    connections: Connections,
    asked: Callable[[], bytes],
    *,
    callers: int,
    calls: int,
    status: int = 200,
    expected: bytes = b"",
) -> Pace:
    """Open a connection for each caller, and let each call again once it is answered."""
    await connections.open(callers)

    async def call() -> None:
        answer = await connections.call(asked())
        assert answer[0] == status, answer
        assert expected in answer[1], answer

    found = await pace(call, callers=callers, calls=calls, warm_up=callers * 5)
    connections.close()
    return found


async def holds(services: Container, count: int) -> list[bytes]:
    """Return the requests of so many visitors with a pass, each for one ticket of a new sale."""
    sale = await open_sale(services, units=count)
    identity = services.identity
    body = json.dumps({"lines": [{"tier_id": sale.tier_id, "quantity": 1}]})
    ends = (time.time() + _PASS_SECONDS) * 1000
    requests: list[bytes] = []
    visitors: dict[str, float] = {}
    for _ in range(count):
        visitor_id = (visitor := identity.new_visitor()).id
        cookies = identity.set_queue_cookie(visitor).header.partition(";")[0]
        shopping = identity.set_pass_cookie(cookies, visitor_id, sale.slug).header.partition(";")[0]
        path = f"/api/events/{sale.slug}/intents"
        requests.append(request("POST", path, cookies=f"{cookies}; {shopping}", body=body))
        visitors[visitor_id] = ends
    await services.redis.zadd(keys.part(sale.slug, "passes"), visitors)  # pyright: ignore[reportArgumentType, reportUnknownMemberType]
    return requests
