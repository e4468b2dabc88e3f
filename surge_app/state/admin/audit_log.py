"""The log of actions: who did what, when, and what is different since."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.errors import SurgeError
from surge_app.services.admin.audit_log import LogEntry, LogFilter
from surge_app.state import session, view_models
from surge_app.state.admin.audit_labels import changes, did
from surge_app.state.admin.common import ListState, as_text

_HOME_ZONE = "Asia/Kolkata"


@dataclass(frozen=True)
class LogRow:
    """An action, as text; `event` and `booking` lead to what it was about."""

    id: str = ""
    at: str = ""
    who: str = ""
    did: str = ""
    subject: str = ""
    event: str = ""
    booking: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One thing the log can be narrowed to."""

    value: str = ""
    words: str = ""


class AuditLogState(ListState, rx.State):
    """What one organizer reads.

    Attributes:
        phase: loading, ready or signed_out.
        next_before: Asks for the next page; empty at the end.
    """

    rows: list[LogRow] = []
    events: list[Choice] = []
    actors: list[Choice] = []
    actions: list[Choice] = []
    event: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""
    notice: str = ""

    @rx.event
    async def load(self) -> None:
        """Show the newest actions, of one event or booking if the address names it."""
        self.reset()
        self.event = as_text(session.query_param(self, "event"))
        self.subject = as_text(session.query_param(self, "about"))
        if await self._find(before=None):
            await self._choices()

    @rx.event
    async def narrow(self, field: object, value: object) -> None:
        """Show only actions of an event, of a person, or of a kind."""
        chosen = as_text(value)
        if field == "event":
            self.event = chosen
        elif field == "actor":
            self.actor = chosen
        elif field == "action":
            self.action = chosen
        await self._find(before=None)

    @rx.event
    async def search(self, subject: object) -> None:
        """Show only what was done to a booking, or to whatever has that name."""
        self.subject = as_text(subject).strip()
        await self._find(before=None)

    async def _find(self, *, before: str | None) -> bool:
        if await self._organizer() is None:
            return False
        about = self.subject.upper() if self.subject.upper().startswith("SRG-") else self.subject
        wanted = LogFilter(
            self.event or None, self.actor or None, self.action or None, about or None
        )
        try:
            page = await current().audit_log.page(wanted, before=before)
        except SurgeError as error:
            self.notice = error.message
            return False
        rows = [_row(one) for one in page.entries]
        self.rows = [*self.rows, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase, self.notice = "ready", ""
        return True

    async def _choices(self) -> None:
        known = await current().audit_log.words()
        events = await current().organizer.names()
        self.events = [Choice(slug, name) for slug, name in events]
        self.actors = [Choice(actor, actor) for actor in known.actors]
        self.actions = sorted(
            (Choice(action, did(action)) for action in known.actions), key=lambda one: one.words
        )


def _row(entry: LogEntry) -> LogRow:
    return LogRow(
        id=entry.id,
        at=view_models.when(entry.at, entry.time_zone or _HOME_ZONE),
        who=entry.actor,
        did=did(entry.action),
        subject=entry.booking or entry.event or entry.subject,
        event=entry.event,
        booking=entry.booking,
        changes=tuple(changes(entry.before, entry.after, entry.time_zone or _HOME_ZONE)),
    )
