"""The waiting room: numbers, positions and passes. It lives in Redis alone."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeAlias, TypeVar

from redis.exceptions import RedisError

from surge_app.clock import utc_now
from surge_app.db import catalog as catalog_queries
from surge_app.db import units
from surge_app.db.batch import Batcher
from surge_app.db.engine import Database
from surge_app.errors import LineUnavailable, NotFound
from surge_app.kv.line import LineRules, LineStore, RawAnswer, RawStats
from surge_app.models import Event, Tier
from surge_app.services.line_views import LineAnswer

_Answer = TypeVar("_Answer")
_PassQuestion: TypeAlias = tuple[str, timedelta, str]

SHOPPING_LEASE = timedelta(minutes=3)
_SOONEST_MS = 1_000
_LATEST_MS = 15_000
_MS_PER_PLACE = 50
_IDLE_MS = {"scheduled": 5_000, "not_joined": 5_000, "sold_out": 15_000, "ended": 60_000}
_JITTER = 0.2
_SLOW, _FAST = 1.3, 0.8
_MINUTE_SECONDS = 60
_NOTES = {
    "all_held": (
        "Every ticket that is left is being held by someone. What they let go of comes to the "
        "head of this line."
    ),
}
_MOST_TOGETHER = 200
_FLIGHTS = 1


class WaitingRoom:
    """Joins, polls, leaves; decides who may shop."""

    def __init__(self, store: LineStore, database: Database) -> None:
        """Keep the collaborators; the database is read by `publish` only, never for a visitor."""
        self._store = store
        self._database = database
        self._passes: Batcher[_PassQuestion, bool] = Batcher(
            self._renew, most=_MOST_TOGETHER, flights=_FLIGHTS
        )

    async def join(self, slug: str, visitor_id: str) -> LineAnswer:
        """Take a number, or keep the one the visitor has.

        Raises:
            NotFound: If no such event is known to the line.
            LineUnavailable: If Redis does not answer.
        """
        return _answer(await _reach(self._store.join(slug, visitor_id)))

    async def poll(self, slug: str, visitor_id: str) -> LineAnswer:
        """Tell a visitor where they are, and keep their place; raises like `join`."""
        return _answer(await _reach(self._store.poll(slug, visitor_id)))

    async def leave(self, slug: str, visitor_id: str) -> None:
        """Give up the place or the pass; raises LineUnavailable if Redis does not answer."""
        await _reach(self._store.leave(slug, visitor_id))

    async def has_pass(
        self, slug: str, visitor_id: str, *, lease: timedelta = SHOPPING_LEASE
    ) -> bool:
        """Whether a visitor may shop now; asking counts as activity and renews the lease.

        Raises:
            LineUnavailable: If Redis does not answer: without the line nobody is let in.
        """
        return await self._passes.submit((slug, lease, visitor_id))

    async def keep_pass(self, slug: str, visitor_id: str, *, lease: timedelta) -> None:
        """Make a buyer's pass last, if the line can be reached; a hold never depends on it."""
        with contextlib.suppress(LineUnavailable):
            await self.has_pass(slug, visitor_id, lease=lease)

    async def grant(self, slug: str, visitor_id: str, *, lease: timedelta) -> None:
        """Let someone in past the line for units that are theirs, if the line can be reached."""
        with contextlib.suppress(LineUnavailable):
            await _reach(self._store.grant(slug, visitor_id, lease))

    async def serve(self, slug: str, visitor_id: str) -> None:
        """Take the pass back from someone who has bought; the lease ends by itself otherwise."""
        with contextlib.suppress(LineUnavailable):
            await _reach(self._store.leave(slug, visitor_id, is_served=True))

    async def _renew(self, questions: Sequence[_PassQuestion]) -> Sequence[bool | LineUnavailable]:
        groups: dict[tuple[str, timedelta], list[str]] = {}
        for slug, lease, visitor_id in questions:
            groups.setdefault((slug, lease), []).append(visitor_id)
        inside: dict[_PassQuestion, bool] = {}
        try:
            for (slug, lease), visitors in groups.items():
                ends = await _reach(self._store.renew(slug, visitors, lease))
                for visitor_id, end in zip(visitors, ends, strict=True):
                    inside[slug, lease, visitor_id] = end > 0
        except LineUnavailable as error:
            # Returned, not raised: to ask for each alone would only wait again and again.
            return [inside.get(question, error) for question in questions]
        return [inside[question] for question in questions]

    async def stats(self, slug: str) -> RawStats:
        """Count the line of an event; raises LineUnavailable if Redis does not answer."""
        return await _reach(self._store.stats(slug))

    async def publish(self) -> None:
        """Copy the rules and the stock of every event from Postgres to the line."""
        async with self._database.transaction() as session:
            events = await catalog_queries.events(session)
            tiers = await catalog_queries.tiers(session, [event.id for event in events])
            stock = {item.slug: item for item in await units.stock(session)}
        for event in events:
            counts = stock.get(event.slug)
            opens_at = _opens_at(event, tiers.get(event.id, []), counts)
            await _reach(self._store.publish_rules(event.slug, _rules(event, opens_at)))
            if counts is not None:
                await _reach(
                    self._store.publish_stock(
                        event.slug,
                        available=counts.available,
                        held=counts.held,
                        sold=counts.sold,
                        holders=counts.holders,
                    )
                )


