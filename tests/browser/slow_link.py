"""A link of the second generation between a browser and Surge: slow, far away and lossy."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

_BYTES_PER_SECOND = 400_000 / 8
_ONE_WAY_SECONDS = 0.4
_LOSS = 0.03
_PACKET = 1460
# TCP sends a lost packet again, and what comes after it waits.
_AGAIN_SECONDS = 1.0
_MAX_ON_THE_WAY = 64


class _Direction:
    """What the link carries one way, shared by all connections."""

    def __init__(self) -> None:
        self._free_at = 0.0
        # The same losses in each run.
        self._luck = random.Random(20)

    def arrival(self, size: int) -> float:
        """Return when a packet that is sent now arrives, by the clock of the loop."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / _BYTES_PER_SECOND
        again = _AGAIN_SECONDS if self._luck.random() < _LOSS else 0
        return self._free_at + _ONE_WAY_SECONDS + again


async def _carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, link: _Direction
) -> None:
    """Carry one direction of a connection until it ends, in order."""
    loop = asyncio.get_running_loop()
    packets: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_MAX_ON_THE_WAY)

    async def deliver() -> None:
        while True:
            at, packet = await packets.get()
            await asyncio.sleep(max(0, at - loop.time()))
            if not packet:
                break
            target.write(packet)
            await target.drain()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(deliver())
        while packet := await source.read(_PACKET):
            await packets.put((link.arrival(len(packet)), packet))
        await packets.put((link.arrival(0), b""))
    target.close()


@asynccontextmanager
async def slow_link(port: int) -> AsyncGenerator[str]:
    """Yield an address of this machine that leads to a port of it over 400 kbit/s and 800 ms."""
    there, back = _Direction(), _Direction()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        try:
            above, below = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        try:
            # Either side may be gone before the last packet arrives.
            with suppress(ExceptionGroup):
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(_carry(reader, below, there))
                    tasks.create_task(_carry(above, writer, back))
        finally:
            below.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
