"""A visitor whose network holds its share lets others in, and keeps the turn meanwhile."""

from __future__ import annotations

import pytest

from tests.lua.queue_clock import SECOND_MS, Queue

CROWD = ("a", "b", "c", "d")


@pytest.fixture
async def queue(queue: Queue) -> Queue:
    """Four visitors inside, of four; two others wait."""
    await queue.open(concurrent_buyers=4)
    await queue.join_all(*CROWD, "next", "last")
    return queue


async def test_the_next_is_called_and_the_pass_lasts_as_long_as_before(queue: Queue) -> None:
    before = await queue.poll("a")
    assert await queue.step_aside("a")
    assert await queue.called() == [5]
    assert await queue.states("a", "next", "last") == ["admitted", "admitted", "waiting"]
    assert (await queue.poll("a")).pass_ends_ms == before.pass_ends_ms


async def test_half_as_many_as_may_be_inside_step_aside_where_units_are_few(queue: Queue) -> None:
    await queue.units(4)
    await queue.join("another")
    assert [await queue.step_aside(visitor) for visitor in CROWD] == [True, True, False, False]
    assert await queue.states("next", "last", "another") == ["admitted", "admitted", "waiting"]
    await queue.expire("a")
    assert await queue.step_aside("c")


async def test_a_hold_makes_it_a_pass_again(queue: Queue) -> None:
    await queue.step_aside("a")
    ends = await queue.hold("a")
    assert ends - await queue.now_ms() > 300 * SECOND_MS
    await queue.end_hold("b")
    assert await queue.states("a", "next", "last") == ["admitted", "admitted", "waiting"]


async def test_nobody_steps_aside_for_nobody(queue: Queue) -> None:
    await queue.leave("next")
    await queue.leave("last")
    assert not await queue.step_aside("a")
    assert not await queue.step_aside("stranger")
