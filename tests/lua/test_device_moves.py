"""A place moves to another device whole, once, and to one device only."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest

from surge_app.kv import keys
from surge_app.kv.client import connect
from surge_app.kv.moves import MoveMode, MoveSecret, MoveStore
from tests.lua.queue_clock import Queue
from tests.redis_server import RedisServer

_MINUTES = timedelta(minutes=2)


class _Moves:
    """Codes of the visitors of one queue, each of its own digests."""

    def __init__(self, queue: Queue) -> None:
        self.store = MoveStore(queue.redis)
        self._slug = queue.slug
        self._made = 0

    async def offer(self, visitor: str, typed: str = "") -> tuple[str, str]:
        self._made += 1
        link, short = f"a{self._made:x}", f"b{self._made:x}"
        secrets = MoveSecret(link, typed), MoveSecret(short, typed)
        assert await self.store.offer(self._slug, visitor, *secrets, life=_MINUTES)
        return link, short

    async def take(self, digest: str, visitor: str, mode: MoveMode = "take") -> str:
        return (await self.store.take(self._slug, digest, visitor, mode)).outcome


@pytest.fixture
def moves(queue: Queue) -> _Moves:
    return _Moves(queue)


async def test_a_waiting_place_moves_with_its_number_and_the_old_device_is_told(
    queue: Queue, moves: _Moves
) -> None:
    await queue.join_all("inside", "laptop", "behind")
    link, short = await moves.offer("laptop", "sealed")
    taken = await moves.store.take(queue.slug, link, "phone", "take")
    assert (taken.outcome, taken.visitor_id, taken.sealed) == ("moved", "laptop", "sealed")
    assert not taken.has_pass
    there = await queue.poll("phone")
    assert (there.state, there.number, there.ahead) == ("waiting", 2, 0)
    for number in (0, 2):
        old = await queue.poll("laptop", number)
        assert (old.state, old.number, old.note) == ("not_joined", None, "moved")
    # A reload of the old page takes no second place; only leaving makes the device a new one.
    assert (await queue.join("laptop")).note == "moved"
    assert await moves.take(short, "tablet") == "wrong"
    await queue.leave("laptop")
    assert (await queue.join("laptop")).number == 4
    assert (await queue.poll("behind")).ahead == 1


async def test_a_pass_moves_with_its_end_and_only_the_new_device_may_hold(
    queue: Queue, moves: _Moves
) -> None:
    await queue.join("laptop")
    ends = await queue.hold("laptop")
    _, short = await moves.offer("laptop")
    taken = await moves.store.take(queue.slug, short, "phone", "take")
    assert (taken.outcome, taken.has_pass) == ("moved", True)
    assert await queue.renew("phone", 0) == ends
    assert await queue.renew("laptop", 0) == 0
    assert (await queue.poll("laptop", had_pass=True)).note == "moved"
    # What was read as the old device's reaches the new one, and gives nobody a second pass.
    await queue.store.grant(queue.slug, "laptop", timedelta(minutes=9))
    assert (await queue.stats()).queue.inside == 1
    assert await queue.renew("phone", 0) > ends
    await queue.end_hold("laptop")
    assert (await queue.stats()).queue.inside == 0


@pytest.mark.parametrize("mode", ["take", "replace"])
async def test_a_repeat_by_the_same_device_changes_nothing(
    queue: Queue, moves: _Moves, mode: MoveMode
) -> None:
    await queue.join_all("inside", "laptop")
    link, _ = await moves.offer("laptop")
    assert [await moves.take(link, "phone", mode) for _ in range(3)] == ["moved"] * 3
    assert await moves.take(link, "tablet", mode) == "wrong"
    assert (await queue.stats()).queue.waiting == 1


async def test_a_device_with_a_place_of_its_own_is_asked_and_never_has_two(
    queue: Queue, moves: _Moves
) -> None:
    await queue.join_all("inside", "laptop", "phone", "behind")
    link, _ = await moves.offer("laptop")
    assert await moves.take(link, "phone", "look") == "occupied"
    assert await moves.take(link, "phone") == "occupied"
    assert (await queue.poll("phone")).number == 3
    assert await moves.take(link, "laptop") == "same"
    assert await moves.take(link, "phone", "replace") == "moved"
    assert (await queue.poll("phone")).number == 2
    stats = await queue.stats()
    assert (stats.queue.waiting, stats.left) == (2, 1)


async def test_a_code_is_void_once_another_is_made_or_the_device_has_cancelled_or_left(
    queue: Queue, moves: _Moves
) -> None:
    await queue.join_all("inside", "laptop")
    first, _ = await moves.offer("laptop")
    second, _ = await moves.offer("laptop")
    assert await moves.take(first, "phone") == "wrong"
    await moves.store.withdraw(queue.slug, "laptop")
    assert await moves.take(second, "phone") == "wrong"
    third, _ = await moves.offer("laptop")
    await queue.leave("laptop")
    assert await moves.take(third, "phone") == "wrong"
    secret = MoveSecret("aa", "")
    assert not await moves.store.offer(queue.slug, "laptop", secret, secret, life=_MINUTES)


async def test_a_code_ends_with_its_time(queue: Queue, moves: _Moves) -> None:
    await queue.join_all("inside", "laptop")
    link, short = await moves.offer("laptop")
    for digest in (link, short):
        name = keys.move_code(queue.slug, digest)
        assert 0 < await queue.redis.pttl(name) <= _MINUTES.total_seconds() * 1000
        await queue.redis.pexpire(name, 0)
        assert await moves.take(digest, "phone") == "wrong"


async def test_a_place_moves_back(queue: Queue, moves: _Moves) -> None:
    await queue.join_all("inside", "laptop")
    for here, there in (("laptop", "phone"), ("phone", "laptop"), ("laptop", "phone")):
        link, _ = await moves.offer(here)
        assert await moves.take(link, there) == "moved"
        assert (await queue.poll(there)).number == 2
        assert (await queue.poll(here)).note == "moved"


async def test_a_visitor_who_missed_the_turn_is_recalled_on_the_other_device(
    queue: Queue, moves: _Moves
) -> None:
    await queue.join_all("inside", "laptop", "behind")
    await queue.silence("laptop")
    await queue.leave("inside")
    assert (await queue.poll("behind")).state == "admitted"
    link, _ = await moves.offer("laptop")
    assert await moves.take(link, "phone") == "moved"
    there = await queue.poll("phone")
    assert (there.state, there.number, there.note) == ("waiting", 2, "recalled")


async def test_of_many_devices_that_take_a_place_at_once_one_has_it(
    queue: Queue, redis_server: RedisServer
) -> None:
    clients = [connect(redis_server.url, client_name="test") for _ in range(8)]
    try:
        await queue.join_all("inside", *(f"laptop-{at}" for at in range(20)))
        moves = _Moves(queue)
        for at in range(20):
            codes = await moves.offer(f"laptop-{at}")
            stores = [MoveStore(client) for client in clients]
            takes = [
                store.take(queue.slug, random.choice(codes), f"phone-{at}-{one}", "take")
                for one, store in enumerate(stores)
            ]
            answers, *_ = await asyncio.gather(
                asyncio.gather(*takes),
                queue.poll(f"laptop-{at}", at + 2),
                queue.join(f"laptop-{at}"),
            )
            outcomes = [one.outcome for one in answers]
            assert sorted(outcomes) == ["moved", *["wrong"] * 7]
            winner = f"phone-{at}-{outcomes.index('moved')}"
            assert (await queue.poll(winner)).number == at + 2
        assert (await queue.stats()).queue.waiting == 20
        assert len(await queue.numbers()) == 20
    finally:
        for client in clients:
            await client.aclose()


async def test_a_place_is_never_there_twice_and_never_lost_whatever_devices_do(
    queue: Queue, moves: _Moves
) -> None:
    await queue.open(concurrent_buyers=2)
    devices = [f"device-{at}" for at in range(8)]
    await queue.join_all(*devices[:5])
    for inside in devices[:2]:
        await queue.hold(inside, 3600)
    owners = dict(zip(range(1, 6), devices, strict=False))
    codes: dict[str, str] = {}
    chance = random.Random(19)
    for _ in range(400):
        device, other = chance.sample(devices, 2)
        match chance.randrange(4):
            case 0 if device in owners.values():
                codes[device] = chance.choice(await moves.offer(device))
            case 1 if device in codes:
                outcome = await moves.take(codes[device], other, "take")
                number = next((one for one, owner in owners.items() if owner == device), None)
                if outcome == "moved" and number is not None and other not in owners.values():
                    owners[number] = other
                    codes.pop(device)
            case 2:
                await queue.poll(device, chance.randrange(6), had_pass=True)
            case _:
                await queue.snapshot()
        stats = await queue.stats()
        inside = [str(one) for one in await queue.redis.hkeys(queue.keys["inside"])]
        numbers = await queue.numbers()
        assert sorted([*numbers, *inside]) == sorted(owners.values())
        assert all(owners[number] == visitor for visitor, number in numbers.items())
        assert stats.queue.inside <= 2
