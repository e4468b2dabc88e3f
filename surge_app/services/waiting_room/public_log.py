"""The public log of a queue: once a minute a signed line of what happened, chained by hashes.

A line is a JSON document, a space and its signature (see `SigningKeys.sign_document`). `previous`
is the SHA-256 of the whole line before. `issued` are the numbers that were issued since. `steps`
are what happened in order: `c` called, `s` skipped for silence, `r` returned, `l` left, each with
a position or a range of them; `d` drawn, with how many numbers. A position is the number unless
the order was drawn. `rules` have their times. `gap` says that Redis lost the queue in between, or
its last seconds; then the steps begin with the positions that are known to wait, as returned.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, Iterable
from hashlib import sha256

from redis.exceptions import RedisError

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, queue_log as queries
from surge_app.errors import NotFound
from surge_app.kv.queue_log import QueueLogStore, QueueNotes
from surge_app.kv.rate_limits import Limit, RateLimiter
from surge_app.models import Event, QueueLogEntry
from surge_app.services.access.signing_keys import SigningKeys
from surge_app.services.waiting_room.lottery import RANDOM

_MAX_CONCURRENT = 8
_PAGE = 500
_READS = Limit("queue-log", per_minute=20, burst=20)


class QueueLog:
    """Writes the logs, and reads them for anyone."""

    def __init__(
        self, database: Database, store: QueueLogStore, keys: SigningKeys, limits: RateLimiter
    ) -> None:
        self._database = database
        self._limits = limits
        self._store = store
        self._keys = keys
        self.unwritten: set[str] = set()
        """Queues of which there may be more to write."""

    async def write(self, used: Iterable[str] = ()) -> None:
        """Append a line to the log of each queue in which something happened.

        Args:
            used: The queues that were used since the last run.
        """
        self.unwritten.update(used)
        async with self._database.transaction() as session:
            events = await catalog_queries.events_by_slug(session, self.unwritten)
            last = await queries.latest(session, [event.id for event in events])
        self.unwritten &= {event.slug for event in events}
        some = asyncio.Semaphore(_MAX_CONCURRENT)

        async def _write_one(event: Event) -> None:
            async with some:
                if not await self._append(event, last.get(event.id)):
                    self.unwritten.discard(event.slug)

        outcomes = await asyncio.gather(
            *(_write_one(event) for event in events), return_exceptions=True
        )
        for outcome in outcomes:
            # Without Redis there is nothing to write of; the next run goes on.
            if isinstance(outcome, BaseException) and not isinstance(outcome, RedisError):
                raise outcome

    async def read(self, slug: str, address: str) -> AsyncGenerator[str]:
        """Yield the log of an event in parts.

        Raises:
            NotFound: If there is no such event.
            RateLimited: If this client address reads too often; a cache does not.
        """
        await self._limits.check(_READS, address)
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
        if event is None:
            raise NotFound
        after = 0
        while True:
            async with self._database.transaction() as session:
                lines = await queries.lines(session, event.id, after=after, limit=_PAGE)
            if lines:
                yield "".join(f"{line}\n" for line in lines)
            if len(lines) < _PAGE:
                return
            after += _PAGE

    def receipt(self, slug: str, number: int) -> str:
        """Return a signed line that shows that a visitor has a number of an event now."""
        at_ms = int(utc_now().timestamp() * 1000)
        return _signed({"event": slug, "number": number, "at_ms": at_ms}, self._keys)

    async def _append(self, event: Event, last: QueueLogEntry | None) -> bool:
        start, offset = (last.line_start, last.log_offset) if last else (-1, 0)
        notes = await self._store.read(event.slug, start=start, offset=offset)
        if notes is None:
            return False
        is_same = last is not None and last.line_start == notes.start
        before = last.issued if is_same and last else notes.start
        if is_same and notes.issued == before and notes.offset == offset:
            return False
        content = entry_of(
            notes,
            event=event.slug,
            seq=last.seq + 1 if last else 1,
            issued_before=before,
            previous=last.line if last else None,
            # A queue that begins above zero was lost before anything was written of it.
            has_gap=notes.start > 0 if last is None else not is_same,
        )
        entry = QueueLogEntry(
            event_id=event.id,
            seq=int(str(content["seq"])),
            line=_signed(content, self._keys),
            line_start=notes.start,
            log_offset=notes.offset,
            issued=notes.issued,
        )
        async with self._database.transaction() as session:
            return await queries.add(session, entry)


def entry_of(
    notes: QueueNotes,
    *,
    event: str,
    seq: int,
    issued_before: int,
    previous: str | None,
    has_gap: bool,
) -> dict[str, object]:
    """Return the content of a line."""
    is_drawn = notes.queue_order == RANDOM
    draw = {"commitment": notes.commitment, "seed": notes.seed, "early": notes.early}
    content: dict[str, object] = {
        "event": event,
        "seq": seq,
        "at_ms": notes.now_ms,
        "previous": line_hash(previous),
        "start": notes.start,
        "issued": [issued_before + 1, notes.issued] if notes.issued > issued_before else None,
        "steps": _steps(notes),
        "rules": [{"at": at, **rules} for at, rules in notes.rules],
        "draw": draw if is_drawn else None,
        "waiting": notes.waiting,
        "gap": has_gap,
    }
    return {name: value for name, value in content.items() if value not in (None, [], "", False)}


def _steps(notes: QueueNotes) -> str:
    known = [_word("r", first, last) for first, last in notes.waiting_ranges]
    return " ".join([*known, pack_steps(notes.steps)]).rstrip()


def line_hash(line: str | None) -> str:
    """Return what the next line says of this one; empty for the first."""
    return sha256(line.encode()).hexdigest() if line else ""


def pack_steps(steps: Iterable[tuple[str, int]]) -> str:
    """Return steps as words; neighbours that count up by one are a range."""

    def _run(indexed: tuple[int, tuple[str, int]]) -> tuple[str, int]:
        index, (letter, value) = indexed
        return letter, value - index

    words: list[str] = []
    for (letter, _), group in itertools.groupby(enumerate(steps), key=_run):
        values = [value for _, (_, value) in group]
        words.append(_word(letter, values[0], values[-1]))
    return " ".join(words)


def _word(letter: str, first: int, last: int) -> str:
    return f"{letter}{first}" + (f"-{last}" if last > first else "")


def _signed(content: dict[str, object], keys: SigningKeys) -> str:
    document = json.dumps(content, separators=(",", ":"), sort_keys=True)
    return f"{document} {keys.sign_document(document.encode())}"
