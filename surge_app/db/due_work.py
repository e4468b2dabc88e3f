"""When the jobs next have something to do: one statement for all of them.

Both statements run on the connection that holds the lock of the jobs, outside any pool.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg.rows import dict_row

_LOCK: Final = "surge-jobs"
# Each looks at an index of what waits. `hold_clock` stands still while payments are paused.
_DUE: Final = """
SELECT
    extract(epoch FROM (
        SELECT min(expires_at) FROM intents WHERE status IN ('held', 'paying')
    ) - hold_clock())::float8 AS holds,
    extract(epoch FROM (
        SELECT min(next_check_at) FROM intents WHERE next_check_at IS NOT NULL
    ) - clock_timestamp())::float8 AS orders,
    extract(epoch FROM (
        SELECT min(next_attempt_at) FROM webhook_inbox WHERE processed_at IS NULL
    ) - clock_timestamp())::float8 AS webhooks,
    extract(epoch FROM (
        SELECT min(next_attempt_at) FROM refunds WHERE status IN ('requested', 'sent', 'failed')
    ) - clock_timestamp())::float8 AS refunds,
    extract(epoch FROM least(
        (SELECT min(next_attempt_at) FROM message_outbox
         WHERE channel = 'email' AND status IN ('pending', 'sending')),
        (SELECT min(next_attempt_at) FROM message_outbox
         WHERE channel = 'sms' AND status IN ('pending', 'sending'))
    ) - clock_timestamp())::float8 AS messages,
    (SELECT 0::float8 WHERE EXISTS (
        SELECT FROM event_notices WHERE done_at IS NULL)) AS notices,
    (SELECT 0::float8 WHERE EXISTS (
        SELECT FROM gateway_outages WHERE closed_at IS NULL)) AS outages,
    (SELECT 0::float8 WHERE EXISTS (
        SELECT FROM events WHERE phase = 'cancelled')) AS cancelled,
    (SELECT coalesce(sum(xmin::text::bigint), 0)::bigint FROM (
        SELECT xmin FROM events UNION ALL SELECT xmin FROM tiers
    ) AS rows) AS sales_version
"""
_LEAD: Final = """
SELECT pg_try_advisory_lock(hashtextextended(%s, 0)), EXISTS (
    SELECT FROM message_outbox
    WHERE channel IN ('email', 'sms') AND status IN ('pending', 'sending')
        AND next_attempt_at <= clock_timestamp() - make_interval(secs => %s))
"""


@dataclass(frozen=True, slots=True)
class DueWork:
    """The kinds of work that wait, each with the moment it is due, by `time.monotonic`.

    Attributes:
        moments: The moments by kind.
        sales_version: Changes with every change of an event or a tier.
    """

    moments: Mapping[str, float]
    sales_version: int | None = None

    def seconds_until(self, kind: str) -> float | None:
        """Return how long until the first of a kind is due; None if none waits."""
        moment = self.moments.get(kind)
        return None if moment is None else max(0.0, moment - time.monotonic())


async def read(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> DueWork:
    """Return what waits."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        row = await (await cursor.execute(_DUE)).fetchone() or {}
    version = row.pop("sales_version", None)
    now = time.monotonic()
    moments = {kind: now + seconds for kind, seconds in row.items() if seconds is not None}
    return DueWork(moments, version)


async def try_to_lead(
    connection: psycopg.AsyncConnection[tuple[object, ...]], *, late_seconds: float
) -> tuple[bool, bool]:
    """Return whether the connection got the lock, and whether messages are late by so much."""
    cursor = await connection.execute(_LEAD, (_LOCK, late_seconds))
    row = await cursor.fetchone()
    return (bool(row[0]), bool(row[1])) if row is not None else (False, False)
