"""Aware UTC time, and identifiers that sort by it.

Postgres `now()` decides deadlines of holds, and Redis `TIME` those of the queue. This clock is
for timestamps and for display.
"""

from __future__ import annotations

from datetime import UTC, datetime

from ulid import ULID


def utc_now() -> datetime:
    """Return the current moment as an aware UTC datetime."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a new ULID: 26 characters, sorted by creation time, with 80 random bits."""
    return str(ULID())
