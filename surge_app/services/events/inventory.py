"""Add, withdraw and re-price units during a sale.

Units held or sold are never touched, holds that are running keep their price and their deadline,
and each change is one transaction with its line in the audit log.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import inventory as queries
from surge_app.errors import InvalidRequest, NotEnoughAvailable, NotFound, QueueUnavailable
from surge_app.formatting import format_number
from surge_app.languages import gettext as _, ngettext
from surge_app.models import AuditEntry, Event, Tier
from surge_app.services.events.catalog import Catalog, add_tier, sale_window
from surge_app.services.events.edit_conflicts import require_unchanged
from surge_app.services.events.facts import TIER_RULES, read_facts
from surge_app.services.events.new_event import MAX_UNITS, NewTier, check_tier
from surge_app.services.waiting_room.service import WaitingRoom

CHANGEABLE = ("name", "price_paise", *TIER_RULES)


class Inventory:
    """Adds, withdraws and re-prices; a tier is named by its id or its name."""

    def __init__(self, database: Database, catalog: Catalog, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._catalog = catalog
        self._waiting_room = waiting_room

    async def add_units(self, slug: str, tier: str, quantity: int, *, actor: str) -> int:
        """Put more units of a tier on sale; what was withdrawn comes back first.

        Returns:
            The new capacity.

        Raises:
            InvalidRequest: If `quantity` is not positive, or the tier would grow too large.
            NotFound: If there is no such event or tier.
        """
        _check_positive(quantity)
        return await self._resize(slug, tier, quantity, actor=actor)

    async def withdraw_units(self, slug: str, tier: str, quantity: int, *, actor: str) -> int:
        """Take free units of a tier off sale, all of them or none; returns the new capacity.

        Raises:
            InvalidRequest: If `quantity` is not positive.
            NotEnoughAvailable: If fewer are free; `details["available"]` tells how many are.
            NotFound: If there is no such event or tier.
        """
        _check_positive(quantity)
        return await self._resize(slug, tier, -quantity, actor=actor)

    async def change_tier(
        self,
        slug: str,
        tier: str,
        changes: Mapping[str, Any],
        *,
        actor: str,
        expected: Mapping[str, Any] | None = None,
    ) -> None:
        """Change the rules of a tier, and its capacity.

        Args:
            tier: Its id or its name.
            changes: Values by field, of the right types: those of `CHANGEABLE`, and `units` for
                the new capacity.
            expected: The values the editor was shown; None overwrites whatever is stored.

        Raises:
            EditConflict: If someone else changed one of these fields since they were shown.
            InvalidRequest: If the tier would make no sense; the sentence says why.
            NotEnoughAvailable: If more units would go than are free.
            NotFound: If there is no such event or tier.
        """
        rules = {field: value for field, value in changes.items() if field != "units"}
        unknown = sorted(set(rules) - set(CHANGEABLE))
        if unknown:
            msg = _("These cannot be changed here: {names}.", names=", ".join(unknown))
            raise InvalidRequest(msg)
        if "name" in rules:
            rules["name"] = rules["name"].strip()
        try:
            async with self._database.transaction() as session:
                event, row = await _locked(session, slug, tier)
                before = _facts(row)
                await require_unchanged(
                    session,
                    slug,
                    stored={field: getattr(row, field) for field in before},
                    expected=_by_column(expected) if expected is not None else None,
                    changes=_by_column(changes),
                    tier_id=row.id,
                )
                offer = replace(_offer(row), **rules, units=changes.get("units", row.capacity))
                check_tier(offer, sale_window(event))
                for field, value in rules.items():
                    setattr(row, field, value)
                await _set_capacity(session, row, offer.units)
                _note(session, event, row, "tier.change", before=before, actor=actor)
        except IntegrityError as error:
            raise _explained(error) from error
        await self._tell()

    async def add_tier(self, slug: str, new: NewTier, *, actor: str) -> str:
        """Put one more tier on sale, behind the others, and return its id.

        Raises:
            InvalidRequest: If it makes no sense within its event.
            NotFound: If there is no such event.
        """
        try:
            async with self._database.transaction() as session:
                event = await queries.event(session, slug)
                if event is None:
                    raise NotFound
                check_tier(new, sale_window(event))
                position = await queries.next_position(session, event.id)
                row = await add_tier(session, event.id, new, position=position)
                _note(session, event, row, "tier.add", before={}, actor=actor)
        except IntegrityError as error:
            raise _explained(error) from error
        await self._tell()
        return row.id

    async def close_tier(self, slug: str, tier: str, *, actor: str) -> None:
        """End the sale of a tier now; who holds some of it may still pay.

        Raises:
            NotFound: If there is no such event or tier.
        """
        async with self._database.transaction() as session:
            event, row = await _locked(session, slug, tier)
            before = _facts(row)
            now = utc_now()
            row.sales_close_at = now
            if row.sales_open_at is not None and row.sales_open_at >= now:
                row.sales_open_at = now - timedelta(seconds=1)
            _note(session, event, row, "tier.close", before=before, actor=actor)
        await self._tell()

    async def _resize(self, slug: str, tier: str, difference: int, *, actor: str) -> int:
        async with self._database.transaction() as session:
            event, row = await _locked(session, slug, tier)
            before = _facts(row)
            await _set_capacity(session, row, row.capacity + difference)
            action = "stock.add" if difference > 0 else "stock.withdraw"
            _note(session, event, row, action, before=before, actor=actor)
            capacity = row.capacity
        await self._tell()
        return capacity

    async def _tell(self) -> None:
        self._catalog.invalidate()
        # The change stands, and the job updates the queue within a second; to report a failure
        # would have the units added twice.
        with contextlib.suppress(QueueUnavailable):
            await self._waiting_room.publish()


async def _locked(session: AsyncSession, slug: str, tier: str) -> tuple[Event, Tier]:
    event = await queries.event(session, slug)
    row = event and await queries.tier(session, event_id=event.id, tier=tier)
    if event is None or row is None:
        raise NotFound
    return event, row


async def _set_capacity(session: AsyncSession, tier: Tier, capacity: int) -> None:
    difference = capacity - tier.capacity
    if capacity > MAX_UNITS:
        msg = _("Nothing was saved. Enter at most {most} tickets.", most=format_number(MAX_UNITS))
        raise InvalidRequest(msg)
    if difference > 0:
        await queries.supply(session, tier_id=tier.id, quantity=difference)
    elif difference < 0:
        taken = await queries.withdraw(session, tier_id=tier.id, quantity=-difference)
        if taken < -difference:
            msg = ngettext(
                "Only {count} ticket is available to withdraw. The others are held or sold. "
                "Nothing was changed. Withdraw fewer.",
                "Only {count} tickets are available to withdraw. The others are held or sold. "
                "Nothing was changed. Withdraw fewer.",
                taken,
            )
            raise NotEnoughAvailable(msg, available=taken)
    tier.capacity = capacity


def _note(
    session: AsyncSession,
    event: Event,
    tier: Tier,
    action: str,
    *,
    before: dict[str, object],
    actor: str,
) -> None:
    after = _facts(tier)
    changed = [field for field in after if not before or before[field] != after[field]]
    session.add(
        AuditEntry(
            actor=actor,
            action=action,
            subject=event.slug,
            before=_named(tier, before, changed) if before else {},
            after=_named(tier, after, changed),
        )
    )


def _by_column(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"capacity" if field == "units" else field: value for field, value in values.items()}


def _named(tier: Tier, facts: dict[str, object], changed: list[str]) -> dict[str, object]:
    return {"tier_id": tier.id, "name": facts["name"], **{name: facts[name] for name in changed}}


def _facts(tier: Tier) -> dict[str, object]:
    values = {field: getattr(tier, field) for field in (*CHANGEABLE, "capacity")}
    return {
        field: value.isoformat() if isinstance(value, datetime) else value
        for field, value in values.items()
    }


def _offer(tier: Tier) -> NewTier:
    return NewTier(units=tier.capacity, **read_facts(tier, CHANGEABLE))


def _check_positive(quantity: int) -> None:
    if not 1 <= quantity <= MAX_UNITS:
        raise InvalidRequest(_("Enter 1 to {most} tickets.", most=format_number(MAX_UNITS)))


def _explained(error: IntegrityError) -> Exception:
    if "uq_tiers_event_id_name" in str(error.orig):
        return InvalidRequest(_("Nothing was saved. Each ticket type needs a name of its own."))
    return error
