"""Reads what a queue noted for its public log."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script

_MAX_READ = 1024 * 1024
_RULES, _WAITING = "u", "w"
_RUN = re.compile("1+")


@dataclass(frozen=True, slots=True)
class QueueNotes:
    """The steps of a queue since the log was last written.

    Attributes:
        start: Numbers of this queue are above it; it changes when Redis has lost the queue.
        steps: A letter, and the value it is about; see `record` in `queue.lua`.
        waiting_ranges: The positions that waited before the first step, where the queue had to be
            opened again with what was left of it.
        rules: The public rules after each change, with its time in seconds.
        offset: How much of the notes is read with this.
        early: How many numbers were drawn.
    """

    start: int
    issued: int
    steps: list[tuple[str, int]]
    rules: list[tuple[int, dict[str, str]]]
    offset: int
    now_ms: int
    early: int | None
    seed: str
    commitment: str
    queue_order: str
    waiting: int
    waiting_ranges: Sequence[tuple[int, int]] = ()


class QueueLogStore:
    """The notes of all queues."""

    def __init__(self, redis: Redis) -> None:
        self._script = Script(redis, "queue", "log")

    async def read(self, slug: str, *, start: int, offset: int) -> QueueNotes | None:
        """Return the notes after those that are written, and forget the written ones.

        Args:
            slug: The event.
            start: Of the queue that was written of, -1 if none was.
            offset: How much of its notes was written.

        Returns:
            None if there is no queue.
        """
        raw: list[Any] = await self._script.run_raw(keys.queue(slug), start, offset, _MAX_READ)
        if int(raw[0]) < 0:
            return None
        notes = _parse(raw[3])
        words = [value.decode() for value in raw[6:9]]
        return QueueNotes(
            start=int(raw[0]),
            issued=int(raw[1]),
            steps=notes.steps,
            rules=notes.rules,
            offset=int(raw[2]) + notes.length,
            now_ms=int(raw[4]),
            early=int(raw[5]) if int(raw[5]) >= 0 else None,
            seed=words[0],
            commitment=words[1],
            queue_order=words[2],
            waiting=int(raw[9]),
            waiting_ranges=notes.waiting_ranges,
        )


@dataclass(slots=True)
class _Notes:
    """The content of a string of notes, and how much of it was whole."""

    steps: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    rules: list[tuple[int, dict[str, str]]] = field(
        default_factory=list[tuple[int, dict[str, str]]]
    )
    waiting_ranges: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    length: int = 0


def _parse(raw: bytes) -> _Notes:
    found = _Notes()
    while (at := found.length + 5) <= len(raw):
        letter = chr(raw[found.length])
        value = int(struct.unpack_from(">I", raw, found.length + 1)[0])
        if letter not in {_RULES, _WAITING}:
            found.steps.append((letter, value))
            found.length = at
            continue
        ends = at + 4 + int.from_bytes(raw[at : at + 4])
        if ends > len(raw):
            break
        words = raw[at + 4 : ends]
        if letter == _RULES:
            found.rules.append((value, json.loads(words)))
        else:
            found.waiting_ranges += _ranges(words, value * 8)
        found.length = ends
    return found


def _ranges(bits: bytes, first: int) -> list[tuple[int, int]]:
    """Return the first and the last of each run of bits, counted from `first`."""
    text = f"{int.from_bytes(bits):0{len(bits) * 8}b}"
    return [(first + run.start(), first + run.end() - 1) for run in _RUN.finditer(text)]
