"""Personal data: export it, and erase it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.admin import privacy as queries
from surge_app.db.engine import Database
from surge_app.errors import InvalidRequest, NotFound
from surge_app.languages import N_, gettext as _
from surge_app.models import AuditEntry
from surge_app.services.checkout.contacts import Contacts

_MAX_BATCH = 5_000
_REASONS = {
    "live_holds": N_("a hold is running"),
    "coming_tickets": N_("there are valid tickets for an event that is still to come"),
    "open_messages": N_("a message is on its way"),
    "open_refunds": N_("a refund is not through yet"),
}


class Privacy:
    """Exports and erases. The operator starts both, after checking who asks."""

    def __init__(self, database: Database, contacts: Contacts) -> None:
        self._database = database
        self._contacts = contacts

    async def export(self, *, email: str | None, phone: str | None) -> dict[str, Any]:
        """Return everything stored about a person, by kind, without ticket codes.

        Raises:
            InvalidRequest: If neither is given, or one cannot be read.
            NotFound: If no one is stored under it.
        """
        async with self._database.transaction() as session:
            ids = await self._known(session, email, phone)
            return await queries.export(session, ids)

    async def erase(self, *, email: str | None, phone: str | None, actor: str) -> int:
        """Erase a person for good; returns from how many holds and bookings.

        Raises:
            InvalidRequest: If neither is given or readable, or something is not over yet.
            NotFound: If no one is stored under it.
        """
        async with self._database.transaction() as session:
            ids = await self._known(session, email, phone)
            left = await queries.unfinished(session, ids)
            reasons = [_(why) for name, why in _REASONS.items() if getattr(left, name)]
            if reasons:
                msg = _(
                    "Nothing was erased: {reasons}. Try again later.", reasons="; ".join(reasons)
                )
                raise InvalidRequest(msg)
            await queries.erase(session, ids)
            session.add(_note(actor, "privacy.erase", len(ids)))
        return len(ids)

    async def erase_expired(self, *, days: int, actor: str) -> int:
        """Erase everyone in events that began more than so many days ago.

        Returns:
            From how many holds and bookings; those with open refunds or messages stay.
        """
        async with self._database.transaction() as session:
            expired = await queries.expired_intents(session, days=days)
        erased = 0
        for start in range(0, len(expired), _MAX_BATCH):
            async with self._database.transaction() as session:
                ids = await _finished(session, expired[start : start + _MAX_BATCH])
                await queries.erase(session, ids)
                session.add(_note(actor, "privacy.erase_old", len(ids)))
            erased += len(ids)
        return erased

    async def _known(
        self, session: AsyncSession, email: str | None, phone: str | None
    ) -> Sequence[str]:
        given = {"email": email, "phone": phone}
        try:
            known = {
                field: self._contacts.read_field(field, value)
                for field, value in given.items()
                if value is not None
            }
        except ValueError as error:
            raise InvalidRequest(str(error)) from error
        if not known:
            raise InvalidRequest(_("Enter an email address or a phone number."))
        ids = await queries.intents_of(
            session, email=known.get("email") or None, phone=known.get("phone")
        )
        if not ids:
            raise NotFound
        return ids


async def _finished(session: AsyncSession, ids: Sequence[str]) -> Sequence[str]:
    """Leave out what still needs a contact; checked one by one only if there is any."""
    left = await queries.unfinished(session, ids)
    if not (left.live_holds or left.open_messages or left.open_refunds):
        return ids
    remaining: list[str] = []
    for one in ids:
        alone = await queries.unfinished(session, [one])
        if not (alone.live_holds or alone.open_messages or alone.open_refunds):
            remaining.append(one)
    return remaining


def _note(actor: str, action: str, count: int) -> AuditEntry:
    # Without the name, which the log would keep for ever.
    return AuditEntry(actor=actor, action=action, subject="person", after={"records": count})
