"""Who falls silent or does not come: passed over at no delay, and recalled in time."""

from __future__ import annotations

from tests.lua.queue_clock import Line


async def test_who_fell_silent_is_passed_over_and_is_served_next_on_returning(line: Line) -> None:
    await line.join_all("inside", "silent", "b", "c")
    await line.silence("silent")
    await line.leave("inside")
    assert (await line.poll("b")).state == "admitted"
    assert (await line.poll("c")).ahead == 0
    back = await line.poll("silent")
    assert (back.state, back.number, back.ahead, back.note) == ("waiting", 2, 0, "recalled")
    assert (await line.poll("c")).ahead == 1
    await line.leave("b")
    assert await line.states("c", "silent") == ["waiting", "admitted"]


async def test_who_fell_silent_returns_by_joining_too(line: Line) -> None:
    await line.join_all("inside", "silent", "b")
    await line.silence("silent")
    await line.leave("inside")
    back = await line.join("silent")
    assert (back.number, back.ahead, back.note) == (2, 0, "recalled")


async def test_a_hidden_tab_that_polls_once_a_minute_is_not_silent(line: Line) -> None:
    await line.join_all("inside", "hidden", "b")
    await line.silence("hidden", seconds=65)
    await line.leave("inside")
    assert await line.called() == [2]


async def test_after_the_grace_the_place_is_lost_and_that_is_said(line: Line) -> None:
    await line.join_all("inside", "gone", "b", "c")
    await line.silence("gone")
    await line.leave("inside")
    await line.silence_number(2, seconds=601)
    for _ in range(2):
        lost = await line.poll("gone")
        assert (lost.state, lost.number, lost.note) == ("not_joined", None, "place_lost")
    again = await line.join("gone")
    assert (again.state, again.number, again.note) == ("waiting", 5, "place_lost")
    assert (await line.stats()).absent == 0
    assert (await line.poll("gone")).note == ""


async def test_a_turn_nobody_comes_for_goes_to_the_next_and_may_be_recalled(line: Line) -> None:
    await line.join_all("inside", "late", "b", "c")
    await line.leave("inside")
    await line.lapse("late")
    assert (await line.poll("b")).state == "admitted"
    back = await line.poll("late")
    assert (back.number, back.ahead, back.note) == (2, 0, "recalled")
    await line.leave("b")
    assert await line.states("c", "late") == ["waiting", "admitted"]
    assert (await line.stats()).no_shows == 1


async def test_who_is_called_counts_as_inside_until_the_turn_lapses(line: Line) -> None:
    await line.open(concurrent_buyers=2)
    await line.join_all("a", "b", "c", "d", "e")
    await line.leave("a")
    await line.leave("b")
    assert await line.called() == [3, 4]
    look = await line.look()
    assert (look.line.called, look.line.inside, look.line.waiting) == (2, 0, 1)


async def test_when_all_are_silent_the_turn_waits_for_whoever_returns_first(line: Line) -> None:
    await line.join_all("inside", "a", "b")
    for visitor in ("a", "b"):
        await line.silence(visitor)
    await line.leave("inside")
    assert await line.called() == []
    assert (await line.poll("b")).state == "admitted"
    assert (await line.poll("a")).state == "waiting"


async def test_liveness_that_workers_hand_over_counts_as_polling(line: Line) -> None:
    await line.join_all("inside", "a", "b")
    await line.silence("a")
    await line.look(2)
    await line.leave("inside")
    assert await line.called() == [2]


async def test_many_who_are_gone_are_passed_over_in_bounded_steps(line: Line) -> None:
    await line.join("inside")
    crowd = 2_500
    for start in range(0, crowd, 100):
        for number in range(start, start + 100):
            await line.store.join(line.slug, f"v{number}")
    alive = await line.join("alive")
    old = (await line.now_ms() // 1000 - 100).to_bytes(4, "big")
    await line.redis.setrange(line.keys["seen"], 8, old * crowd)  # pyright: ignore[reportArgumentType]
    await line.leave("inside")
    steps = 1
    while not await line.called():
        await line.look(alive.number or 0)
        steps += 1
    assert steps == 3
    assert await line.called() == [alive.number]
    assert (await line.stats()).absent == crowd
