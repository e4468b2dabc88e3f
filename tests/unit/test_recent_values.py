"""All who watch the same share one read, and no one sees what a change has made old."""

from __future__ import annotations

import asyncio

import pytest

from surge_app.errors import NotFound
from surge_app.services.recent_values import RecentValues


class Row:
    """A row of a database that is slow to respond when a test says so."""

    def __init__(self) -> None:
        self.number, self.reads = 1, 0
        self.is_read, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    async def read(self, key: str) -> int:
        self.reads += 1
        if key == "nothing":
            await asyncio.sleep(0)
            raise NotFound
        number = self.number
        self.is_read.set()
        await self.may_answer.wait()
        return number


async def test_all_who_ask_share_one_read_until_it_is_old() -> None:
    row = Row()
    values, old = RecentValues(row.read, seconds=60), RecentValues(row.read, seconds=0)
    assert set(await asyncio.gather(*(values.get("a") for _ in range(50)))) == {1}
    assert row.reads == 1
    await old.get("a")
    await old.get("a")
    assert row.reads == 3


@pytest.mark.parametrize("is_all", [True, False], ids=["all", "one"])
async def test_a_read_that_began_before_a_change_is_not_kept(*, is_all: bool) -> None:
    row = Row()
    values = RecentValues(row.read, seconds=60)
    row.may_answer.clear()
    before = asyncio.create_task(values.get("a"))
    await row.is_read.wait()
    row.number = 2
    if is_all:
        values.invalidate_all()
    else:
        values.invalidate("a")
    after = asyncio.create_task(values.get("a"))
    row.may_answer.set()
    assert (await before, await after, await values.get("a")) == (1, 2, 2)
    assert row.reads == 2


async def test_all_who_waited_when_a_change_came_share_the_read_after_it() -> None:
    row = Row()
    values = RecentValues(row.read, seconds=60)
    row.may_answer.clear()
    asked = [asyncio.create_task(values.get("a")) for _ in range(50)]
    await row.is_read.wait()
    row.number = 2
    values.invalidate("a")
    row.may_answer.set()
    assert await asyncio.gather(*asked) == [1, *[2] * 49]
    assert row.reads == 2


async def test_everyone_who_asks_for_nothing_is_told_so() -> None:
    values = RecentValues(Row().read, seconds=60)
    asked = (values.get("nothing") for _ in range(5))
    answers = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in answers] == [NotFound] * 5
