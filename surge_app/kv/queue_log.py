"""Reads what a queue noted for its public log."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any

from redis.asyncio import Redis

from surge_app.kv import keys
from surge_app.kv.client import Script

_MAX_READ = 1024 * 1024
_RULES = "u"


@dataclass(frozen=True, slots=True)
class QueueNotes:
    """The steps of a queue since the log was last written.

    Attributes:
        start: Numbers of this queue are above it; it changes when Redis has lost the queue.
        steps: A letter, and the value it is about; see `record` in `queue.lua`.
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
        steps, rules, length = _parse(raw[3])
        words = [value.decode() for value in raw[6:9]]
        return QueueNotes(
            start=int(raw[0]),
            issued=int(raw[1]),
            steps=steps,
            rules=rules,
            offset=int(raw[2]) + length,
            now_ms=int(raw[4]),
            early=int(raw[5]) if int(raw[5]) >= 0 else None,
            seed=words[0],
            commitment=words[1],
            queue_order=words[2],
            waiting=int(raw[9]),
        )


def _parse(raw: bytes) -> tuple[list[tuple[str, int]], list[tuple[int, dict[str, str]]], int]:
    """Return steps, rules, and how much of the notes was whole."""
    steps: list[tuple[str, int]] = []
    rules: list[tuple[int, dict[str, str]]] = []
    at = 0
    while at + 5 <= len(raw):
        letter, value = chr(raw[at]), int(struct.unpack_from(">I", raw, at + 1)[0])
        if letter == _RULES:
            size = int.from_bytes(raw[at + 5 : at + 9])
            if at + 9 + size > len(raw):
                break
            rules.append((value, json.loads(raw[at + 9 : at + 9 + size])))
            at += 9 + size
        else:
            steps.append((letter, value))
            at += 5
    return steps, rules, at
