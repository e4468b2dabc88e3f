"""Time as Surge speaks it: aware UTC, and identifiers that sort by it.

Deadlines of holds are decided by Postgres `now()` and those of the line by Redis `TIME`; this
clock is for stamps and for what one process shows.
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
