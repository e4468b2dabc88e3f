"""Two organizers who edit one event: a change that would undo another's is refused."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.admin import audit_log
from surge_app.errors import EditConflict


async def require_unchanged(
    session: AsyncSession,
    subject: str,
    *,
    stored: Mapping[str, Any],
    expected: Mapping[str, Any] | None,
    changes: Mapping[str, Any],
    tier_id: str | None = None,
) -> None:
    """Compare what an editor saw of the fields it changes with what is stored.

    Args:
        session: Holds the lock of what is changed.
        subject: The event's slug, as the audit log has it.
        stored: Current values by field.
        expected: The values that were shown; None accepts whatever is stored.
        changes: The values to store.
        tier_id: The tier of the event whose fields they are.

    Raises:
        EditConflict: With `field`, `before`, `now`, `actor` and `at` of the first field that
            someone else has changed to another value.
    """
    for field, value in changes.items():
        if expected is None or field not in expected:
            continue
        if any(_is_same(stored[field], one) for one in (expected[field], value)):
            continue
        entry = await audit_log.last_change(session, subject, field, tier_id=tier_id)
        raise EditConflict(
            field=field,
            before=plain(expected[field]),
            now=plain(stored[field]),
            actor=entry.actor if entry else "",
            at=entry.at.isoformat() if entry else "",
        )


def _is_same(stored: object, shown: object) -> bool:
    if isinstance(stored, datetime) and isinstance(shown, datetime):
        # A form shows minutes.
        return abs(stored - shown) < timedelta(minutes=1)
    return stored == shown


def plain(value: object) -> object:
    """Return a value as JSON holds it."""
    return value.isoformat() if isinstance(value, datetime) else value
