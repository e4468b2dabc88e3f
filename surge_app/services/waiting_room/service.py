"""The waiting room: numbers, positions and passes. It lives in Redis alone."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import TypeAlias, TypeVar

from redis.exceptions import RedisError

from surge_app.clock import utc_now
from surge_app.db.group_commit import Batcher
from surge_app.errors import QueueUnavailable
from surge_app.kv.moves import MoveStore
from surge_app.kv.queue import QueueStore, RawQueueStatus, VisitorLocation
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import to_status
from surge_app.services.waiting_room.estimates import eta_seconds
from surge_app.services.waiting_room.redis_sync import QueueSync
from surge_app.services.waiting_room.snapshots import QueueSnapshots
from surge_app.services.waiting_room.views import QueueCounts, QueueStatus
from surge_app.services.waiting_room.visits import Visits

_Answer = TypeVar("_Answer")
_Renewal: TypeAlias = tuple[str, timedelta, timedelta, bool]

PASS_LIFE = timedelta(minutes=30)
_CHOICE_EXTENSION = timedelta(seconds=60)
_MAX_CHOICE = timedelta(minutes=5)
_MAX_BATCH = 200
_MAX_CONCURRENT = 1


class WaitingRoom:
    """Joins, polls, leaves; decides who may shop."""

    def __init__(
        self, store: QueueStore, moves: MoveStore, sync: QueueSync, visits: Visits
    ) -> None:
        self._store = store
        self._moves = moves
        self._sync = sync
        self.visits = visits
        self.snapshots = QueueSnapshots(store)
        self._passes: Batcher[tuple[_Renewal, str], int] = Batcher(
            self._renew_together, max_batch=_MAX_BATCH, max_concurrent=_MAX_CONCURRENT
        )

    async def join(
        self, slug: str, visitor: Visitor, *, had_pass: bool = False, network: str = ""
    ) -> QueueStatus:
        """Take a number, or keep the one the visitor has; see `poll` and `QueueStore.join`."""
        number = visitor.queue_numbers.get(slug, 0)
        asked = self._store.join(
            slug, visitor.id, signed_number=number, had_pass=had_pass, network=network
        )
        return self._status(slug, visitor, await _reach(asked))

    async def poll(
        self, slug: str, visitor: Visitor | None, *, had_pass: bool = False
    ) -> QueueStatus:
        """Tell a visitor where they are, keep their place, and let them in if it is their turn.

        Args:
            slug: The event.
            visitor: None for a browser without an id.
            had_pass: Whether a genuine, recent pass came along. It counts only while a queue that
                was lost comes back.

        Raises:
            NotFound: If no such event is known to the queue.
            QueueUnavailable: If Redis does not answer, or has lost the queue a moment ago.
        """
        if visitor is None:
            visitor = Visitor("")
        asked = self._store.poll(
            slug, visitor.id, signed_number=visitor.queue_numbers.get(slug, 0), had_pass=had_pass
        )
        return self._status(slug, visitor, await _reach(asked))

    async def leave(self, slug: str, visitor_id: str) -> None:
        """Leave the queue or give up the pass; raises QueueUnavailable if Redis does not answer."""
        await _reach(self._store.leave(slug, visitor_id))

    async def has_pass(self, slug: str, visitor_id: str) -> bool:
        """Return whether a visitor may check out now; asking extends nothing.

        Raises:
            QueueUnavailable: If Redis does not answer: without the queue no one is admitted.
        """
        return await self._renew(slug, visitor_id, timedelta(0), PASS_LIFE) > 0

    async def seconds_to_choose(self, slug: str, visitor_id: str, *, is_active: bool) -> int:
        """Return how long a visitor may still choose, 0 without a pass; raises like `has_pass`.

        Args:
            slug: The event.
            visitor_id: The visitor.
            is_active: Whether they just chose something: that leaves them a minute more, up to five
                minutes in all.
        """
        extension = _CHOICE_EXTENSION if is_active else timedelta(0)
        ends_ms = await self._renew(slug, visitor_id, extension, _MAX_CHOICE)
        return max(0, math.ceil(ends_ms / 1000 - utc_now().timestamp()))

    async def extend_pass(self, slug: str, visitor_id: str, *, lease: timedelta) -> bool:
        """Make the pass of a visitor who holds tickets last; a hold never depends on it.

        Returns:
            False if there is no pass to extend.
        """
        with contextlib.suppress(QueueUnavailable):
            life = PASS_LIFE + lease
            return await self._renew(slug, visitor_id, lease, life, has_hold=True) > 0
        return True

    async def keep_for_hold(self, slug: str, visitor_id: str, *, lease: timedelta) -> str | None:
        """Make the pass of a visitor last as long as the hold they just got.

        Returns:
            The visitor to whom their place moved while the hold was being made, None if it did not.
        """
        if await self.extend_pass(slug, visitor_id, lease=lease):
            return None
        successor = await self.successor(slug, visitor_id)
        if successor is None:
            # The time to choose ended while the hold was being made.
            await self.grant_pass(slug, visitor_id, lease=lease)
        return successor

    async def successor(self, slug: str, visitor_id: str) -> str | None:
        """Return the visitor to whom the place of this one moved; None while Redis is away."""
        with contextlib.suppress(QueueUnavailable):
            return await _reach(self._moves.successor(slug, visitor_id))
        return None

    async def end_hold(self, slug: str, visitor_ids: Sequence[str]) -> None:
        """Offer what visitors held to the head of the queue; they have a short grace to try again.

        If the queue cannot be reached, their passes end on their own a little later.
        """
        if visitor_ids:
            with contextlib.suppress(QueueUnavailable):
                await _reach(self._store.end_hold(slug, visitor_ids))

    async def step_aside(self, slug: str, visitor_id: str) -> None:
        """Let others in before a visitor whose network holds its share; the pass stays valid."""
        with contextlib.suppress(QueueUnavailable):
            await _reach(self._store.step_aside(slug, visitor_id))

    async def grant_pass(self, slug: str, visitor_id: str, *, lease: timedelta) -> None:
        """Let someone in past the queue for units that are theirs, if the queue can be reached."""
        with contextlib.suppress(QueueUnavailable):
            await _reach(self._store.grant(slug, visitor_id, lease))

    async def mark_served(self, slug: str, visitor_id: str) -> None:
        """Take the pass back from a visitor who has bought; otherwise its lease ends."""
        with contextlib.suppress(QueueUnavailable):
            await _reach(self._store.leave(slug, visitor_id, is_served=True))

    async def revoke(self, slug: str, number: int | None) -> list[str]:
        """Take a number out of queue and pass, or all passes and calls if None.

        Returns:
            The visitors whose pass ended by it.

        Raises:
            QueueUnavailable: If Redis does not answer.
        """
        return await _reach(self._store.revoke(slug, number))

    async def locate(self, slug: str, number: int) -> VisitorLocation:
        """Say how one number stands; raises QueueUnavailable if Redis does not answer."""
        return await _reach(self._store.locate(slug, number))

    async def stats(self, slug: str) -> QueueCounts:
        """Count the queue of an event; raises QueueUnavailable if Redis does not answer."""
        found = await _reach(self._store.stats(slug))
        visits = await _reach(self.visits.count(slug))
        queue = found.queue
        pace = self.snapshots.admission_rate(slug).pace(queue)
        eta = eta_seconds(queue, queue.waiting - 1, pace) if queue.waiting else None
        return QueueCounts(
            waiting=queue.waiting,
            absent=found.absent,
            called=queue.called,
            inside=queue.inside,
            admitted=found.admitted,
            served=found.served,
            left=found.left,
            no_shows=found.no_shows,
            visits=visits,
            admitted_last_minute=queue.admitted_last_minute,
            last_eta_low_seconds=eta[0] if eta else None,
            last_eta_high_seconds=eta[1] if eta else None,
            is_recovering=queue.is_recovering,
        )

    @property
    def is_idle(self) -> bool:
        """Whether no queue was in use when the queues were last synced."""
        return self._sync.is_idle

    @property
    def has_used_queues(self) -> bool:
        """Whether `take_used_queues` returns any."""
        return bool(self._sync.used)

    def take_used_queues(self) -> set[str]:
        """Return the queues that were in use since this was asked last."""
        used, self._sync.used = self._sync.used, set()
        return used

    def seconds_until_sync(self, sales_version: int | None) -> float:
        """Return how long `publish_due` has nothing to do; see `QueueSync`."""
        return self._sync.seconds_until_due(sales_version)

    async def publish(self) -> None:
        """Copy the rules and the stock of every event to the queue; see `QueueSync`."""
        await _reach(self._sync.run())

    async def publish_due(self) -> None:
        """Copy what may have changed; see `QueueSync.run_due`."""
        await _reach(self._sync.run_due())

    def _status(self, slug: str, visitor: Visitor, raw: RawQueueStatus) -> QueueStatus:
        if raw.queue.sale == "unknown" and slug in visitor.queue_numbers:
            # There was such a queue: Redis has lost it, and it opens again in a moment.
            raise QueueUnavailable
        return to_status(raw, self.snapshots.admission_rate(slug))

    async def _renew(
        self,
        slug: str,
        visitor_id: str,
        lease: timedelta,
        life: timedelta,
        *,
        has_hold: bool = False,
    ) -> int:
        return await self._passes.submit(((slug, lease, life, has_hold), visitor_id))

    async def _renew_together(
        self, calls: Sequence[tuple[_Renewal, str]]
    ) -> Sequence[int | QueueUnavailable]:
        groups: dict[_Renewal, list[str]] = {}
        for renewal, visitor_id in calls:
            groups.setdefault(renewal, []).append(visitor_id)
        ends_ms: dict[tuple[_Renewal, str], int] = {}
        try:
            for renewal, visitor_ids in groups.items():
                slug, lease, life, has_hold = renewal
                ends = await _reach(
                    self._store.renew(slug, visitor_ids, lease, life=life, has_hold=has_hold)
                )
                keys = [(renewal, visitor_id) for visitor_id in visitor_ids]
                ends_ms.update(zip(keys, ends, strict=True))
        except QueueUnavailable as error:
            # Returned, not raised: to call again for each visitor would only wait again and again.
            return [ends_ms.get(call, error) for call in calls]
        return [ends_ms[call] for call in calls]


async def _reach(call: Awaitable[_Answer]) -> _Answer:
    try:
        return await call
    except RedisError as error:
        raise QueueUnavailable from error
