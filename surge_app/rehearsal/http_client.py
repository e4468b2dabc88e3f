"""HTTP/1.1 as lean as it gets: thousands of visitors share two cores with the server they ask.

A request and its answer cost about a fifth of the processor time a general client takes; what is
not needed here is not there (redirects, compression, proxies, streaming).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from dataclasses import dataclass
from typing import cast

_TIMEOUT_SECONDS = 30.0
_END = b"\r\n\r\n"
_BODILESS = {204, 304}


@dataclass(frozen=True, slots=True)
class Reply:
    """A status, the raw head and the whole body."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: bytes) -> str:
        """Return the first header of a name (small letters); empty if there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: bytes) -> list[str]:
        """Return every header of a name (small letters)."""
        found: list[str] = []
        for line in self.head.split(b"\r\n")[1:]:
            key, _, value = line.partition(b":")
            if key.lower() == name:
                found.append(value.strip().decode("latin-1"))
        return found


class _Connection(asyncio.Protocol):
    """One connection; it carries one request at a time."""

    def __init__(self) -> None:
        self.is_open = False
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()
        self._waiter: asyncio.Future[Reply] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self.is_open = cast("asyncio.Transport", transport), True

    def data_received(self, data: bytes) -> None:
        self._got += data
        reply = _parsed(self._got)
        if reply is not None:
            self._got.clear()
            if b"\r\nconnection: close" in reply.head.lower():
                self.close()
            self._finish(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._fail(exc or ConnectionResetError("closed"))

    async def ask(self, request: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        if self._transport is None or not self.is_open:
            raise ConnectionResetError
        self._waiter = loop.create_future()
        late = loop.call_later(_TIMEOUT_SECONDS, self._fail, TimeoutError())
        try:
            self._transport.write(request)
            return await self._waiter
        except BaseException:
            # A late answer belongs to no request.
            self.close()
            raise
        finally:
            late.cancel()
            self._waiter = None

    def close(self) -> None:
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    @property
    def has_heard(self) -> bool:
        return bool(self._got)

    def _finish(self, reply: Reply) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(reply)

    def _fail(self, error: BaseException) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


class Pool:
    """The connections of one address; who finds none free waits in turn."""

    def __init__(self, host: str, port: int, *, source: str, most: int, is_secure: bool) -> None:
        self._host, self._port, self._source = host, port, source
        self._tls = ssl.create_default_context() if is_secure else None
        self._free = most
        self._idle: list[_Connection] = []
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def ask(self, request: bytes) -> Reply:
        """Send a whole request and return the reply.

        Raises:
            OSError: If there is none; a time-out is one as well.
        """
        await self._take()
        try:
            reply = await self._send_on_open(request)
            return await self._ask_fresh(request) if reply is None else reply
        finally:
            self._give_back()

    def close(self) -> None:
        """Close what is kept."""
        while self._idle:
            self._idle.pop().close()

    async def _send_on_open(self, request: bytes) -> Reply | None:
        """Ask over a kept connection; None if there is none that still works, as browsers do."""
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_open:
                continue
            try:
                reply = await connection.ask(request)
            except TimeoutError:
                raise
            except OSError:
                if connection.has_heard:
                    raise
                continue
            self._keep(connection)
            return reply
        return None

    async def _ask_fresh(self, request: bytes) -> Reply:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(_TIMEOUT_SECONDS):
            _, connection = await loop.create_connection(
                _Connection,
                self._host,
                self._port,
                ssl=self._tls,
                local_addr=(self._source, 0) if self._source else None,
            )
        reply = await connection.ask(request)
        self._keep(connection)
        return reply

    def _keep(self, connection: _Connection) -> None:
        if connection.is_open:
            self._idle.append(connection)

    async def _take(self) -> None:
        if self._free:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _parsed(got: bytearray) -> Reply | None:
    """Return the reply if all of it is there."""
    end = got.find(_END)
    if end < 0:
        return None
    head = bytes(got[:end])
    status, lower, start = int(head[9:12]), head.lower(), end + len(_END)
    length = lower.find(b"\r\ncontent-length:")
    if length >= 0:
        size = int(lower[length + 17 :].split(b"\r\n", 1)[0])
        if len(got) < start + size:
            return None
        return Reply(status, head, bytes(got[start : start + size]))
    if b"\r\ntransfer-encoding: chunked" in lower:
        body = _unchunked(got, start)
        return None if body is None else Reply(status, head, body)
    if status in _BODILESS:
        return Reply(status, head, b"")
    # Neither length nor chunks: the end of the connection would be the end of the body.
    return Reply(status, head, bytes(got[start:]))


def _unchunked(got: bytearray, at: int) -> bytes | None:
    body = bytearray()
    while True:
        line = got.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(got[at:line]).split(b";")[0], 16)
        at = line + 2
        if len(got) < at + size + 2:
            return None
        if size == 0:
            return bytes(body)
        body += got[at : at + size]
        at += size + 2
