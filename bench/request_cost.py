"""Processor time of the workers for one poll, join, list of events and event page.

With `SURGE_BENCH_OTHER` naming a second checkout, both run side by side and take turns in each
round, so that their ratio is free of what else the machine does.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import httpx
import psutil

from bench.serving import served

_CONNECTIONS = 8
_VISITORS = 60
_ROUNDS = 7
_COUNTS = {"poll": 8_000, "join": 800, "list of events": 2_000, "event page": 1_000}


@dataclass
class Target:
    """A running Surge, and visitors who wait in one of its queues."""

    port: int
    workers: list[psutil.Process]
    slug: str
    cookies: list[str]

    def request(self, kind: str, number: int) -> bytes:
        """Return one request of a kind."""
        cookie = self.cookies[_VISITORS // 2 + number % (_VISITORS // 2)]
        queue = f"/api/queue/{self.slug}"
        return {
            "poll": _raw(f"GET {queue}", f"Cookie: {cookie}"),
            "join": _raw(f"POST {queue}", "Content-Length: 0"),
            "list of events": _raw("GET /api/events"),
            "event page": _raw(f"GET /events/{self.slug}"),
        }[kind]

    def seconds(self) -> float:
        """Return the processor time that the workers have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self.workers)


def main() -> None:
    """Start one Surge or two, and load them in turn."""
    other = os.environ.get("SURGE_BENCH_OTHER")
    roots = [Path.cwd(), *([Path(other)] if other else [])]
    with ExitStack() as stack:
        running = [stack.enter_context(served(root)) for root in roots]
        asyncio.run(_measure([(settings.port, settings.data_dir) for settings in running]))


async def _measure(running: list[tuple[int, Path]]) -> None:
    targets = [await _target(port, folder) for port, folder in running]
    for kind, count in _COUNTS.items():
        rounds: list[list[float]] = []
        for number in range(_ROUNDS):
            order = targets if number % 2 else targets[::-1]
            costs = {id(target): await _cost(target, kind, count) for target in order}
            rounds.append([costs[id(target)] for target in targets])
        found = [median(costs) for costs in zip(*rounds, strict=True)]
        text = f"{kind:15}: {found[0]:.3f} ms"
        if len(found) > 1:
            ratios = sorted(first / second for first, second in rounds)
            text += f", other {found[1]:.3f} ms, ratio {median(ratios):.2f} "
            text += f"({ratios[0]:.2f} to {ratios[-1]:.2f})"
        print(text, flush=True)


async def _target(port: int, folder: Path) -> Target:
    launcher = psutil.Process(json.loads((folder / "run.json").read_text())["pid"])
    workers = [
        process for process in launcher.children(recursive=True) if "granian" in process.cmdline()
    ]
    cookies, slug = list[str](), ""
    for _ in range(_VISITORS):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            events = (await http.get("/api/events")).json()
            slug = next(event["slug"] for event in events if event["status"] == "on_sale")
            await http.post(f"/api/queue/{slug}")
            cookies.append("; ".join(f"{name}={value}" for name, value in http.cookies.items()))
    return Target(port, workers, slug, cookies)


async def _cost(target: Target, kind: str, count: int) -> float:
    await _load(target.port, lambda number: target.request(kind, number), _CONNECTIONS)
    before = target.seconds()
    await _load(target.port, lambda number: target.request(kind, number), count)
    return (target.seconds() - before) / count * 1000


async def _load(port: int, request: Callable[[int], bytes], count: int) -> None:
    numbers = iter(range(count))

    async def send() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            writer.write(request(number))
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            assert head.split()[1] == b"200", head
            size = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(size or b"0"))
        writer.close()

    await asyncio.gather(*(send() for _ in range(_CONNECTIONS)))


def _raw(line: str, *headers: str) -> bytes:
    lines = [f"{line} HTTP/1.1", "Host: localhost", "User-Agent: Mozilla/5.0", "Accept: */*"]
    return "\r\n".join([*lines, "Accept-Language: en", *headers, "", ""]).encode()
