"""The line itself: the scripts on a real Redis, whose clock is moved by moving what was noted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from redis.asyncio import Redis

from tests.lua.queue_clock import SECOND_MS, Line
from tests.queue_factory import rules_of


async def test_below_the_cap_nobody_waits(line: Line) -> None:
    await line.open(concurrent_buyers=3)
    answers = await line.join_all("a", "b", "c", "d")
    assert [answer.state for answer in answers] == ["admitted"] * 3 + ["waiting"]
    assert [answer.number for answer in answers] == [None, None, None, 4]


async def test_numbers_are_issued_once_each_and_first_come_is_first_served(line: Line) -> None:
    answers = await line.join_all("first", "b", "c", "d")
    assert [(answer.number, answer.ahead) for answer in answers[1:]] == [(2, 0), (3, 1), (4, 2)]
    order: list[str] = []
    inside = "first"
    for _ in range(3):
        await line.leave(inside)
        states = {visitor: (await line.poll(visitor)).state for visitor in ("d", "c", "b")}
        (inside,) = [visitor for visitor, state in states.items() if state == "admitted"]
        order.append(inside)
    assert order == ["b", "c", "d"]


async def test_joining_again_keeps_the_place(line: Line) -> None:
    await line.join_all("inside", "a", "b")
    again = await line.join_all("b", "a", "b", "a")
    assert [(answer.number, answer.ahead) for answer in again] == [(3, 1), (2, 0)] * 2
    assert (await line.stats()).line.issued == 3


async def test_joining_again_with_a_pass_takes_no_number(line: Line) -> None:
    await line.join("inside")
    assert (await line.join("inside")).state == "admitted"
    assert (await line.stats()).line.issued == 1
    assert await line.numbers() == {}


async def test_who_never_joined_has_no_place_and_gets_none_by_polling(line: Line) -> None:
    for visitor in ("stranger", ""):
        answer = await line.poll(visitor)
        assert (answer.state, answer.number, answer.ahead) == ("not_joined", None, None)
    assert await line.numbers() == {}
    assert await line.redis.exists(line.keys["seen"]) == 0


async def test_who_leaves_the_line_lets_the_others_move_up(line: Line) -> None:
    await line.join_all("inside", "a", "b", "c")
    assert await line.leave("b")
    assert [(await line.poll(visitor)).ahead for visitor in ("a", "c")] == [0, 1]
    assert (await line.poll("b")).state == "not_joined"
    assert (await line.join("b")).number == 5


async def test_who_leaves_with_a_pass_admits_the_next_at_once(line: Line) -> None:
    await line.join_all("inside", "next", "last")
    assert await line.leave("inside")
    assert await line.called() == [2]
    assert await line.states("next", "last", "inside") == ["admitted", "waiting", "not_joined"]


async def test_leaving_twice_counts_once(line: Line) -> None:
    await line.join("inside")
    assert await line.leave("inside")
    assert not await line.leave("inside")
    assert not await line.leave("stranger")
    assert (await line.stats()).left == 1


async def test_who_goes_with_tickets_makes_room_and_is_not_counted_as_having_left(
    line: Line,
) -> None:
    await line.join_all("buyer", "next")
    assert await line.store.leave(line.slug, "buyer", is_served=True)
    assert (await line.poll("next")).state == "admitted"
    stats = await line.stats()
    assert (stats.admitted, stats.left, stats.served) == (2, 0, 1)


async def test_a_pass_that_ends_goes_to_the_next(line: Line) -> None:
    await line.join_all("inside", "next")
    await line.expire("inside")
    assert await line.states("next", "inside") == ["admitted", "not_joined"]
    back = await line.join("inside")
    assert (back.state, back.number) == ("waiting", 3)


async def test_a_new_pass_lasts_a_minute_and_a_half_and_activity_makes_it_longer_never_shorter(
    line: Line,
) -> None:
    answer = await line.join("inside")
    assert answer.pass_ends_ms is not None
    assert answer.pass_ends_ms - answer.line.now_ms == 90 * SECOND_MS
    longer = await line.renew("inside", 600)
    assert longer > answer.pass_ends_ms
    assert await line.renew("inside", 5) == longer
    assert (await line.poll("inside")).pass_ends_ms == longer


async def test_who_is_let_in_past_the_line_makes_nobody_behind_come_in_early(line: Line) -> None:
    await line.join_all("inside", "b", "c", "revived")
    ends = await line.store.grant(line.slug, "revived", timedelta(seconds=300))
    assert 295 * SECOND_MS < ends - await line.now_ms() <= 300 * SECOND_MS
    assert await line.states("inside", "b", "c", "revived") == [
        *("admitted", "waiting", "waiting", "admitted"),
    ]
    assert "revived" not in await line.numbers()
    assert await line.store.grant(line.slug, "revived", timedelta(seconds=10)) == ends
    await line.leave("inside")
    assert await line.states("b", "c") == ["waiting", "waiting"]
    await line.leave("revived")
    assert await line.states("b", "c") == ["admitted", "waiting"]


async def test_without_a_pass_there_is_nothing_to_renew(line: Line) -> None:
    await line.join_all("inside", "waiting")
    assert await line.renew("waiting", 600) == 0
    assert await line.renew("stranger", 600) == 0
    await line.expire("inside")
    assert await line.renew("inside", 600) == 0
    assert await line.passes() <= {"inside"}


async def test_nobody_is_let_in_to_find_nothing(line: Line) -> None:
    await line.open(concurrent_buyers=100)
    await line.units(2)
    await line.join_all("a", "b", "c", "d")
    assert await line.states("a", "b", "c", "d") == ["admitted", "admitted", "waiting", "waiting"]


async def test_holders_keep_their_place_inside_beside_the_free_units(line: Line) -> None:
    await line.open(concurrent_buyers=100)
    await line.units(2)
    await line.join_all("a", "b", "c", "d")
    # `a` holds one unit: one is free, and `b` is inside for it.
    await line.units(1, held=1, holders=1)
    assert await line.states("c", "d") == ["waiting", "waiting"]
    # A unit comes back: the next in line may come for it.
    await line.units(2, held=1, holders=1)
    assert await line.states("c", "d") == ["admitted", "waiting"]


async def test_all_held_is_waiting_and_sold_out_is_the_end_until_units_return(line: Line) -> None:
    await line.units(1)
    await line.join_all("inside", "a")
    await line.units(0, held=1, holders=1)
    answer = await line.poll("a")
    assert (answer.state, answer.line.available, answer.line.held) == ("waiting", 0, 1)
    await line.units(0)
    assert (await line.poll("a")).state == "sold_out"
    assert (await line.join("late")).state == "sold_out"
    assert await line.numbers() == {"a": 2}
    await line.units(1)
    await line.leave("inside")
    assert (await line.poll("a")).state == "admitted"


async def test_with_a_pass_the_last_units_can_be_looked_at_to_the_end(line: Line) -> None:
    await line.units(1)
    await line.join("inside")
    await line.units(0)
    assert (await line.poll("inside")).state == "admitted"


async def test_a_lowered_cap_takes_no_pass_away_and_gives_none(line: Line) -> None:
    await line.open(concurrent_buyers=3)
    await line.join_all("a", "b", "c", "d")
    await line.open(concurrent_buyers=1)
    await line.leave("a")
    await line.leave("b")
    assert await line.passes() == {"c"}
    assert await line.called() == []
    await line.leave("c")
    assert (await line.poll("d")).state == "admitted"


async def test_a_pause_lets_nobody_in_and_keeps_every_place(line: Line) -> None:
    await line.open(concurrent_buyers=2)
    await line.join_all("inside", "too")
    await line.open(concurrent_buyers=2, paused=True, message="Ten minutes, please.")
    await line.leave("too")
    joined = await line.join_all("a", "b")
    assert [(one.state, one.number, one.ahead) for one in joined] == [
        ("paused", 3, 0),
        ("paused", 4, 1),
    ]
    assert joined[0].line.message == "Ten minutes, please."
    assert (await line.poll("inside")).state == "admitted"
    await line.open(concurrent_buyers=2)
    assert await line.states("b", "a") == ["waiting", "admitted"]


async def test_so_many_are_admitted_in_a_minute_and_not_one_more(line: Line) -> None:
    await line.open(concurrent_buyers=100, admissions_per_minute=2)
    answers = await line.join_all("a", "b", "c", "d", "e")
    assert [one.state for one in answers] == ["admitted"] * 2 + ["waiting"] * 3
    assert answers[-1].line.admitted_last_minute == 2
    # A place that is given back gives no second admission in the same minute.
    await line.leave("a")
    assert (await line.poll("c")).state == "waiting"
    await line.let_a_minute_pass_since_admissions()
    assert await line.states("e", "c", "d") == ["waiting", "admitted", "admitted"]


@pytest.mark.parametrize("how", ["closed", "cancelled", "draft"])
async def test_after_the_end_nobody_gets_a_number_or_shops(line: Line, how: str) -> None:
    await line.join_all("inside", "a")
    closed = {"closes_at_ms": await line.now_ms() - 1}
    await line.open(**(closed if how == "closed" else {"phase": how}))
    assert await line.states("inside", "a", "stranger") == ["ended"] * 3
    assert (await line.join("late")).state == "ended"
    await line.leave("inside")
    assert await line.passes() == set()
    assert await line.called() == []
    assert (await line.stats()).line.issued == 2


async def test_an_event_without_rules_is_unknown(redis: Redis) -> None:
    nowhere = Line(redis)
    assert (await nowhere.join("a")).state == "unknown"
    assert (await nowhere.poll("a")).state == "unknown"
    assert (await nowhere.look(1)).line.sale == "unknown"
    assert not await nowhere.leave("a")
    assert await redis.exists(*nowhere.keys.values()) == 0


async def test_two_events_know_nothing_of_each_other(line: Line, redis: Redis) -> None:
    other = Line(redis)
    await other.open()
    await line.join("a")
    assert (await other.poll("a")).state == "not_joined"
    assert await other.renew("a", 60) == 0
    assert (await other.join("b")).state == "admitted"
    assert await line.passes() == {"a"}


async def test_no_number_is_issued_above_the_ceiling(redis: Redis) -> None:
    low = Line(redis)
    await low.store.begin(low.slug, start=10, ceiling=12, early=None)
    await low.store.publish(low.slug, rules_of(), None, ceiling=12)
    await low.end_recovery()
    answers = await low.join_all("a", "b", "c")
    assert [answer.number for answer in answers] == [None, 12, None]
    assert [answer.state for answer in answers] == ["admitted", "waiting", "not_joined"]


async def test_a_pass_has_a_longest_life_however_active_its_visitor(line: Line) -> None:
    await line.join("inside")
    await line.age_pass("inside", 1_000)
    now = await line.now_ms()
    assert await line.renew("inside", 500, life=1_100) == pytest.approx(now + 100_000, abs=2_000)
    # A payment has a window of its own.
    assert await line.renew("inside", 500, life=1_600) == pytest.approx(now + 500_000, abs=2_000)


async def test_the_line_of_a_finished_sale_is_forgotten_after_a_month(line: Line) -> None:
    await line.join_all("inside", "a")
    assert await line.redis.ttl(line.keys["numbers"]) == -1
    await line.open(closes_at_ms=await line.now_ms() - 1)
    assert 29 * 86_400 < await line.redis.ttl(line.keys["numbers"]) <= 30 * 86_400


async def test_an_organizer_takes_passes_and_places_back(line: Line) -> None:
    await line.open(concurrent_buyers=2)
    await line.join_all("a", "b", "c", "d")
    assert await line.store.revoke(line.slug, 1) == ["a"]
    assert await line.states("a", "c", "d") == ["not_joined", "admitted", "waiting"]
    assert await line.store.revoke(line.slug, 4) == []
    assert (await line.poll("d")).state == "not_joined"
    assert sorted(await line.store.revoke(line.slug, None)) == ["b", "c"]
    assert await line.passes() == set()
    assert (await line.join("a")).number is None


async def test_each_number_is_told_where_it_stands(line: Line) -> None:
    async def places(*numbers: int) -> list[str]:
        return [(await line.store.where(line.slug, number)).place for number in numbers]

    await line.open(concurrent_buyers=2)
    await line.join_all("a", "b", "c", "d", "e", "f")
    found = await line.store.where(line.slug, 2)
    assert (found.place, found.ahead, found.visitor_id) == ("inside", None, "b")
    assert (await line.store.where(line.slug, 5)).ahead == 2
    assert await places(1, 3, 7) == ["inside", "waiting", "unknown"]
    await line.silence("c")
    await line.store.leave(line.slug, "a", is_served=True)
    await line.store.revoke(line.slug, 2)
    assert await places(1, 2, 3, 4, 5) == ["served", "left", "absent", "called", "called"]
    await line.poll("d")
    await line.expire("d")
    await line.silence("c", 3_600)
    await line.leave("f")
    assert await places(3, 4, 6) == ["left", "left", "left"]


async def test_the_organizer_sees_what_became_of_everybody(line: Line) -> None:
    await line.join_all("inside", "a", "b", "c", "d")
    await line.silence("a")
    await line.leave("inside")
    await line.lapse("b")
    stats = await line.stats()
    assert (stats.absent, stats.admitted, stats.left, stats.no_shows) == (2, 3, 1, 1)
    assert (stats.line.waiting, stats.line.called, stats.line.inside) == (1, 1, 0)
    assert stats.line.issued == 5
