"""Cold pages go one at a time, in order, and hold nothing else up."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from starlette.types import Receive, Scope, Send

from surge_app.edge.page_scheduler import PageScheduler


class Behind:
    """The application behind: notes who came through."""

    def __init__(self) -> None:
        self.came: list[str] = []
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self, scope: Scope, _receive: Receive, _send: Send) -> None:
        self.came.append(scope["name"])
        await self.may_go.wait()


def _asking(
    app: PageScheduler, name: str, path: str = "/events/gala", kind: str = "http"
) -> asyncio.Task[None]:
    async def receive() -> dict[str, object]:
        raise AssertionError

    async def send(_message: object) -> None:
        raise AssertionError

    return asyncio.create_task(app({"type": kind, "path": path, "name": name}, receive, send))


async def _rounds(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    "path",
    [
        *("/events/gala", "/api/openapi.json", "/api/card.png", "/api/events/gala/card.png"),
        *("/api/events/gala/cover.jpg", "/api/events/gala/cover.svg"),
    ],
)
async def test_of_many_pages_one_goes_through_in_each_round_in_the_order_asked(path: str) -> None:
    behind = Behind()
    app = PageScheduler(behind)
    names = [str(index) for index in range(40)]
    tasks = [_asking(app, name, path) for name in names]
    counts: list[int] = []
    while not all(task.done() for task in tasks):
        await _rounds(1)
        counts.append(len(behind.came))
    assert behind.came == names
    assert max(after - before for before, after in pairwise(counts)) == 1


async def test_everything_else_passes_the_pages_that_wait() -> None:
    behind = Behind()
    app = PageScheduler(behind)
    pages = [_asking(app, "page", "/queue/gala") for _ in range(40)]
    others = [
        _asking(app, name, path, kind)
        for name, path, kind in (
            ("hold", "/api/events/gala/intents", "http"),
            ("checkout", "/book/gala", "http"),
            ("event", "/api/events/gala", "http"),
            ("readiness", "/api/readyz", "http"),
            ("socket", "/_event", "websocket"),
            ("script", "/assets/a.js", "http"),
        )
    ]
    await asyncio.gather(*others)
    assert len(behind.came) < len(pages)
    await asyncio.gather(*pages)


async def test_a_page_that_takes_long_keeps_no_other_waiting() -> None:
    behind = Behind()
    behind.may_go.clear()
    app = PageScheduler(behind)
    tasks = [_asking(app, str(index)) for index in range(5)]
    await _rounds(20)
    assert len(behind.came) == 5
    behind.may_go.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("gone", [0, 1, 5, 9])
async def test_who_goes_away_while_waiting_gives_the_turn_to_the_next(gone: int) -> None:
    behind = Behind()
    app = PageScheduler(behind)
    tasks = [_asking(app, str(index)) for index in range(10)]
    await _rounds(1)
    tasks[gone].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    rest = [str(index) for index in range(10) if index != gone]
    assert [name for name in behind.came if name != str(gone)] == rest
    later = _asking(app, "later")
    await later
    assert behind.came[-1] == "later"