async def _reach(call: Awaitable[_Answer]) -> _Answer:
    try:
        return await call
    except RedisError as error:
        raise LineUnavailable from error


def _opens_at(
    event: Event, tiers: Sequence[Tier], counts: units.EventStock | None
) -> datetime | None:
    """Return when there is something to come in for; None if at any time.

    While nothing of the open tiers is left and another is to open, the sale waits for that one.
    """
    if counts is not None and counts.available + counts.held > 0:
        return event.sales_open_at
    now = utc_now()
    later = [
        tier.sales_open_at
        for tier in tiers
        if tier.capacity > 0 and tier.sales_open_at is not None and tier.sales_open_at > now
    ]
    return max(min(later), event.sales_open_at or now) if later else event.sales_open_at


def _rules(event: Event, opens_at: datetime | None) -> LineRules:
    closes_at = event.sales_close_at or event.starts_at
    return LineRules(
        phase=event.phase,
        opens_at_ms=_epoch_ms(opens_at),
        closes_at_ms=_epoch_ms(closes_at),
        paused=event.is_paused,
        concurrent_buyers=event.concurrent_buyers,
        admissions_per_minute=event.admissions_per_minute,
        message=event.queue_message,
        challenge=event.challenge,
    )


def _epoch_ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)


def _answer(raw: RawAnswer) -> LineAnswer:
    if raw.state == "unknown":
        raise NotFound
    ahead = raw.ahead if raw.state in {"waiting", "paused"} else None
    eta = _eta(ahead, raw.admitted_last_minute) if raw.state == "waiting" else None
    ends = raw.pass_ends_ms if raw.state == "admitted" else None
    note = _note(raw)
    return LineAnswer(
        state=raw.state,
        position=None if ahead is None else ahead + 1,
        ahead=ahead,
        number=raw.number,
        eta_low_seconds=eta[0] if eta else None,
        eta_high_seconds=eta[1] if eta else None,
        retry_after_ms=_retry_after_ms(raw.state, ahead or 0),
        available=raw.available,
        held=raw.held,
        message=raw.message,
        pass_expires_at=None if ends is None else datetime.fromtimestamp(ends / 1000, UTC),
        waiting=raw.waiting,
        note=note,
        note_text=_NOTES[note] if note else None,
        opens_in_ms=_opens_in_ms(raw),
    )


def _note(raw: RawAnswer) -> str | None:
    is_all_held = raw.state == "waiting" and raw.available == 0 and raw.held > 0
    return "all_held" if is_all_held else None


def _opens_in_ms(raw: RawAnswer) -> int | None:
    if raw.state != "scheduled" or raw.opens_at_ms is None:
        return None
    return max(0, raw.opens_at_ms - raw.now_ms)


def _eta(ahead: int | None, admitted_last_minute: int) -> tuple[int, int] | None:
    if ahead is None or admitted_last_minute == 0:
        return None
    seconds = (ahead + 1) / admitted_last_minute * _MINUTE_SECONDS
    return int(seconds * _FAST), int(seconds * _SLOW) + 1


def _retry_after_ms(state: str, ahead: int) -> int:
    # Only for who waits may the next second bring news.
    steady = _IDLE_MS.get(state, min(_LATEST_MS, _SOONEST_MS + ahead * _MS_PER_PLACE))
    return int(steady * random.uniform(1, 1 + _JITTER))  # noqa: S311  spreads polls, keeps no secret
