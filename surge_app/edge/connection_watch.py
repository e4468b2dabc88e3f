"""End connections that occupy a worker without using it.

The web server ends idle connections and dripping heads after 30 seconds. It has no bound for a
client that does not read its answer, and none for the connections of one network. The kernel knows
both, so each worker reads the state of its own sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import sys
import time
from collections import defaultdict
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from surge_app.kv.rate_limits import networks
from surge_app.observability.log import get_logger
from surge_app.services.concurrency import in_background
from surge_app.settings import Settings

_log = get_logger(__name__)

_SWEEP_SECONDS: Final = 3.0
# With the time between two sweeps, a stalled answer ends within 15 seconds.
_MAX_STALL_SECONDS: Final = 12.0
# A phone on a poor 2G network reads several times as much in that time.
_MIN_BYTES_READ: Final = 12 * 1024
# In each worker. Thousands may share an IPv4 address; a /64 of IPv6 is one household.
_MAX_PER_IPV4, _MAX_PER_SUBSCRIBER = 2_000, 200
_SO_COOKIE: Final = 57
_TCP_INFO_BYTES: Final = 148
_UNACKED, _LAST_DATA_RECEIVED, _BYTES_ACKED, _UNSENT = 24, 52, 120, 144
_RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)
_networks = lru_cache(maxsize=4096)(networks)


@dataclass(frozen=True, slots=True)
class _Connection:
    """One accepted connection; `quiet_ms` since its client last sent anything."""

    cookie: bytes
    network: str
    is_ipv4: bool
    has_unread: bool
    acked: int
    quiet_ms: int


class ConnectionWatch:
    """Measures the accepted connections of this process, and ends those beyond the bounds."""

    def __init__(
        self, port: int, *, is_capped: bool = True, max_per_ipv4: int = _MAX_PER_IPV4
    ) -> None:
        self._port = port
        self._is_capped = is_capped
        self._most = {True: max_per_ipv4, False: _MAX_PER_SUBSCRIBER}
        self._stalls: dict[bytes, tuple[int, float]] = {}

    def sweep(self, now: float) -> int:
        """End stalled answers and surplus connections; return how many were ended."""
        found = self._connections()
        wanted = self._stalled(found, now)
        if self._is_capped:
            wanted |= self._surplus(found)
        return self._end(wanted) if wanted else 0

    def _stalled(self, found: list[_Connection], now: float) -> set[bytes]:
        """Return the connections whose clients have read too little of what is sent to them."""
        stalls: dict[bytes, tuple[int, float]] = {}
        for one in found:
            if one.has_unread:
                acked, since = self._stalls.get(one.cookie, (one.acked, now))
                moved = one.acked - acked >= _MIN_BYTES_READ
                stalls[one.cookie] = (one.acked, now) if moved else (acked, since)
        self._stalls = stalls
        return {
            cookie for cookie, (_, since) in stalls.items() if now - since >= _MAX_STALL_SECONDS
        }

    def _surplus(self, found: list[_Connection]) -> set[bytes]:
        """Return what each network has beyond its bound; those quiet for longest go first."""
        by_network: defaultdict[tuple[str, bool], list[_Connection]] = defaultdict(list)
        for one in found:
            by_network[one.network, one.is_ipv4].append(one)
        surplus: set[bytes] = set()
        for (_, is_ipv4), group in by_network.items():
            group.sort(key=lambda one: one.quiet_ms)
            surplus.update(one.cookie for one in group[self._most[is_ipv4] :])
        return surplus

    def _connections(self) -> list[_Connection]:
        found: list[_Connection] = []
        for handle in _accepted(self._port):
            with contextlib.suppress(OSError):
                found.append(_measure(handle))
        return found

    def _end(self, wanted: set[bytes]) -> int:
        ended = 0
        for handle in _accepted(self._port):
            with contextlib.suppress(OSError):
                if _cookie(handle) in wanted:
                    # What was not read would otherwise stay in the kernel after the close.
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                    handle.shutdown(socket.SHUT_RDWR)
                    ended += 1
        return ended


@contextlib.asynccontextmanager
async def connections_watched(settings: Settings) -> AsyncGenerator[None]:
    """Sweep the connections of this process every few seconds; only Linux tells what is needed."""
    if sys.platform != "linux":
        yield
        return
    # A proxy's connections are all of one address, and it bounds its own clients.
    is_capped = settings.rate_limits and settings.trusted_proxy_hops == 0
    watch = ConnectionWatch(settings.port, is_capped=is_capped)
    async with in_background(_sweep_repeatedly(watch)):
        yield


async def _sweep_repeatedly(watch: ConnectionWatch) -> None:
    while True:
        await asyncio.sleep(_SWEEP_SECONDS)
        if ended := await asyncio.to_thread(watch.sweep, time.monotonic()):
            _log.warning("connections_ended", count=ended)


def _accepted(port: int) -> Generator[socket.socket]:
    """Yield a copy of each socket of this process that a client of the port is connected to."""
    for path in Path("/proc/self/fd").iterdir():
        # The copy stays the same connection, even if the server closes its own meanwhile.
        with contextlib.suppress(OSError), _copy(int(path.name)) as handle:
            is_ip = handle.family in {socket.AF_INET, socket.AF_INET6}
            if is_ip and handle.type == socket.SOCK_STREAM and handle.getsockname()[1] == port:
                yield handle


def _copy(descriptor: int) -> socket.socket:
    copy = os.dup(descriptor)
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        raise


def _measure(handle: socket.socket) -> _Connection:
    """Read what the kernel knows; raises OSError for a socket that listens or has closed."""
    network = _networks(handle.getpeername()[0])
    info = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    unacked, quiet_ms, unsent = (
        struct.unpack_from("I", info, offset)[0]
        for offset in (_UNACKED, _LAST_DATA_RECEIVED, _UNSENT)
    )
    return _Connection(
        cookie=_cookie(handle),
        network=network.narrow,
        is_ipv4=network.is_shared,
        has_unread=bool(unacked or unsent),
        acked=struct.unpack_from("Q", info, _BYTES_ACKED)[0],
        quiet_ms=quiet_ms,
    )


def _cookie(handle: socket.socket) -> bytes:
    """Return the kernel's name of a connection, which no other ever gets."""
    return handle.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8)
