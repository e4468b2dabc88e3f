"""What a purchase costs over HTTP: processor time, transactions, statements, commands, requests.

300 visitors join, hold, start the payment, pay in the sandbox with a normal webhook and call back,
20 at a time, against Surge as an operator starts it. The clock stops when the last callback is
answered; the processor time is read when the last message is accepted. What an idle Surge uses in
as many seconds is taken off.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import redis
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.client import Monitor

from bench.harness import open_sale
from bench.stack import Stack, one_node
from surge_app.container import running
from surge_app.rehearsal.http_client import Pool, Reply
from surge_app.settings import Settings

_PURCHASES, _CALLERS, _ROUNDS = 300, 20, 3
_COUNTED = 30
_IDLE_SECONDS = 10
_JOIN_AGAIN_SECONDS = 0.3
_PATIENCE_SECONDS = 120
_OK = range(200, 300)
_UNSENT = """
SELECT count(*) FROM message_outbox m JOIN bookings b ON b.id = m.booking_id
WHERE b.event_id = %s AND m.sent_at IS NULL
"""
_TRANSACTIONS = (
    "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
)
_STATEMENT = re.compile(r"LOG:  (?:statement|execute [^:]+): (?!BEGIN|COMMIT|ROLLBACK)")
_REQUESTS = re.compile(r"^surge_request_seconds_count\{.*\} ([0-9.e+]+)$", re.MULTILINE)


@dataclass(frozen=True)
class Used:
    """What was used up to a moment; processor time in seconds by program."""

    cpu: Mapping[str, float]
    transactions: int
    commands: int
    requests: int

    def since(self, before: Used) -> Used:
        """Return what was used after another moment."""
        cpu = {name: used - before.cpu.get(name, 0) for name, used in self.cpu.items()}
        return Used(
            cpu,
            self.transactions - before.transactions,
            self.commands - before.commands,
            self.requests - before.requests,
        )


class Shop:
    """One sale of a running Surge, and the connections of its buyers."""

    def __init__(self, settings: Settings, slug: str, event_id: str, tier_id: str) -> None:
        self.slug, self.event_id = slug, event_id
        self._lines = {"lines": [{"tier_id": tier_id, "quantity": 1}]}
        self._pool = Pool("127.0.0.1", settings.port, source="", most=_CALLERS, is_secure=False)
        self.sent = 0

    async def buy(self) -> None:
        """Let one new visitor buy a ticket, from joining to the callback."""
        cookies: dict[str, str] = {}
        queue = f"/api/queue/{self.slug}"
        # A worker hears of a new sale within a moment, and lets visitors wait until then.
        while (await self._call("POST", queue, cookies, None))["state"] != "admitted":  # noqa: ASYNC110  over HTTP
            await asyncio.sleep(_JOIN_AGAIN_SECONDS)
        held = await self._call("POST", f"/api/events/{self.slug}/intents", cookies, self._lines)
        tag = secrets.token_hex(5)
        contact = {
            "name": "Asha Rao",
            "email": f"asha-{tag}@example.com",
            "phone": f"+9198{int(tag, 16) % 10**8:08d}",
        }
        order = await self._call("POST", f"/api/intents/{held['id']}/payment", cookies, contact)
        attempts = f"/sandbox/razorpay/orders/{order['order_id']}/attempts"
        fields = await self._call("POST", attempts, {}, {"outcome": "captured"})
        booked = await self._call("POST", "/api/payments/razorpay/callback", cookies, fields)
        assert booked["booking_ref"], booked

    async def _call(
        self, method: str, path: str, cookies: dict[str, str], body: object
    ) -> dict[str, object]:
        sent = json.dumps(body).encode() if body is not None else b""
        header = "; ".join(f"{name}={value}" for name, value in cookies.items())
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            "Accept: application/json",
            "Content-Type: application/json",
            f"Content-Length: {len(sent)}",
            *([f"Cookie: {header}"] if header else []),
        ]
        reply: Reply = await self._pool.ask("\r\n".join([*lines, "", ""]).encode() + sent)
        self.sent += 1
        assert reply.status in _OK, (path, reply.status, reply.body)
        for cookie in reply.headers(b"set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            cookies[name] = value
        return json.loads(reply.body)


def main() -> None:
    """Measure rounds of purchases, and count the statements of a few."""
    with one_node(environment={"SURGE_LOG_LEVEL": "INFO"}) as stack:
        asyncio.run(_measure(stack))


async def _measure(stack: Stack) -> None:
    settings = stack.settings
    await _round(stack, _CALLERS * 2)
    idle = await _idle(stack)
    _print_idle(idle)
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        used, sent, seconds = await _round(stack, _PURCHASES)
        rest = (time.perf_counter() - begun) / _IDLE_SECONDS
        above = {name: used.cpu[name] - idle.cpu.get(name, 0) * rest for name in used.cpu}
        cost = {name: took / _PURCHASES * 1000 for name, took in above.items()}
        server = sum(took for name, took in cost.items() if name != "client")
        own = server - cost["sandbox"]
        parts = ", ".join(f"{name} {took:.1f}" for name, took in sorted(cost.items()))
        print(
            f"{_PURCHASES / seconds:5.1f} purchases/s with {_CALLERS} callers; "
            f"{server:.1f} ms of processor time each, {own:.1f} without the vendors ({parts}); "
            f"{(used.transactions - idle.transactions * rest) / _PURCHASES:.1f} transactions, "
            f"{(used.commands - idle.commands * rest) / _PURCHASES:.0f} Redis commands, "
            f"{(used.requests - sent) / _PURCHASES:.1f} requests to itself",
            flush=True,
        )
    log = settings.data_dir / "postgres.log"
    print(f"{await _statements(stack, log):.0f} statements a purchase", flush=True)
    commands = await _commands(stack)
    parts = ", ".join(f"{count / _COUNTED:.1f} {name}" for name, count in commands.most_common())
    print(f"Redis commands a purchase, idle ones included: {parts}", flush=True)


async def _round(stack: Stack, count: int) -> tuple[Used, int, float]:
    """Return what so many purchases used, the requests of their clients and the seconds."""
    shop = await _open(stack, count)
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            await shop.buy()

    before, started = _used(stack), time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(_CALLERS)))
    seconds = time.perf_counter() - started
    await _messages_are_sent(stack.settings, shop)
    return _used(stack).since(before), shop.sent, seconds


async def _open(stack: Stack, units: int) -> Shop:
    async with running(stack.settings, process="bench") as services:
        sale = await open_sale(services, units=units)
    return Shop(stack.nodes[0].settings, sale.slug, sale.event_id, sale.tier_id)


async def _messages_are_sent(settings: Settings, shop: Shop) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    async with await psycopg.AsyncConnection.connect(
        settings.database_url or "", autocommit=True
    ) as connection:
        while True:
            row = await (await connection.execute(_UNSENT, (shop.event_id,))).fetchone()
            if row == (0,):
                return
            assert time.monotonic() < deadline, "Not every message was sent in time."
            await asyncio.sleep(0.5)


async def _idle(stack: Stack) -> Used:
    before = _used(stack)
    await asyncio.sleep(_IDLE_SECONDS)
    return _used(stack).since(before)


def _print_idle(idle: Used) -> None:
    cost = {name: used / _IDLE_SECONDS * 1000 for name, used in idle.cpu.items()}
    took = sum(used for name, used in cost.items() if name != "client")
    parts = ", ".join(f"{name} {used:.1f}" for name, used in sorted(cost.items()))
    print(
        f"idle: {took:.1f} ms of processor time ({parts}), "
        f"{idle.transactions / _IDLE_SECONDS:.1f} transactions and "
        f"{idle.commands / _IDLE_SECONDS:.0f} Redis commands a second",
        flush=True,
    )


def _used(stack: Stack) -> Used:
    node = stack.nodes[0]
    workers, sandbox = node.workers(), node.sandbox()
    programs = {
        "workers": workers,
        "sandbox": sandbox,
        "launcher": [one for one in node.serving() if one not in {*workers, *sandbox}],
        "postgres": stack.servers("postgres"),
        "redis": stack.servers("redis-server"),
        "client": [psutil.Process()],
    }
    cpu = {name: sum(_seconds(one) for one in found) for name, found in programs.items()}
    with psycopg.connect(stack.settings.database_url or "") as connection:
        row = connection.execute(_TRANSACTIONS).fetchone()
    with redis.Redis.from_url(stack.settings.redis_url or "") as client:
        commands = int(client.info("stats")["total_commands_processed"])  # pyright: ignore[reportIndexIssue, reportArgumentType, reportUnknownArgumentType]
    return Used(cpu, int(row[0]) if row else 0, commands, _requests(node.url))


def _seconds(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0
    return times.user + times.system


def _requests(url: str) -> int:
    text = httpx.get(f"{url}/metrics").raise_for_status().text
    return sum(int(float(count)) for count in _REQUESTS.findall(text))


async def _statements(stack: Stack, log: Path) -> float:
    """Return the statements of one purchase; Postgres writes each into its log meanwhile."""
    with psycopg.connect(stack.settings.database_url or "", autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'all'")
        connection.execute("SELECT pg_reload_conf()")
        start = _logged(log)
        await asyncio.sleep(_IDLE_SECONDS)
        between, begun = _logged(log), time.perf_counter()
        await _round(stack, _COUNTED)
        rest = (time.perf_counter() - begun) / _IDLE_SECONDS
        found = _logged(log) - between
        connection.execute("ALTER SYSTEM RESET log_statement")
        connection.execute("SELECT pg_reload_conf()")
    return (found - (between - start) * rest) / _COUNTED


async def _commands(stack: Stack) -> Counter[str]:
    """Return who sends the Redis commands of a few purchases; Redis shows each meanwhile."""
    found: Counter[str] = Counter()

    async def listen(monitor: Monitor) -> None:
        async for one in monitor.listen():
            found[_sender(one["client_type"], one["command"])] += 1

    async with (
        AsyncRedis.from_url(stack.settings.redis_url or "") as client,
        client.monitor() as monitor,
    ):
        listener = asyncio.create_task(listen(monitor))
        await _round(stack, _COUNTED)
        listener.cancel()
    return found


def _sender(client: str, command: str) -> str:
    if client == "lua":
        return "inside of scripts"
    # No one else has transactions of Redis.
    is_vendor = "{sandbox}" in command or command in {"MULTI", "EXEC", "UNWATCH"}
    return "in the books of the vendors" if is_vendor else "sent by workers"


def _logged(log: Path) -> int:
    return len(_STATEMENT.findall(log.read_text(errors="replace")))
