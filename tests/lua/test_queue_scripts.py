"""The queue itself: the scripts on a real Redis, whose clock is moved by moving what was noted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from surge_app.kv.client import information
from tests.lua.queue_clock import SECOND_MS, Queue
from tests.queue_factory import rules_of


async def test_below_the_cap_nobody_waits(queue: Queue) -> None:
    await queue.open(concurrent_buyers=3)
    answers = await queue.join_all("a", "b", "c", "d")
    assert [answer.state for answer in answers] == ["admitted"] * 3 + ["waiting"]
    assert [answer.number for answer in answers] == [None, None, None, 4]


async def test_numbers_are_issued_once_each_and_first_come_is_first_served(
    queue: Queue,
) -> None:
    answers = await queue.join_all("first", "b", "c", "d")
    assert [(answer.number, answer.ahead) for answer in answers[1:]] == [(2, 0), (3, 1), (4, 2)]
    order: list[str] = []
    inside = "first"
    for _ in range(3):
        await queue.leave(inside)
        states = {visitor: (await queue.poll(visitor)).state for visitor in ("d", "c", "b")}
        (inside,) = [visitor for visitor, state in states.items() if state == "admitted"]
        order.append(inside)
    assert order == ["b", "c", "d"]


async def test_joining_again_keeps_the_place(queue: Queue) -> None:
    await queue.join_all("inside", "a", "b")
    again = await queue.join_all("b", "a", "b", "a")
    assert [(answer.number, answer.ahead) for answer in again] == [(3, 1), (2, 0)] * 2
    assert (await queue.stats()).queue.issued == 3


async def test_joining_again_with_a_pass_takes_no_number(queue: Queue) -> None:
    await queue.join("inside")
    assert (await queue.join("inside")).state == "admitted"
    assert (await queue.stats()).queue.issued == 1
    assert await queue.numbers() == {}


async def test_who_never_joined_has_no_place_and_gets_none_by_polling(queue: Queue) -> None:
    for visitor in ("stranger", ""):
        answer = await queue.poll(visitor)
        assert (answer.state, answer.number, answer.ahead) == ("not_joined", None, None)
    assert await queue.numbers() == {}
    assert await queue.redis.exists(queue.keys["seen"]) == 0


async def test_who_leaves_the_line_lets_the_others_move_up(queue: Queue) -> None:
    await queue.join_all("inside", "a", "b", "c")
    assert await queue.leave("b")
    assert [(await queue.poll(visitor)).ahead for visitor in ("a", "c")] == [0, 1]
    assert (await queue.poll("b")).state == "not_joined"
    assert (await queue.join("b")).number == 5


async def test_who_leaves_with_a_pass_admits_the_next_at_once(queue: Queue) -> None:
    await queue.join_all("inside", "next", "last")
    assert await queue.leave("inside")
    assert await queue.called() == [2]
    assert await queue.states("next", "last", "inside") == ["admitted", "waiting", "not_joined"]


async def test_leaving_twice_counts_once(queue: Queue) -> None:
    await queue.join("inside")
    assert await queue.leave("inside")
    assert not await queue.leave("inside")
    assert not await queue.leave("stranger")
    assert (await queue.stats()).left == 1


async def test_who_goes_with_tickets_makes_room_and_is_not_counted_as_having_left(
    queue: Queue,
) -> None:
    await queue.join_all("buyer", "next")
    assert await queue.store.leave(queue.slug, "buyer", is_served=True)
    assert (await queue.poll("next")).state == "admitted"
    stats = await queue.stats()
    assert (stats.admitted, stats.left, stats.served) == (2, 0, 1)


async def test_a_pass_that_ends_goes_to_the_next(queue: Queue) -> None:
    await queue.join_all("inside", "next")
    await queue.expire("inside")
    assert await queue.states("next", "inside") == ["admitted", "not_joined"]
    back = await queue.join("inside")
    assert (back.state, back.number) == ("waiting", 3)


async def test_a_new_pass_lasts_two_minutes_and_activity_makes_it_longer_never_shorter(
    queue: Queue,
) -> None:
    answer = await queue.join("inside")
    assert answer.pass_ends_ms is not None
    assert answer.pass_ends_ms - answer.queue.now_ms == 120 * SECOND_MS
    longer = await queue.renew("inside", 600)
    assert longer > answer.pass_ends_ms
    assert await queue.renew("inside", 5) == longer
    assert (await queue.poll("inside")).pass_ends_ms == longer


async def test_who_is_let_in_past_the_line_makes_nobody_behind_come_in_early(
    queue: Queue,
) -> None:
    await queue.join_all("inside", "b", "c", "revived")
    ends = await queue.store.grant(queue.slug, "revived", timedelta(seconds=300))
    assert 295 * SECOND_MS < ends - await queue.now_ms() <= 300 * SECOND_MS
    assert await queue.states("inside", "b", "c", "revived") == [
        *("admitted", "waiting", "waiting", "admitted"),
    ]
    assert "revived" not in await queue.numbers()
    assert await queue.store.grant(queue.slug, "revived", timedelta(seconds=10)) == ends
    await queue.leave("inside")
    assert await queue.states("b", "c") == ["waiting", "waiting"]
    await queue.leave("revived")
    assert await queue.states("b", "c") == ["admitted", "waiting"]


async def test_without_a_pass_there_is_nothing_to_renew(queue: Queue) -> None:
    await queue.join_all("inside", "waiting")
    assert await queue.renew("waiting", 600) == 0
    assert await queue.renew("stranger", 600) == 0
    await queue.expire("inside")
    assert await queue.renew("inside", 600) == 0
    assert await queue.passes() <= {"inside"}


async def test_nobody_is_let_in_to_find_nothing(queue: Queue) -> None:
    await queue.open(concurrent_buyers=100)
    await queue.units(2)
    await queue.join_all("a", "b", "c", "d")
    assert await queue.states("a", "b", "c", "d") == ["admitted", "admitted", "waiting", "waiting"]


async def test_holders_keep_their_place_inside_beside_the_free_units(queue: Queue) -> None:
    await queue.open(concurrent_buyers=100)
    await queue.units(2)
    await queue.join_all("a", "b", "c", "d")
    # `a` holds one unit: one is free, and `b` is inside for it.
    await queue.units(1, held=1, holders=1)
    assert await queue.states("c", "d") == ["waiting", "waiting"]
    # A unit comes back: the next in the queue may come for it.
    await queue.units(2, held=1, holders=1)
    assert await queue.states("c", "d") == ["admitted", "waiting"]


async def test_all_held_is_waiting_and_sold_out_is_the_end_until_units_return(
    queue: Queue,
) -> None:
    await queue.units(1)
    await queue.join_all("inside", "a")
    await queue.units(0, held=1, holders=1)
    answer = await queue.poll("a")
    assert (answer.state, answer.queue.available, answer.queue.held) == ("waiting", 0, 1)
    await queue.units(0)
    assert (await queue.poll("a")).state == "sold_out"
    assert (await queue.join("late")).state == "sold_out"
    assert await queue.numbers() == {"a": 2}
    await queue.units(1)
    await queue.leave("inside")
    assert (await queue.poll("a")).state == "admitted"


async def test_with_a_pass_the_last_units_can_be_looked_at_to_the_end(queue: Queue) -> None:
    await queue.units(1)
    await queue.join("inside")
    await queue.units(0)
    assert (await queue.poll("inside")).state == "admitted"


async def test_a_lowered_cap_takes_no_pass_away_and_gives_none(queue: Queue) -> None:
    await queue.open(concurrent_buyers=3)
    await queue.join_all("a", "b", "c", "d")
    await queue.open(concurrent_buyers=1)
    await queue.leave("a")
    await queue.leave("b")
    assert await queue.passes() == {"c"}
    assert await queue.called() == []
    await queue.leave("c")
    assert (await queue.poll("d")).state == "admitted"


async def test_a_pause_lets_nobody_in_and_keeps_every_place(queue: Queue) -> None:
    await queue.open(concurrent_buyers=2)
    await queue.join_all("inside", "too")
    await queue.open(concurrent_buyers=2, paused=True, message="Ten minutes, please.")
    await queue.leave("too")
    joined = await queue.join_all("a", "b")
    assert [(one.state, one.number, one.ahead) for one in joined] == [
        ("paused", 3, 0),
        ("paused", 4, 1),
    ]
    assert joined[0].queue.message == "Ten minutes, please."
    assert (await queue.poll("inside")).state == "admitted"
    await queue.open(concurrent_buyers=2)
    assert await queue.states("b", "a") == ["waiting", "admitted"]


async def test_so_many_are_admitted_in_a_minute_and_not_one_more(queue: Queue) -> None:
    await queue.open(concurrent_buyers=100, admissions_per_minute=2)
    answers = await queue.join_all("a", "b", "c", "d", "e")
    assert [one.state for one in answers] == ["admitted"] * 2 + ["waiting"] * 3
    assert answers[-1].queue.admitted_last_minute == 2
    # A place that is given back gives no second admission in the same minute.
    await queue.leave("a")
    assert (await queue.poll("c")).state == "waiting"
    await queue.let_a_minute_pass_since_admissions()
    assert await queue.states("e", "c", "d") == ["waiting", "admitted", "admitted"]


@pytest.mark.parametrize("how", ["closed", "cancelled", "draft"])
async def test_after_the_end_nobody_gets_a_number_or_shops(queue: Queue, how: str) -> None:
    await queue.join_all("inside", "a")
    closed = {"closes_at_ms": await queue.now_ms() - 1}
    await queue.open(**(closed if how == "closed" else {"phase": how}))
    assert await queue.states("inside", "a", "stranger") == ["ended"] * 3
    assert (await queue.join("late")).state == "ended"
    await queue.leave("inside")
    assert await queue.passes() == set()
    assert await queue.called() == []
    assert (await queue.stats()).queue.issued == 2


async def test_an_event_without_rules_is_unknown(redis: Redis) -> None:
    nowhere = Queue(redis)
    assert (await nowhere.join("a")).state == "unknown"
    assert (await nowhere.poll("a")).state == "unknown"
    assert (await nowhere.snapshot(1)).queue.sale == "unknown"
    assert not await nowhere.leave("a")
    assert await redis.exists(*nowhere.keys.values()) == 0


async def test_two_events_know_nothing_of_each_other(queue: Queue, redis: Redis) -> None:
    other = Queue(redis)
    await other.open()
    await queue.join("a")
    assert (await other.poll("a")).state == "not_joined"
    assert await other.renew("a", 60) == 0
    assert (await other.join("b")).state == "admitted"
    assert await queue.passes() == {"a"}


async def test_no_number_is_issued_above_the_ceiling(redis: Redis) -> None:
    low = Queue(redis)
    await low.store.open(low.slug, start=10, ceiling=12, early=None)
    await low.store.sync(low.slug, rules_of(), None, ceiling=12)
    await low.end_recovery()
    answers = await low.join_all("a", "b", "c")
    assert [answer.number for answer in answers] == [None, 12, None]
    assert [answer.state for answer in answers] == ["admitted", "waiting", "not_joined"]


async def test_a_pass_has_a_longest_life_however_active_its_visitor(queue: Queue) -> None:
    await queue.join("inside")
    await queue.age_pass("inside", 1_000)
    now = await queue.now_ms()
    assert await queue.renew("inside", 500, life=1_200) == pytest.approx(now + 200_000, abs=2_000)
    # A payment has a window of its own.
    assert await queue.renew("inside", 500, life=1_600) == pytest.approx(now + 500_000, abs=2_000)


async def test_the_line_of_a_finished_sale_is_forgotten_after_a_month(queue: Queue) -> None:
    await queue.join_all("inside", "a")
    assert await queue.redis.ttl(queue.keys["numbers"]) == -1
    await queue.open(closes_at_ms=await queue.now_ms() - 1)
    assert 29 * 86_400 < await queue.redis.ttl(queue.keys["numbers"]) <= 30 * 86_400


async def test_an_organizer_takes_passes_and_places_back(queue: Queue) -> None:
    await queue.open(concurrent_buyers=2)
    await queue.join_all("a", "b", "c", "d")
    assert await queue.store.revoke(queue.slug, 1) == ["a"]
    assert await queue.states("a", "c", "d") == ["not_joined", "admitted", "waiting"]
    assert await queue.store.revoke(queue.slug, 4) == []
    assert (await queue.poll("d")).state == "not_joined"
    assert sorted(await queue.store.revoke(queue.slug, None)) == ["b", "c"]
    assert await queue.passes() == set()
    assert (await queue.join("a")).number is None


async def test_each_number_is_told_where_it_stands(queue: Queue) -> None:
    async def positions(*numbers: int) -> list[str]:
        return [(await queue.store.locate(queue.slug, number)).status for number in numbers]

    await queue.open(concurrent_buyers=2)
    await queue.join_all("a", "b", "c", "d", "e", "f")
    found = await queue.store.locate(queue.slug, 2)
    assert (found.status, found.ahead, found.visitor_id) == ("inside", None, "b")
    assert (await queue.store.locate(queue.slug, 5)).ahead == 2
    assert await positions(1, 3, 7) == ["inside", "waiting", "unknown"]
    await queue.silence("c")
    await queue.store.leave(queue.slug, "a", is_served=True)
    await queue.store.revoke(queue.slug, 2)
    assert await positions(1, 2, 3, 4, 5) == ["served", "left", "absent", "called", "called"]
    await queue.poll("d")
    await queue.expire("d")
    await queue.silence("c", 3_600)
    await queue.leave("f")
    assert await positions(3, 4, 6) == ["left", "left", "left"]


async def test_the_organizer_sees_what_became_of_everybody(queue: Queue) -> None:
    await queue.join_all("inside", "a", "b", "c", "d")
    await queue.silence("a")
    await queue.leave("inside")
    await queue.lapse("b")
    stats = await queue.stats()
    assert (stats.absent, stats.admitted, stats.left, stats.no_shows) == (2, 3, 1, 1)
    assert (stats.queue.waiting, stats.queue.called, stats.queue.inside) == (1, 1, 0)
    assert stats.queue.issued == 5


async def test_a_visit_from_joining_to_tickets_reads_nothing_twice(queue: Queue) -> None:
    costs: list[int] = []
    for number in range(4):
        before = await _commands(queue.redis)
        await _visit(queue, f"v{number}")
        costs.append(await _commands(queue.redis) - before)
    # 33 to join, 11 to hold, 20 to leave and one to count; they were 102. The first visit sends the
    # scripts, and one after a long pause looks after what ended meanwhile.
    assert min(costs) <= 70


async def _visit(queue: Queue, visitor: str) -> None:
    assert (await queue.join(visitor)).state == "admitted"
    assert await queue.hold(visitor) > 0
    assert await queue.store.leave(queue.slug, visitor, is_served=True)


async def _commands(redis: Redis) -> int:
    """Return how many commands Redis has run, those inside of scripts included."""
    return int((await information(redis, "stats"))["total_commands_processed"])
