"""Changes to an event that a ticket holder must learn of, read from the audit log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from surge_app.formatting import when
from surge_app.languages import gettext as _
from surge_app.models import AuditEntry, Event
from surge_app.services.events.edit_conflicts import plain
from surge_app.services.events.facts import ALL_FACTS

ANNOUNCED: Final = (
    "name",
    "starts_at",
    "time_zone",
    "doors_open_at",
    "ends_at",
    "venue",
    "address",
)
"""The facts whose change concerns everyone with a ticket."""


@dataclass(frozen=True, slots=True)
class EventChange:
    """One fact that differs from what a ticket holder knew.

    Attributes:
        was: As it reads; empty if the fact was not stated before.
        now: As it reads; empty if it is not stated any more.
        at: When it last changed.
    """

    label: str
    was: str
    now: str
    at: datetime

    @property
    def text(self) -> str:
        """The change in one line."""
        now = self.now or _("not stated any more")
        if not self.was:
            return f"{self.label}: {now}"
        return _("{fact}: {now} (was: {before})", fact=self.label, now=now, before=self.was)


def changes_since(event: Event, entries: Iterable[AuditEntry]) -> tuple[EventChange, ...]:
    """Return what differs from the event before these edits, in the current language.

    Args:
        event: As it is now.
        entries: Its edits, the oldest first.
    """
    return changes_of(stored_changes(event, entries), event.time_zone)


def stored_changes(event: Event, entries: Iterable[AuditEntry]) -> list[dict[str, Any]]:
    """Return the facts that differ from before these edits, as JSON that any language can show.

    Args:
        event: As it is now, whatever it was in between.
        entries: Its edits, the oldest first.
    """
    first: dict[str, object] = {}
    last: dict[str, datetime] = {}
    for entry in entries:
        for name in ANNOUNCED:
            if name in entry.before:
                first.setdefault(name, entry.before[name])
                last[name] = entry.at
    now = {name: plain(getattr(event, name)) for name in first}
    return [
        {"fact": name, "was": first[name], "now": now[name], "at": plain(last[name])}
        for name in ANNOUNCED
        if name in first and not _is_same(name, first[name], now[name])
    ]


def changes_of(stored: Iterable[Mapping[str, Any]], time_zone: str) -> tuple[EventChange, ...]:
    """Return stored changes as they read in the current language."""
    return tuple(
        EventChange(
            _(ALL_FACTS[name].fact.label),
            _shown(name, one["was"], time_zone),
            _shown(name, one["now"], time_zone),
            datetime.fromisoformat(one["at"]),
        )
        for one in stored
        if (name := str(one["fact"])) in ALL_FACTS
    )


def change_lines(
    stored: Sequence[Mapping[str, Any]] | None, english: str | None, time_zone: str
) -> list[str]:
    """Return a line for each change of a notice; those of an older release stay English."""
    if stored:
        return [change.text for change in changes_of(stored, time_zone)]
    return (english or "").splitlines()


def _is_same(name: str, before: object, now: object) -> bool:
    if ALL_FACTS[name].is_time and before and now:
        return datetime.fromisoformat(str(before)) == datetime.fromisoformat(str(now))
    return (before or "") == (now or "")


def _shown(name: str, value: object, time_zone: str) -> str:
    if not value:
        return ""
    return (
        when(datetime.fromisoformat(str(value)), time_zone)
        if ALL_FACTS[name].is_time
        else str(value)
    )
