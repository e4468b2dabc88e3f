"""A crowd that asks for the same events is one read of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from surge_app.services.events.recent_views import RecentViews


class Table:
    """A table that notes what is read of it, and can be made to wait."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {"a": 1, "b": 1}
        self.reads: list[set[str]] = []
        self.is_reading = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def load(self, keys: frozenset[str]) -> dict[str, tuple[str, int]]:
        self.reads.append(set(keys))
        self.is_reading.set()
        found = {key: (key, self.rows[key]) for key in keys if key in self.rows}
        await self.may_answer.wait()
        return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that lets seconds pass."""
    now = [1000.0]
    monkeypatch.setattr("surge_app.services.events.recent_views.time.monotonic", lambda: now[0])

    def passes(seconds: float) -> None:
        now[0] += seconds

    return passes


async def test_all_who_ask_meanwhile_share_one_read(clock: Callable[[float], None]) -> None:
    table = Table()
    views = RecentViews(table.load, most=10)
    answers = await asyncio.gather(*(views.get(key) for key in ["a", "b", "a", "nothing"] * 50))
    assert table.reads == [{"a", "b", "nothing"}]
    assert set(answers) == {("a", 1), ("b", 1), None}
    clock(0.9)
    assert await views.get("a") == ("a", 1)
    assert len(table.reads) == 1


async def test_a_view_is_read_again_after_a_second_and_after_a_change(
    clock: Callable[[float], None],
) -> None:
    table = Table()
    views = RecentViews(table.load, most=10)
    await views.get("a")
    table.rows["a"] = 2
    clock(1.1)
    assert await views.get("a") == ("a", 2)
    table.rows["a"] = 3
    clock(0.1)
    views.invalidate()
    clock(0.1)
    assert await views.get("a") == ("a", 3)


async def test_who_asks_during_a_read_waits_for_the_next_one(
    clock: Callable[[float], None],
) -> None:
    table = Table()
    views = RecentViews(table.load, most=10)
    table.may_answer.clear()
    early = asyncio.create_task(views.get("new"))
    await table.is_reading.wait()
    table.rows["new"] = 7
    late = asyncio.create_task(views.get("new"))
    await asyncio.sleep(0)
    table.may_answer.set()
    assert await early is None
    assert await late == ("new", 7)


async def test_who_goes_away_takes_the_answer_from_nobody(clock: Callable[[float], None]) -> None:
    table = Table()
    views = RecentViews(table.load, most=10)
    table.may_answer.clear()
    first, second = asyncio.create_task(views.get("a")), asyncio.create_task(views.get("a"))
    await table.is_reading.wait()
    first.cancel()
    table.may_answer.set()
    assert await second == ("a", 1)


async def test_a_read_that_fails_fails_for_those_who_asked_and_nobody_else(
    clock: Callable[[float], None],
) -> None:
    fails = [True]

    async def load(keys: frozenset[str]) -> dict[str, str]:
        if fails.pop():
            raise ConnectionError
        return dict.fromkeys(keys, "there")

    views = RecentViews(load, most=10)
    asked = await asyncio.gather(*(views.get("a") for _ in range(3)), return_exceptions=True)
    assert {type(one) for one in asked} == {ConnectionError}
    fails.append(False)
    assert await views.get("a") == "there"


async def test_so_many_views_are_kept_and_no_more(clock: Callable[[float], None]) -> None:
    table = Table()
    table.rows = dict.fromkeys(map(str, range(50)), 1)
    views = RecentViews(table.load, most=10)
    for key in table.rows:
        await views.get(key)
    reads = len(table.reads)
    for number in range(40, 50):
        await views.get(str(number))
    assert len(table.reads) == reads
    await views.get("0")
    assert len(table.reads) == reads + 1
