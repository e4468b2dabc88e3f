"""The waiting room: numbers, positions and passes. It lives in Redis alone."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Sequence
from datetime import timedelta
from typing import TypeAlias, TypeVar

from redis.exceptions import RedisError

from surge_app.db.group_commit import Batcher
from surge_app.errors import QueueUnavailable
from surge_app.kv.queue import QueueStore, RawQueueStatus, VisitorLocation
from surge_app.services.access.identity import Visitor
from surge_app.services.waiting_room.answers import eta_seconds, to_status
from surge_app.services.waiting_room.redis_sync import QueueSync
from surge_app.services.waiting_room.snapshots import QueueSnapshots
from surge_app.services.waiting_room.views import QueueCounts, QueueStatus

_Answer = TypeVar("_Answer")
_PassQuestion: TypeAlias = tuple[str, timedelta, timedelta, str]

SHOPPING_LEASE = timedelta(minutes=3)
PASS_LIFE = timedelta(minutes=30)
_MAX_BATCH = 200
_MAX_CONCURRENT = 1


class WaitingRoom:
    """Joins, polls, leaves; decides who may shop."""

    def __init__(self, store: QueueStore, sync: QueueSync) -> None:
        self._store = store
        self._sync = sync
        self.snapshots = QueueSnapshots(store)
        self._passes: Batcher[_PassQuestion, bool] = Batcher(
            self._renew, most=_MAX_BATCH, flights=_MAX_CONCURRENT
        )

    async def join(self, slug: str, visitor: Visitor, *, had_pass: bool = False) -> QueueStatus:
        """Take a number, or keep the one the visitor has; see `poll`."""
        asked = self._store.join(
            slug, visitor.id, signed_number=visitor.places.get(slug, 0), had_pass=had_pass
        )
        return self._status(slug, visitor, await _reach(asked))

    async def poll(
        self, slug: str, visitor: Visitor | None, *, had_pass: bool = False
    ) -> QueueStatus:
        """Tell a visitor where they are, keep their place, and let them in if it is their turn.

        Args:
            slug: The event.
            visitor: Who asks; None is nobody to the queue.
            had_pass: Whether a genuine, recent pass came along. It counts only while a queue that
                was lost comes back.

        Raises:
            NotFound: If no such event is known to the queue.
            QueueUnavailable: If Redis does not answer, or has lost the queue a moment ago.
        """
        if visitor is None:
            visitor = Visitor("")
        asked = self._store.poll(
            slug, visitor.id, signed_number=visitor.places.get(slug, 0), had_pass=had_pass
        )
        return self._status(slug, visitor, await _reach(asked))

    async def leave(self, slug: str, visitor_id: str) -> None:
        """Give up the place or the pass; raises QueueUnavailable if Redis does not answer."""
        await _reach(self._store.leave(slug, visitor_id))

    async def has_pass(
        self,
        slug: str,
        visitor_id: str,
        *,
        lease: timedelta = SHOPPING_LEASE,
        life: timedelta = PASS_LIFE,
    ) -> bool:
        """Whether a visitor may shop now; asking counts as activity and renews the lease.

        Args:
            slug: The event.
            visitor_id: Who asks.
            lease: How long the pass lasts from now without further activity.
            life: How long it may last in all, however active its visitor is.

        Raises:
            QueueUnavailable: If Redis does not answer: without the queue nobody is let in.
        """
        return await self._passes.submit((slug, lease, life, visitor_id))

    async def extend_pass(self, slug: str, visitor_id: str, *, lease: timedelta) -> None:
        """Make a buyer's pass last, if the queue can be reached; a hold never depends on it.

        What is held or paid has a window of its own, and the pass may outlive its life by that.
        """
        with contextlib.suppress(QueueUnavailable):
            await self.has_pass(slug, visitor_id, lease=lease, life=PASS_LIFE + lease)

    async def grant_pass(self, slug: str, visitor_id: str, *, lease: timedelta) -> None:
        """Let someone in past the queue for units that are theirs, if the queue can be reached."""
        with contextlib.suppress(QueueUnavailable):
            await _reach(self._store.grant(slug, visitor_id, lease))

    async def mark_served(self, slug: str, visitor_id: str) -> None:
        """Take the pass back from someone who has bought; the lease ends by itself otherwise."""
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
        queue = found.queue
        pace = self.snapshots.admission_rate(slug).per_second(queue)
        eta = eta_seconds(queue.waiting - 1, pace) if queue.waiting else None
        return QueueCounts(
            waiting=queue.waiting,
            absent=found.absent,
            called=queue.called,
            inside=queue.inside,
            admitted=found.admitted,
            served=found.served,
            left=found.left,
            no_shows=found.no_shows,
            admitted_last_minute=queue.admitted_last_minute,
            last_eta_low_seconds=eta[0] if eta else None,
            last_eta_high_seconds=eta[1] if eta else None,
            is_recovering=queue.is_recovering,
        )

    async def publish(self) -> None:
        """Copy the rules and the stock of every event to the queue; see `QueueSync`."""
        await _reach(self._sync.run())

    def _status(self, slug: str, visitor: Visitor, raw: RawQueueStatus) -> QueueStatus:
        if raw.queue.sale == "unknown" and slug in visitor.places:
            # There was such a queue: Redis has lost it, and it opens again in a moment.
            raise QueueUnavailable
        return to_status(raw, self.snapshots.admission_rate(slug))

    async def _renew(self, questions: Sequence[_PassQuestion]) -> Sequence[bool | QueueUnavailable]:
        groups: dict[tuple[str, timedelta, timedelta], list[str]] = {}
        for slug, lease, life, visitor_id in questions:
            groups.setdefault((slug, lease, life), []).append(visitor_id)
        inside: dict[_PassQuestion, bool] = {}
        try:
            for (slug, lease, life), visitors in groups.items():
                ends = await _reach(self._store.renew(slug, visitors, lease, life=life))
                for visitor_id, end in zip(visitors, ends, strict=True):
                    inside[slug, lease, life, visitor_id] = end > 0
        except QueueUnavailable as error:
            # Returned, not raised: to ask for each alone would only wait again and again.
            return [inside.get(question, error) for question in questions]
        return [inside[question] for question in questions]


async def _reach(call: Awaitable[_Answer]) -> _Answer:
    try:
        return await call
    except RedisError as error:
        raise QueueUnavailable from error
