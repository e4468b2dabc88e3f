"""The end of a hold: what was held goes to the head of the queue, and its visitor queues again."""

from __future__ import annotations

import pytest

from tests.lua.queue_clock import SECOND_MS, Queue


@pytest.fixture
async def queue(queue: Queue) -> Queue:
    """One unit, held by `holder`; `next` and `last` wait for it."""
    await queue.open(concurrent_buyers=100)
    await queue.units(1)
    await queue.join("holder")
    await queue.hold("holder")
    await queue.units(0, held=1, holders=1)
    await queue.join_all("next", "last")
    return queue


async def test_a_ticket_whose_hold_ended_goes_to_the_head_of_the_queue_at_once(
    queue: Queue,
) -> None:
    assert await queue.states("next", "last") == ["waiting", "waiting"]
    await queue.end_hold("holder")
    assert await queue.called() == [2]
    assert await queue.states("next", "last") == ["admitted", "waiting"]
    # The counts that follow a second later let nobody else in.
    await queue.units(1)
    assert await queue.states("last") == ["waiting"]


async def test_counts_that_overtake_the_end_of_a_hold_let_in_one_visitor_and_no_more(
    queue: Queue,
) -> None:
    await queue.units(1)
    assert await queue.called() == []
    await queue.end_hold("holder")
    assert await queue.called() == [2]


async def test_after_a_hold_its_visitor_may_try_again_for_a_moment_and_then_queues_last(
    queue: Queue,
) -> None:
    await queue.end_hold("holder")
    answer = await queue.poll("holder")
    assert answer.state == "admitted"
    assert answer.pass_ends_ms is not None
    assert answer.pass_ends_ms - answer.queue.now_ms == pytest.approx(30 * SECOND_MS, abs=1_000)
    assert await queue.renew("holder", 600) == answer.pass_ends_ms
    await queue.expire("holder")
    back = await queue.join("holder")
    assert (back.state, back.number, back.ahead) == ("waiting", 4, 1)


async def test_a_visitor_who_gets_a_ticket_in_that_moment_keeps_the_pass_for_it(
    queue: Queue,
) -> None:
    await queue.end_hold("holder")
    assert await queue.hold("holder", 600) > await queue.now_ms() + 500 * SECOND_MS
    assert await queue.passes() == {"holder"}


async def test_holding_and_letting_go_gains_nothing_the_second_hold_ends_the_pass(
    queue: Queue,
) -> None:
    await queue.end_hold("holder")
    await queue.hold("holder")
    await queue.end_hold("holder")
    assert (await queue.poll("holder")).state == "not_joined"
    assert await queue.hold("holder") == 0
    assert (await queue.join("holder")).number == 4


async def test_while_nobody_waits_there_is_as_much_time_as_at_first(queue: Queue) -> None:
    await queue.leave("next")
    await queue.leave("last")
    await queue.end_hold("holder")
    answer = await queue.poll("holder")
    assert answer.pass_ends_ms is not None
    assert answer.pass_ends_ms - answer.queue.now_ms == pytest.approx(120 * SECOND_MS, abs=1_000)


async def test_the_end_of_a_hold_of_a_visitor_without_a_pass_changes_nothing(queue: Queue) -> None:
    await queue.end_hold("next", "stranger", "")
    assert await queue.passes() == {"holder"}
    assert await queue.called() == []


async def test_an_organizer_takes_the_grace_back_as_well(queue: Queue) -> None:
    await queue.end_hold("holder")
    assert await queue.store.revoke(queue.slug, 1) == ["holder"]
    assert (await queue.poll("holder")).state == "not_joined"


async def test_a_called_visitor_who_stays_silent_keeps_a_ticket_idle_for_seconds_only(
    queue: Queue,
) -> None:
    await queue.end_hold("holder")
    (_, ends), *_ = await queue.redis.zrange(queue.keys["called"], 0, -1, withscores=True)
    assert ends - await queue.now_ms() <= 20 * SECOND_MS
    await queue.lapse("next")
    assert await queue.states("last") == ["admitted"]
    assert (await queue.poll("next")).note == "recalled"
