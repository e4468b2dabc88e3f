"""Open checkouts: how fast live connections come, what they cost, and how they answer meanwhile.

Surge is started as an operator does. So many visitors with a pass open the live connection of the
checkout, with the frames a browser sends, wait until their page is filled, stay, and then each
add a ticket. The client shares the machine with the server.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Any

import aiohttp
import psutil
import redis

from bench.harness import Sale, open_sale
from bench.serving import served
from surge_app.container import running
from surge_app.kv import keys
from surge_app.launcher.embedded_servers import backing_services
from surge_app.settings import Settings

# A worker takes 500 connections from one network, and the two do not share evenly.
_SESSIONS = 600
_EARLY = 50
_MAX_CONCURRENT = 30
_HOLD_SECONDS = 20
_PASS_SECONDS = 3600
_BOOK = "reflex___state____state.surge_app___state___checkout____checkout_state"
_HYDRATED = '"is_hydrated_rx_state_":true'
_HASHES = re.compile(r"\[((?:[`'\"][0-9a-f]{16}[`'\"],?){3,})\]")
_SCHEMA = re.compile(r"[`'\"]([0-9a-f]{32})[`'\"]")


@dataclass(frozen=True, slots=True)
class Spent:
    """What the server has used: processor time, commands in Redis, memory."""

    workers_ms: float
    redis_ms: float
    commands: float
    workers_kib: float
    redis_kib: float

    def each_since(self, before: Spent, count: int) -> Spent:
        """Return the difference, divided by so many sessions."""
        pairs = zip(astuple(self), astuple(before), strict=True)
        return Spent(*((now - then) / count for now, then in pairs))


@dataclass
class Session:
    """One visitor's open checkout.

    Attributes:
        cookies: What the browser sends.
        opened_ms: From the first packet until the page was filled.
        answered_ms: From adding a ticket until the page showed it.
    """

    cookies: str
    opened_ms: float = 0.0
    answered_ms: float = 0.0
    socket: Any = None
    reader: asyncio.Task[None] | None = None
    waiting: tuple[str, asyncio.Future[None]] | None = field(default=None, repr=False)

    async def open(self, http: aiohttp.ClientSession, url: str, boot: str) -> None:
        """Connect and wait until the page is filled."""
        started = time.perf_counter()
        query = f"?token={uuid.uuid4()}&EIO=4&transport=websocket"
        headers = {"cookie": self.cookies}
        self.socket = await http.ws_connect(f"{url}/_event/{query}", headers=headers)
        self.reader = asyncio.create_task(self._read())
        await self._ask(f"40/_event,{boot}", until=_HYDRATED)
        self.opened_ms = (time.perf_counter() - started) * 1000

    async def add(self, sale: Sale) -> None:
        """Add a ticket and wait until the page shows it."""
        started = time.perf_counter()
        event = {
            "name": f"{_BOOK}.add",
            "payload": {"tier_id": sale.tier_id},
            "router_data": _router(sale),
        }
        await self._ask(f"42/_event,{json.dumps(['event', event])}", until='"price_rx_state_"')
        self.answered_ms = (time.perf_counter() - started) * 1000

    async def close(self) -> None:
        """Go away."""
        await self.socket.close()
        if self.reader is not None:
            await self.reader

    async def _ask(self, packet: str, *, until: str) -> None:
        done = asyncio.get_running_loop().create_future()
        self.waiting = until, done
        await self.socket.send_str(packet)
        async with asyncio.timeout(120):
            await done

    async def _read(self) -> None:
        async for message in self.socket:
            packet = str(message.data)
            if packet == "2":
                await self.socket.send_str("3")
            elif self.waiting and self.waiting[0] in packet and not self.waiting[1].done():
                self.waiting[1].set_result(None)


def main() -> None:
    """Start Surge, open the sessions and print what they cost."""
    with served() as settings, backing_services(settings) as ready:
        asyncio.run(_measure(ready))


async def _measure(settings: Settings) -> None:
    async with running(settings, process="bench") as services:
        sale = await open_sale(services, units=_SESSIONS * 2)
        sessions = [
            Session(cookies) for cookies in await _visitors(services, sale, _SESSIONS + _EARLY)
        ]
    url = f"http://127.0.0.1:{settings.port}"
    boot = _boot(settings, sale)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        # Whatever a worker makes once is made by these.
        early, late = sessions[:_EARLY], sessions[_EARLY:]
        await _open(early, http, url, boot)
        before = _spent(settings)
        seconds = await _open(late, http, url, boot)
        each = _spent(settings).each_since(before, len(late))
        _report("connect to filled page", [one.opened_ms for one in late], seconds)
        print(
            f"processor time of an opened page: {each.workers_ms:.1f} ms in the workers, "
            f"{each.redis_ms:.1f} ms in Redis with {each.commands:.0f} commands\n"
            f"memory per session: {each.workers_kib:.0f} KiB in the workers, "
            f"{each.redis_kib:.1f} KiB in Redis",
            flush=True,
        )
        await asyncio.sleep(_HOLD_SECONDS)
        started = time.perf_counter()
        await _each(late, lambda one: one.add(sale))
        _report("add a ticket", [one.answered_ms for one in late], time.perf_counter() - started)
        lost = sum(one.socket.closed for one in sessions)
        print(f"open after {_HOLD_SECONDS} s and one event each: {len(sessions) - lost}")
        await _each(sessions, Session.close)


async def _open(
    sessions: Sequence[Session], http: aiohttp.ClientSession, url: str, boot: str
) -> float:
    started = time.perf_counter()
    await _each(sessions, lambda one: one.open(http, url, boot))
    return time.perf_counter() - started


async def _each(sessions: Sequence[Session], work: Any) -> None:
    left = iter(sessions)

    async def caller() -> None:
        for one in left:
            await work(one)

    await asyncio.gather(*(caller() for _ in range(_MAX_CONCURRENT)))


async def _visitors(services: Any, sale: Sale, count: int) -> list[str]:
    found: list[str] = []
    ends: dict[str, float] = {}
    for _ in range(count):
        visitor = services.identity.new_visitor()
        visitor_id = visitor.id
        known = services.identity.set_queue_cookie(visitor).header.partition(";")[0]
        shopping = services.identity.set_pass_cookie(known, visitor_id, sale.slug)
        found.append(f"{known}; {shopping.header.partition(';')[0]}")
        ends[visitor_id] = (time.time() + _PASS_SECONDS) * 1000
    await services.redis.zadd(keys.part(sale.slug, "passes"), ends)
    return found


def _router(sale: Sale) -> dict[str, Any]:
    path = f"/book/{sale.slug}"
    return {"pathname": path, "asPath": path, "query": {"slug": sale.slug}}


def _boot(settings: Settings, sale: Sale) -> str:
    """Return what a browser sends along when it connects; the pages say what they know already."""
    assets = (settings.data_dir / "pages" / "build" / "client" / "assets").glob("*.js")
    script = "".join(path.read_text("utf-8") for path in assets)
    hashes, schema = _HASHES.search(script), _SCHEMA.search(script)
    assert hashes is not None
    assert schema is not None
    event = {
        "name": "reflex___state____state.hydrate_and_load",
        "payload": {"hashes": re.findall("[0-9a-f]{16}", hashes[1])},
        "router_data": _router(sale),
    }
    return json.dumps({"event": event, "state_schema": schema[1]})


def _spent(settings: Settings) -> Spent:
    """Return what all web workers and Redis have used up to now."""
    workers = [process for process in psutil.process_iter() if _is_worker(process, settings)]
    busy = [process.cpu_times() for process in workers]
    servers = [_details(url) for url in {settings.redis_url, settings.reflex_redis_url} if url]
    return Spent(
        workers_ms=sum(times.user + times.system for times in busy) * 1000,
        redis_ms=sum(one["used_cpu_user"] + one["used_cpu_sys"] for one in servers) * 1000,
        commands=sum(
            count["calls"]
            for one in servers
            for name, count in one.items()
            if name.startswith("cmdstat_")
        ),
        workers_kib=sum(process.memory_info().rss for process in workers) / 1024,
        redis_kib=sum(one["used_memory"] for one in servers) / 1024,
    )


def _details(url: str) -> Any:
    with redis.Redis.from_url(url) as client:
        return client.info("everything")


def _is_worker(process: psutil.Process, settings: Settings) -> bool:
    try:
        environment = process.environ()
        return (
            environment.get("SURGE_DATA_DIR") == str(settings.data_dir)
            and "surge_app.surge_app:app" in process.cmdline()
        )
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False


def _report(what: str, latencies: Sequence[float], seconds: float) -> None:
    ordered = sorted(latencies)
    p50, p99 = ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
    print(
        f"{what}, {_MAX_CONCURRENT} at a time: {len(ordered) / seconds:,.0f}/s, "
        f"p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        flush=True,
    )
