"""The audit log, read page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from surge_app.db.admin import audit_log as queries
from surge_app.db.admin.audit_log import LogFilter
from surge_app.db.engine import Database

__all__ = ["AuditLog", "LogEntry", "LogFilter", "LogPage", "LogWords"]

_MAX_LISTED = 200


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One action.

    Attributes:
        subject: What was acted on: a slug, a reference, an account, or an id.
        event: The slug of its event, empty if it belongs to none.
        booking: The reference of its booking, empty if there is none.
        time_zone: The event's, empty without one.
    """

    id: str
    at: datetime
    actor: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    event: str
    booking: str
    time_zone: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some actions, the newest first; `next_before` asks for the next page, None ends it."""

    entries: tuple[LogEntry, ...]
    next_before: str | None


@dataclass(frozen=True, slots=True)
class LogWords:
    """The filters of the log."""

    actors: tuple[str, ...]
    actions: tuple[str, ...]


class AuditLog:
    """Reads the log; a trigger in the database refuses changes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(
        self, wanted: LogFilter, *, before: str | None = None, limit: int = 50
    ) -> LogPage:
        """Return actions that match, the newest first, at most 200."""
        most = min(max(1, limit), _MAX_LISTED)
        async with self._database.transaction() as session:
            rows = await queries.page(session, wanted, before=before, most=most + 1)
        entries = tuple(LogEntry(**row) for row in rows[:most])
        return LogPage(entries, entries[-1].id if len(rows) > most else None)

    async def words(self) -> LogWords:
        """Return every actor and every action."""
        async with self._database.transaction() as session:
            actors, actions = await queries.known(session)
        return LogWords(tuple(actors), tuple(actions))
