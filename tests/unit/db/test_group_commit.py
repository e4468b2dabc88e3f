"""Group commit: who shares a flight, and what one failure does to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from surge_app.db.group_commit import Batcher
from surge_app.errors import Busy


class _Airport:
    """Doubles numbers; a flight waits until it is let go."""

    def __init__(
        self, *, max_batch: int = 100, max_concurrent: int = 1, is_open: bool = True
    ) -> None:
        self.flown: list[list[int]] = []
        self.in_the_air = 0
        self.most_in_the_air = 0
        self.gate = asyncio.Event()
        if is_open:
            self.gate.set()
        self.batcher = Batcher(self.fly, max_batch=max_batch, max_concurrent=max_concurrent)

    async def fly(self, items: Sequence[int]) -> Sequence[int | BaseException]:
        self.flown.append(list(items))
        self.in_the_air += 1
        self.most_in_the_air = max(self.most_in_the_air, self.in_the_air)
        try:
            await self.gate.wait()
        finally:
            self.in_the_air -= 1
        return [ValueError(str(item)) if item < 0 else 2 * item for item in items]

    def submit(self, *items: int) -> list[asyncio.Task[int]]:
        return [asyncio.create_task(self.batcher.submit(item)) for item in items]


async def _turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_lone_caller_does_not_wait_for_company() -> None:
    airport = _Airport()
    assert await airport.batcher.submit(1) == 2
    assert airport.flown == [[1]]


async def test_callers_of_one_moment_share_a_flight() -> None:
    airport = _Airport(max_concurrent=2)
    assert await asyncio.gather(*airport.submit(1, 2, 3)) == [2, 4, 6]
    assert airport.flown == [[1, 2, 3]]


async def test_facts_no_person_waits_for_are_gathered_first() -> None:
    flown: list[list[int]] = []

    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        flown.append(list(items))
        return items

    # Longer than two rounds of the event loop on any machine.
    batcher = Batcher(fly, gather_seconds=1.0)
    first = asyncio.create_task(batcher.submit(1))
    await _turns()
    assert await asyncio.gather(first, batcher.submit(2)) == [1, 2]
    assert flown == [[1, 2]]


async def test_who_comes_while_a_flight_is_away_shares_the_next() -> None:
    airport = _Airport(is_open=False)
    first = airport.submit(1)
    await _turns()
    others = airport.submit(2, 3)
    await _turns()
    assert airport.flown == [[1]]
    airport.gate.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6]
    assert airport.flown == [[1], [2, 3]]


async def test_flights_and_their_sizes_are_limited() -> None:
    airport = _Airport(max_batch=3, max_concurrent=2, is_open=False)
    tasks = airport.submit(*range(3))
    await _turns()
    tasks += airport.submit(*range(3, 20))
    await _turns()
    assert airport.in_the_air == 2
    airport.gate.set()
    assert await asyncio.gather(*tasks) == [2 * item for item in range(20)]
    assert airport.most_in_the_air == 2
    assert max(len(items) for items in airport.flown) == 3
    assert sorted(item for items in airport.flown for item in items) == list(range(20))


async def test_an_error_returned_for_one_item_is_raised_to_its_caller_alone() -> None:
    airport = _Airport()
    good, bad, other = airport.submit(1, -2, 3)
    with pytest.raises(ValueError, match="-2"):
        await bad
    assert (await good, await other) == (2, 6)
    assert len(airport.flown) == 1


async def test_a_batch_that_fails_is_tried_again_one_by_one() -> None:
    flown: list[list[int]] = []

    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        flown.append(list(items))
        await asyncio.sleep(0)
        if 13 in items:
            msg = "thirteen"
            raise RuntimeError(msg)
        return items

    batcher = Batcher(fly, max_batch=10, max_concurrent=1)
    answers = await asyncio.gather(
        *(batcher.submit(item) for item in (1, 13, 2)), return_exceptions=True
    )
    assert [answers[0], answers[2]] == [1, 2]
    assert isinstance(answers[1], RuntimeError)
    assert flown == [[1, 13, 2], [1], [13], [2]]


async def test_without_a_connection_nobody_is_tried_again() -> None:
    flown: list[list[int]] = []

    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        flown.append(list(items))
        raise Busy

    batcher = Batcher(fly, max_batch=10, max_concurrent=1)
    answers = await asyncio.gather(
        *(batcher.submit(item) for item in (1, 2)), return_exceptions=True
    )
    assert all(isinstance(answer, Busy) for answer in answers)
    assert flown == [[1, 2]]


async def test_too_few_results_strand_nobody() -> None:
    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        return []

    batcher = Batcher(fly, max_batch=10, max_concurrent=1)
    answers = await asyncio.gather(
        *(batcher.submit(item) for item in (1, 2)), return_exceptions=True
    )
    assert all(isinstance(answer, ValueError) for answer in answers)


async def test_a_caller_who_leaves_takes_nothing_away_and_adds_nothing() -> None:
    airport = _Airport(is_open=False)
    flying = airport.submit(1)[0]
    await _turns()
    waiting, staying = airport.submit(2, 3)
    await _turns()
    flying.cancel()
    waiting.cancel()
    await _turns()
    airport.gate.set()
    assert await staying == 6
    assert airport.flown == [[1], [2, 3]]
    for task in (flying, waiting):
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_after_an_error_the_next_caller_flies_again() -> None:
    airport = _Airport()
    with pytest.raises(ValueError, match="-1"):
        await airport.batcher.submit(-1)
    assert await airport.batcher.submit(4) == 8


def test_one_batcher_serves_several_loops_one_after_the_other() -> None:
    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        await asyncio.sleep(0)
        return items

    batcher = Batcher(fly, max_batch=10, max_concurrent=1)

    async def use() -> list[int]:
        return await asyncio.gather(*(batcher.submit(item) for item in (1, 2)))

    assert [asyncio.run(use()) for _ in range(3)] == [[1, 2]] * 3


def test_a_loop_that_closes_strands_no_caller() -> None:
    async def fly(items: Sequence[int]) -> Sequence[int | BaseException]:
        await asyncio.Event().wait()
        return items

    batcher = Batcher(fly, max_batch=10, max_concurrent=1)
    left: list[asyncio.Task[int]] = []

    async def leave() -> None:
        left.append(asyncio.create_task(batcher.submit(1)))
        await asyncio.sleep(0)

    asyncio.run(leave())
    assert left[0].cancelled()
