"""The audit log: who did what, when, and what changed."""

from __future__ import annotations

from dataclasses import dataclass

import reflex as rx

from surge_app.container import current
from surge_app.services.admin.audit_log import LogEntry, LogFilter
from surge_app.state import view_models
from surge_app.state.admin.audit_labels import changes, label
from surge_app.state.admin.common import HOME_ZONE, ListState

_FILTERS = ("event", "actor", "action")


@dataclass(frozen=True)
class LogRow:
    """An action, as text; `event` and `booking` link to what it was about."""

    id: str = ""
    at: str = ""
    actor: str = ""
    action: str = ""
    subject: str = ""
    event: str = ""
    booking: str = ""
    changes: tuple[str, ...] = ()


class AuditLogState(ListState, rx.State):
    """The log an organizer reads.

    Attributes:
        options: Pairs of value and words, by the filter they are for.
    """

    rows: list[LogRow] = []
    options: dict[str, list[tuple[str, str]]] = {name: [] for name in _FILTERS}
    filters: dict[str, str] = dict.fromkeys((*_FILTERS, "about"), "")

    async def _read(self) -> None:
        await super()._read()
        if not self.options["actor"]:
            await self._read_options()

    async def _find(self, *, before: str | None) -> None:
        about = self.filters["about"]
        about = about.upper() if about.upper().startswith("SRG-") else about
        wanted = LogFilter(
            **{name: self.filters[name] or None for name in _FILTERS}, subject=about or None
        )
        page = await current().audit_log.page(wanted, before=before)
        rows = [_row(one) for one in page.entries]
        self.rows = [*self.rows, *rows] if before else rows
        self.next_before = page.next_before or ""
        self.phase, self.problem = "ready", ""

    async def _read_options(self) -> None:
        words = await current().audit_log.words()
        actions = [(action, label(action)) for action in words.actions]
        self.options = {
            "event": list(await current().organizer.names()),
            "actor": [(actor, actor) for actor in words.actors],
            "action": sorted(actions, key=lambda pair: pair[1]),
        }


def _row(entry: LogEntry) -> LogRow:
    zone = entry.time_zone or HOME_ZONE
    return LogRow(
        id=entry.id,
        at=view_models.when(entry.at, zone),
        actor=entry.actor,
        action=label(entry.action),
        subject=entry.booking or entry.event or entry.subject,
        event=entry.event,
        booking=entry.booking,
        changes=tuple(changes(entry.before, entry.after, zone)),
    )
