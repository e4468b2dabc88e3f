"""The public log of a real queue: complete, in order, and readable again after a crash."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.queue_log import QueueLogStore, QueueNotes
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.log_verification import LogReport, verify_log
from surge_app.services.waiting_room.lottery import commitment, positions, shuffle
from surge_app.services.waiting_room.public_log import entry_of
from tests.lua.queue_clock import Queue

KEYS = SigningKeys(("a key of the test",))


class _Log:
    """Writes the log of a queue as the job does, into a list."""

    def __init__(self, queue: Queue) -> None:
        self.lines: list[str] = []
        self._queue = queue
        self._store = QueueLogStore(queue.redis)
        self._last: QueueNotes | None = None

    async def write(self) -> QueueNotes:
        last = self._last
        start, offset = (last.start, last.offset) if last else (-1, 0)
        notes = await self._store.read(self._queue.slug, start=start, offset=offset)
        assert notes is not None
        is_same = last is not None and last.start == notes.start
        content = entry_of(
            notes,
            event=self._queue.slug,
            seq=len(self.lines) + 1,
            issued_before=last.issued if is_same and last else notes.start,
            previous=self.lines[-1] if self.lines else None,
            has_gap=last is not None and not is_same,
        )
        document = json.dumps(content)
        self.lines.append(f"{document} {KEYS.sign_document(document.encode())}")
        self._last = notes
        return notes

    def report(self) -> LogReport:
        return verify_log(self.lines, KEYS.public)


async def _play(queue: Queue, log: _Log, visitors: Sequence[str], steps: int) -> None:
    """Let visitors do what they like."""
    for step in range(steps):
        visitor = random.choice(visitors)
        match random.randrange(8):
            case 0 | 1 | 2:
                await queue.join(visitor)
            case 3:
                await queue.leave(visitor)
            case 4:
                if visitor in await queue.numbers():
                    await queue.silence(visitor)
            case 5:
                if visitor in await queue.numbers():
                    await queue.lapse(visitor)
            case _:
                await queue.poll(visitor)
        if step % 40 == 39:
            await queue.let_a_minute_pass_since_admissions()
            await log.write()


async def test_whatever_visitors_do_the_log_of_the_queue_holds(queue: Queue) -> None:
    await queue.open(concurrent_buyers=3, admissions_per_minute=20)
    log = _Log(queue)
    await _play(queue, log, [f"v{n}" for n in range(30)], steps=600)
    await log.write()
    report = log.report()
    assert report.problems == []
    stats = await queue.stats()
    assert report.called == stats.admitted


async def test_a_skip_and_a_return_are_steps_of_their_own(queue: Queue) -> None:
    log = _Log(queue)
    await queue.join_all("inside", "silent", "b")
    await queue.silence("silent")
    await queue.leave("inside")
    assert (await queue.poll("silent")).note == "recalled"
    notes = await log.write()
    assert notes.steps == [("c", 1), ("s", 2), ("c", 3), ("r", 2)]
    report = log.report()
    assert (report.problems, report.skipped, report.returned) == ([], 1, 1)


async def test_a_drawn_order_holds_against_its_fingerprint(queue: Queue) -> None:
    opens = await queue.now_ms() + 600_000
    rules = {"queue_order": "random", "seed": "a seed", "commitment": commitment("a seed")}
    await queue.open(opens_at_ms=opens, **rules)
    log = _Log(queue)
    await queue.join_all(*(f"v{n}" for n in range(40)))
    await queue.leave("v7")
    await log.write()
    await queue.open(**rules)
    numbers = shuffle("a seed", 40)
    await queue.store.draw_order(queue.slug, positions=positions(numbers), numbers=numbers)
    await _play(queue, log, [f"v{n}" for n in range(60)], steps=200)
    await log.write()
    report = log.report()
    assert (report.problems, report.is_drawn) == ([], True)
    # The shop itself signs what it pretends later.
    changed: list[str] = []
    for line in log.lines:
        document = line.rpartition(" ")[0].replace(commitment("a seed"), commitment("another"))
        changed.append(f"{document} {KEYS.sign_document(document.encode())}")
    assert any("seed" in one.text for one in verify_log(changed, KEYS.public).problems)


async def test_what_was_not_written_is_read_again_and_what_was_written_is_not(
    queue: Queue, redis: Redis
) -> None:
    store = QueueLogStore(redis)
    await queue.join_all("inside", "a", "b")
    await queue.leave("a")
    first = await store.read(queue.slug, start=-1, offset=0)
    # The process that read it has crashed.
    again = await store.read(queue.slug, start=-1, offset=0)
    assert first is not None
    assert again is not None
    assert again.steps == first.steps == [("c", 1), ("l", 2)]
    await queue.leave("b")
    rest = await store.read(queue.slug, start=0, offset=again.offset)
    assert rest is not None
    assert rest.steps == [("l", 3)]
    late = await store.read(queue.slug, start=0, offset=again.offset)
    assert late == rest or (late is not None and late.steps == rest.steps)


async def test_a_lost_queue_goes_on_with_a_stated_gap(queue: Queue, redis: Redis) -> None:
    log = _Log(queue)
    await queue.join_all("inside", "a", "b")
    await log.write()
    await redis.delete(*keys.queue(queue.slug))
    await queue.open(start=100)
    await queue.join("b", number=3)
    await queue.join("c")
    await queue.end_recovery()
    await queue.poll("b", number=3)
    await log.write()
    report = log.report()
    assert (report.problems, report.gaps, report.issued) == ([], 1, 101)
    assert report.returned == 1


async def test_pauses_and_rules_are_in_the_log_with_their_time(queue: Queue) -> None:
    await queue.join("a")
    await queue.open(paused=True, message="Not for the log")
    await queue.open(paused=False, admissions_per_minute=30)
    notes = await _Log(queue).write()
    changes = [rules for _, rules in notes.rules]
    assert [rules["paused"] for rules in changes][-2:] == ["1", "0"]
    assert changes[-1]["admissions_per_minute"] == "30"
    assert all("message" not in rules and "seed" not in rules for rules in changes)
    now_s = await queue.now_ms() // 1000
    assert all(abs(at - now_s) < 600 for at, _ in notes.rules)
