"""Before the opening: numbers by arrival, and an order that may be drawn in public."""

from __future__ import annotations

from hashlib import sha256

from redis.asyncio import Redis

from surge_app.kv.queue import QueueStock
from surge_app.services.waiting_room.lottery import commitment, positions, shuffle
from tests.lua.queue_clock import MINUTE_MS, Queue

SEED = "a seed for the test"
RANDOM = {"queue_order": "random", "seed": SEED, "commitment": commitment(SEED)}


async def _lobby(queue: Queue, crowd: int, **rules: object) -> list[str]:
    await queue.open(opens_at_ms=await queue.now_ms() + MINUTE_MS, **rules)
    visitors = [f"v{number}" for number in range(1, crowd + 1)]
    await queue.join_all(*visitors)
    return visitors


async def _draw(queue: Queue) -> list[int]:
    early = (await queue.stats()).queue.early
    assert early is not None
    numbers = shuffle(SEED, early)
    await queue.store.draw_order(queue.slug, positions=positions(numbers), numbers=numbers)
    return numbers


async def test_who_comes_early_gets_a_number_by_arrival_and_no_position_yet(
    queue: Queue,
) -> None:
    await queue.open(opens_at_ms=await queue.now_ms() + MINUTE_MS)
    answers = await queue.join_all("a", "b")
    assert [(one.state, one.number, one.ahead) for one in answers] == [
        ("scheduled", 1, None),
        ("scheduled", 2, None),
    ]
    assert (await queue.poll("a")).number == 1


async def test_early_arrivals_are_served_in_order_of_arrival_unless_drawn(
    queue: Queue,
) -> None:
    await _lobby(queue, 3)
    await queue.open(opens_at_ms=await queue.now_ms() - 1)
    assert await queue.states("v3", "v2", "v1") == ["waiting", "waiting", "admitted"]
    assert (await queue.join("after")).ahead == 2


async def test_anyone_can_check_the_draw_with_three_lines(queue: Queue) -> None:
    await _lobby(queue, 40, **RANDOM)
    before = (await queue.stats()).queue
    assert (before.commitment, before.seed) == (sha256(SEED.encode()).hexdigest(), "")
    await queue.open(opens_at_ms=await queue.now_ms() - 1, **RANDOM)
    await _draw(queue)
    after = (await queue.stats()).queue
    assert sha256(after.seed.encode()).hexdigest() == before.commitment
    # As the documentation says it.
    key = lambda number: sha256(f"{after.seed}:{number}".encode()).digest()  # noqa: E731
    expected = sorted(range(1, (after.early or 0) + 1), key=key)
    assert await queue.called() == [expected[0]]
    for place, number in enumerate(expected[1:]):
        assert (await queue.poll(f"v{number}")).ahead == place
    assert expected != sorted(expected)


async def test_until_it_is_drawn_nobody_is_admitted_and_nobody_has_a_position(
    queue: Queue,
) -> None:
    await _lobby(queue, 5, **RANDOM)
    await queue.open(opens_at_ms=await queue.now_ms() - 1, **RANDOM)
    late = await queue.join("late")
    early = await queue.poll("v1")
    assert [(one.state, one.ahead) for one in (late, early)] == [("scheduled", None)] * 2
    assert await queue.called() == []
    assert not late.queue.is_drawn
    await _draw(queue)
    assert len(await queue.called()) == 1
    assert (await queue.poll("late")).ahead == 4


async def test_who_left_the_lobby_is_not_drawn_back(queue: Queue) -> None:
    for crowd, leavers in ((20, 3), (20, 17), (9, 4), (3, 1), (5, 5)):
        one = Queue(queue.redis)
        await one.open()
        await one.stock(QueueStock(1_000, 0, 0, 0))
        visitors = await _lobby(one, crowd, **RANDOM)
        gone = visitors[:leavers]
        for visitor in gone:
            await one.leave(visitor)
        await one.open(opens_at_ms=await one.now_ms() - 1, **RANDOM)
        await one.join("after")
        numbers = await _draw(one)
        staying = [n for n in numbers if f"v{n}" not in gone] + [crowd + 1]
        bits = await one.redis.bitcount(one.keys["waiting"])  # pyright: ignore[reportUnknownMemberType]
        assert bits == len(staying) - 1
        order: list[int] = []
        for _ in staying:
            order += await one.called()
            who = f"v{order[-1]}" if order[-1] <= crowd else "after"
            assert (await one.poll(who)).state == "admitted"
            await one.leave(who)
        assert order == staying


async def test_a_draw_happens_once(queue: Queue) -> None:
    await _lobby(queue, 4, **RANDOM)
    await queue.open(opens_at_ms=await queue.now_ms() - 1, **RANDOM)
    numbers = await _draw(queue)
    turned = list(reversed(numbers))
    assert not await queue.store.draw_order(queue.slug, positions=positions(turned), numbers=turned)


async def test_a_flushed_line_is_drawn_again_as_it_was(redis: Redis) -> None:
    queue = Queue(redis)
    await queue.open(start=100, early=4, **RANDOM)
    for visitor, number in (("d", 4), ("b", 2), ("new", 0)):
        await queue.join(visitor, number)
    numbers = await _draw(queue)
    expected = [n for n in numbers if n in {2, 4}]
    back = await queue.join("c", 3)
    ahead = sum(numbers.index(n) < numbers.index(3) for n in expected)
    assert back.ahead == ahead
    assert (await queue.poll("new")).ahead == 3


async def test_nobody_early_means_nothing_to_draw(queue: Queue) -> None:
    await queue.open(**RANDOM)
    assert (await queue.join("a")).state == "admitted"
    assert (await queue.stats()).queue.is_drawn
