"""Silent or absent visitors: passed over at no delay, and recalled in time."""

from __future__ import annotations

from tests.lua.queue_clock import Queue


async def test_who_fell_silent_is_passed_over_and_is_served_next_on_returning(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "silent", "b", "c")
    await queue.silence("silent")
    await queue.leave("inside")
    assert (await queue.poll("b")).state == "admitted"
    assert (await queue.poll("c")).ahead == 0
    back = await queue.poll("silent")
    assert (back.state, back.number, back.ahead, back.note) == ("waiting", 2, 0, "recalled")
    assert (await queue.poll("c")).ahead == 1
    await queue.leave("b")
    assert await queue.states("c", "silent") == ["waiting", "admitted"]


async def test_who_fell_silent_returns_by_joining_too(queue: Queue) -> None:
    await queue.join_all("inside", "silent", "b")
    await queue.silence("silent")
    await queue.leave("inside")
    back = await queue.join("silent")
    assert (back.number, back.ahead, back.note) == (2, 0, "recalled")


async def test_a_hidden_tab_that_polls_once_a_minute_is_not_silent(queue: Queue) -> None:
    await queue.join_all("inside", "hidden", "b")
    await queue.silence("hidden", seconds=65)
    await queue.leave("inside")
    assert await queue.called() == [2]


async def test_after_the_grace_the_place_is_lost_and_that_is_said(queue: Queue) -> None:
    await queue.join_all("inside", "gone", "b", "c")
    await queue.silence("gone")
    await queue.leave("inside")
    await queue.silence_number(2, seconds=601)
    for _ in range(2):
        lost = await queue.poll("gone")
        assert (lost.state, lost.number, lost.note) == ("not_joined", None, "place_lost")
    again = await queue.join("gone")
    assert (again.state, again.number, again.note) == ("waiting", 5, "place_lost")
    assert (await queue.stats()).absent == 0
    assert (await queue.poll("gone")).note == ""


async def test_a_turn_nobody_comes_for_goes_to_the_next_and_may_be_recalled(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "late", "b", "c")
    await queue.leave("inside")
    await queue.lapse("late")
    assert (await queue.poll("b")).state == "admitted"
    back = await queue.poll("late")
    assert (back.number, back.ahead, back.note) == (2, 0, "recalled")
    await queue.leave("b")
    assert await queue.states("c", "late") == ["waiting", "admitted"]
    assert (await queue.stats()).no_shows == 1


async def test_who_is_called_counts_as_inside_until_the_turn_lapses(queue: Queue) -> None:
    await queue.open(concurrent_buyers=2)
    await queue.join_all("a", "b", "c", "d", "e")
    await queue.leave("a")
    await queue.leave("b")
    assert await queue.called() == [3, 4]
    look = await queue.snapshot()
    assert (look.queue.called, look.queue.inside, look.queue.waiting) == (2, 0, 1)


async def test_when_all_are_silent_the_turn_waits_for_whoever_returns_first(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "a", "b")
    for visitor in ("a", "b"):
        await queue.silence(visitor)
    await queue.leave("inside")
    assert await queue.called() == []
    assert (await queue.poll("b")).state == "admitted"
    assert (await queue.poll("a")).state == "waiting"


async def test_liveness_that_workers_hand_over_counts_as_polling(queue: Queue) -> None:
    await queue.join_all("inside", "a", "b")
    await queue.silence("a")
    await queue.snapshot(2)
    await queue.leave("inside")
    assert await queue.called() == [2]


async def test_many_who_are_gone_are_passed_over_in_bounded_steps(queue: Queue) -> None:
    await queue.join("inside")
    crowd = 2_500
    for start in range(0, crowd, 100):
        for number in range(start, start + 100):
            await queue.store.join(queue.slug, f"v{number}")
    alive = await queue.join("alive")
    old = (await queue.now_ms() // 1000 - 100).to_bytes(4, "big")
    await queue.redis.setrange(queue.keys["seen"], 8, old * crowd)  # pyright: ignore[reportArgumentType]
    await queue.leave("inside")
    steps = 1
    while not await queue.called():
        await queue.snapshot(alive.number or 0)
        steps += 1
    assert steps == 3
    assert await queue.called() == [alive.number]
    assert (await queue.stats()).absent == crowd


async def test_far_from_the_head_silence_does_not_count(queue: Queue) -> None:
    await queue.open(personal_below=3)
    await queue.join_all("inside", *(f"v{n}" for n in range(12)))
    for n in range(12):
        await queue.silence(f"v{n}", seconds=3_000)
    await queue.age_reach(300)
    for _ in range(4):
        await queue.snapshot()
    await queue.leave("inside")
    # Those within reach had to poll and did not; the next never had to.
    assert (await queue.called(), (await queue.stats()).absent) == ([5], 3)


async def test_when_a_fifth_of_the_queue_leaves_at_once_nobody_behind_is_passed_over(
    queue: Queue,
) -> None:
    await queue.open(personal_below=5)
    await queue.join_all("inside", *(f"v{n}" for n in range(100)))
    for n in range(100):
        await queue.silence(f"v{n}", seconds=3_000)
    await queue.age_reach(300)
    for n in range(20):
        await queue.leave(f"v{n}")
    await queue.leave("inside")
    assert (await queue.called(), (await queue.stats()).absent) == ([22], 0)
    # The page sees the jump in the public snapshot, and comes in time for its turn.
    assert (await queue.poll("v20")).state == "admitted"
    await queue.leave("v20")
    assert (await queue.poll("v21")).state == "admitted"


async def test_silence_counts_from_the_moment_the_head_came_within_reach(queue: Queue) -> None:
    await queue.open(personal_below=5)
    await queue.join_all("inside", *(f"v{n}" for n in range(40)))
    for n in range(40):
        await queue.silence(f"v{n}", seconds=3_000)
    await queue.age_reach(300)
    for n in range(10):
        await queue.leave(f"v{n}")
    await queue.age_reach(60)
    await queue.leave("inside")
    assert (await queue.called(), (await queue.stats()).absent) == ([12], 0)
    await queue.age_reach(20)
    await queue.leave("v10")
    # Of the five within reach since then, four are left; the next one never had to poll.
    assert (await queue.called(), (await queue.stats()).absent) == ([17], 4)


async def test_whoever_joins_a_short_queue_is_within_reach_at_once(queue: Queue) -> None:
    await queue.open(personal_below=50)
    await queue.join_all("inside", *(f"v{n}" for n in range(12)))
    for n in range(11):
        await queue.silence(f"v{n}")
    await queue.age_reach(90)
    await queue.leave("inside")
    assert (await queue.called(), (await queue.stats()).absent) == ([13], 11)
