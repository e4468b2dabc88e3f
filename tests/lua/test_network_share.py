"""Visitors of one network reserve a share of the room inside, while others wait."""

from __future__ import annotations

from tests.lua.queue_clock import Queue

NEAR, FAR = "198.51.100.0/24", "203.0.113.0/24"
SHARE_OF_EIGHT = 2


async def _crowd(queue: Queue, *, waiting: int = 0) -> list[str]:
    """Fill the room of eight from one network, with more of it outside; returns the visitors."""
    await queue.open(concurrent_buyers=8)
    visitors = [f"near-{number}" for number in range(1, 9 + waiting)]
    for visitor in visitors:
        await queue.join(visitor, network=NEAR)
    await _let_the_share_be_due(queue)
    return visitors


async def test_a_network_lets_others_in_beyond_its_share_and_loses_no_pass(queue: Queue) -> None:
    crowd = await _crowd(queue)
    before = [(await queue.poll(visitor)).pass_ends_ms for visitor in crowd]
    assert (await queue.join("far", network=FAR)).state == "admitted"
    assert await queue.passes() == {*crowd[:SHARE_OF_EIGHT], "far"}
    assert [(await queue.poll(visitor)).pass_ends_ms for visitor in crowd] == before


async def test_a_network_alone_fills_the_room_in_order(queue: Queue) -> None:
    crowd = await _crowd(queue, waiting=3)
    assert await queue.states(*crowd) == ["admitted"] * 8 + ["waiting"] * 3
    assert await queue.passes() == set(crowd[:8])


async def test_no_one_is_overtaken_for_the_share_of_a_network(queue: Queue) -> None:
    crowd = await _crowd(queue, waiting=8)
    await queue.join("far", network=FAR)
    await _let_the_share_be_due(queue)
    await queue.snapshot()
    assert sorted(await queue.called()) == [9, 10, 11, 12, 13, 14]
    await queue.states(*crowd[8:14])
    await _let_the_share_be_due(queue)
    # Two more may step aside, and the two next in line are of the same network.
    await queue.snapshot()
    assert sorted(await queue.called()) == [15, 16]
    assert (await queue.poll("far")).ahead == 0


async def test_a_hold_and_an_unknown_network_are_not_counted(queue: Queue) -> None:
    crowd = await _crowd(queue)
    await queue.hold(crowd[7])
    assert (await queue.join("unknown")).state == "admitted"
    assert await queue.passes() == {*crowd[:SHARE_OF_EIGHT], crowd[7], "unknown"}


async def test_those_who_wait_in_front_do_not_hide_who_waits_behind_them(queue: Queue) -> None:
    await _crowd(queue, waiting=700)
    await queue.join("far", network=FAR)
    await _let_the_share_be_due(queue)
    await queue.snapshot()
    assert len(await queue.passes()) == SHARE_OF_EIGHT


async def test_a_waiting_visitor_costs_four_bytes_for_the_network(queue: Queue) -> None:
    await _crowd(queue, waiting=92)
    assert await queue.redis.strlen(queue.keys["networks"]) == 4 * 101


async def _let_the_share_be_due(queue: Queue) -> None:
    await queue.redis.hset(queue.keys["counters"], "shared_at", "0")
