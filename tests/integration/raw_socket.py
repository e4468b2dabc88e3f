"""A plain client of the live connection: a WebSocket by hand, which holds nothing back."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import struct
import uuid
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

_ROOT = "reflex___state____state"
_NAMESPACE = "/_event"


class Socket:
    """One connection that speaks Socket.IO as a page does, and sends whatever it is told to."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str
    ) -> None:
        self._reader = reader
        self._writer = writer
        self.token = token

    async def event(
        self, state: str, handler: str, path: str, payload: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Send one event of a State and return the updates until it is done."""
        await self.send_event(state, handler, path, payload)
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(60):
            while True:
                found += await self.update()
                if found and found[-1].get("final", True):
                    return found

    async def send_event(
        self, state: str, handler: str, path: str, payload: dict[str, Any] | None = None
    ) -> None:
        """Send one event of a State."""
        module, _, name = state.rpartition(".")
        snake = "".join(f"_{one.lower()}" if one.isupper() else one for one in name).lstrip("_")
        full = f"surge_app___{module.replace('.', '___')}____{snake}"
        sent = {
            "token": self.token,
            "name": f"{_ROOT}.{full}.{handler}",
            "payload": payload or {},
            "router_data": {"pathname": path.partition("?")[0], "asPath": path, "query": {}},
        }
        await self.send(f"42{_NAMESPACE},{json.dumps(['event', sent])}")

    async def update(self) -> list[dict[str, Any]]:
        """Return the update the next frame brings, nothing if it brings something else."""
        text = await self.receive()
        if text == "2":
            await self.send("3")
        if not text.startswith(f"42{_NAMESPACE},"):
            return []
        name, body = json.loads(text.partition(",")[2])
        return [json.loads(body) if isinstance(body, str) else body] if name == "event" else []

    async def send(self, text: str) -> None:
        """Send one text frame."""
        await self.send_frame(0x81, text.encode())

    async def send_frame(self, first: int, raw: bytes) -> None:
        """Send one frame of any kind (its first byte), masked as a client must."""
        mask, size = secrets.token_bytes(4), len(raw)
        head = (
            bytes([first, 0x80 | size])
            if size < 126
            else struct.pack("!BBH", first, 0x80 | 126, size)
        )
        self._writer.write(head + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(raw)))
        await self._writer.drain()

    async def receive(self) -> str:
        """Return the next text frame."""
        first, second = await self._reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
        body = await self._reader.readexactly(size)
        if first & 0x0F == 0x8:
            raise ConnectionResetError(body)
        return body.decode()


async def handshake(
    url: str,
    cookies: Mapping[str, str],
    path: str = "/_event/",
    headers: Mapping[str, str] | None = None,
) -> int:
    """Ask for a connection with these cookies, and return the status of the answer."""
    query = f"EIO=4&transport=websocket&token={uuid.uuid4()}"
    async with _asked(url, cookies, f"{path}?{query}", headers) as (_, _, status):
        return status


@asynccontextmanager
async def connected(
    url: str, cookies: Mapping[str, str], token: str | None = None
) -> AsyncGenerator[Socket]:
    """Connect as a browser with these cookies would."""
    token = token or str(uuid.uuid4())
    path = f"/_event/?EIO=4&transport=websocket&token={token}"
    async with _asked(url, cookies, path) as (reader, writer, status):
        assert status == 101
        socket = Socket(reader, writer, token)
        async with asyncio.timeout(60):
            assert (await socket.receive()).startswith("0")
            await socket.send(f"40{_NAMESPACE},")
            while not (await socket.receive()).startswith(f"40{_NAMESPACE}"):
                pass
        yield socket


@asynccontextmanager
async def _asked(
    url: str, cookies: Mapping[str, str], path: str, headers: Mapping[str, str] | None = None
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter, int]]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        sent = {"Host": parts.netloc, **(headers or {})}
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        lines = [
            f"GET {path} HTTP/1.1",
            *(f"{name}: {value}" for name, value in sent.items()),
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {base64.b64encode(secrets.token_bytes(16)).decode()}",
            *([f"Cookie: {header}"] if header else []),
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(60):
            answer = await reader.readuntil(b"\r\n\r\n")
        yield reader, writer, int(answer.split()[1])
    finally:
        writer.close()
