"""The live connection of the checkout, as the page opens it: Socket.IO over a WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid

import aiohttp

from surge_app.rehearsal.virtual_browser import Browser

OPEN = "open checkout"
_NAMESPACE = "/_event"
_HYDRATE = "reflex___state____state.hydrate_and_load"
_FILLED = '"is_hydrated_rx_state_":true'
_TIMEOUT_SECONDS = 30.0
_SWITCHED = 101


class LiveCheckout:
    """One open checkout; it answers the server's pings until it is closed."""

    def __init__(self, browser: Browser, slug: str) -> None:
        self._browser = browser
        self._slug = slug
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None
        self._filled = asyncio.Event()
        self._is_closing = False

    async def open(self) -> bool:
        """Connect, and wait until the page would be filled; return whether it was."""
        notes, base = self._browser.crowd.notes, self._browser.crowd.base_url
        query = f"?token={uuid.uuid4()}&EIO=4&transport=websocket"
        started = time.perf_counter()
        try:
            self._socket = await self._browser.crowd.sockets.ws_connect(
                f"{base}{_NAMESPACE}/{query}", headers={"cookie": self._browser.cookies}
            )
            self._reader = asyncio.create_task(self._read(self._socket))
            await self._socket.send_str(f"40{_NAMESPACE},{json.dumps({'event': self._hydrate()})}")
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                await self._filled.wait()
        except aiohttp.WSServerHandshakeError as error:
            notes.answered(OPEN, error.status, (time.perf_counter() - started) * 1000)
            return False
        except (aiohttp.ClientError, TimeoutError, OSError):
            notes.unanswered(OPEN)
            return False
        notes.answered(OPEN, _SWITCHED, (time.perf_counter() - started) * 1000)
        notes.sockets_opened += 1
        return True

    async def close(self) -> None:
        """Close the tab."""
        self._is_closing = True
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        if self._socket is not None:
            await self._socket.close()

    def _hydrate(self) -> dict[str, object]:
        path = f"/book/{self._slug}"
        router = {"pathname": path, "asPath": path, "query": {"slug": self._slug}}
        return {"name": _HYDRATE, "payload": {}, "router_data": router}

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            packet = str(message.data)
            if packet == "2":
                await socket.send_str("3")
            elif _FILLED in packet:
                self._filled.set()
        if not self._is_closing:
            self._browser.crowd.notes.sockets_lost += 1
