"""Create, change and pause events. Every action adds an entry to the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.errors import InvalidRequest
from surge_app.languages import gettext as _
from surge_app.models import AuditEntry, Event
from surge_app.services.events.catalog import Catalog, sale_window
from surge_app.services.events.edit_conflicts import plain, require_unchanged
from surge_app.services.events.fact_checks import check_facts
from surge_app.services.events.facts import (
    ALL_FACTS,
    EDITABLE_FACTS,
    EventFacts,
    OwnLanguages,
    QueueRules,
    read_facts,
)
from surge_app.services.events.new_event import NewEvent, check_sale_window, check_times
from surge_app.services.messaging.notifications import Notifications
from surge_app.services.waiting_room.lottery import new_seed
from surge_app.services.waiting_room.service import WaitingRoom


@dataclass(frozen=True, slots=True)
class TierSettings:
    """A tier as its organizer edits it; `sold` and `held` cannot be taken away."""

    id: str
    name: str
    price_paise: int
    capacity: int
    sold: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSettings(EventFacts, QueueRules, OwnLanguages):
    """An event as its organizer edits it, drafts included.

    `cover_digest` is that of its own picture, empty while the cover is drawn.
    """

    slug: str
    phase: str
    fee_paise: int
    cover_digest: str
    tiers: tuple[TierSettings, ...]


_SALE_WINDOW = {name for name, one in ALL_FACTS.items() if one.is_time} | {"max_per_person"}


class Organizer:
    """Reads and changes events, drafts included."""

    def __init__(
        self,
        database: Database,
        catalog: Catalog,
        waiting_room: WaitingRoom,
        notifications: Notifications,
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._waiting_room = waiting_room
        self._notifications = notifications

    async def names(self) -> list[tuple[str, str]]:
        """Return slug and name of every event, drafts included, the soonest first."""
        async with self._database.transaction() as session:
            events = await catalog_queries.events(session)
        return [(event.slug, event.name) for event in events]

    async def exists(self, slug: str) -> bool:
        """Return whether there is such an event, drafts included."""
        async with self._database.transaction() as session:
            return await catalog_queries.event_by_slug(session, slug) is not None

    async def settings(self, slug: str) -> EventSettings:
        """Return what can be edited of an event; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
            digest = await catalog_queries.cover_digest(session, event.id)
        listed = tuple(
            TierSettings(
                id=tier.id,
                name=tier.name,
                price_paise=tier.price_paise,
                capacity=tier.capacity,
                sold=counts.get(tier.id, units.Counts()).sold,
                held=counts.get(tier.id, units.Counts()).held,
            )
            for tier in tiers
        )
        return EventSettings(
            slug=event.slug,
            phase=event.phase,
            fee_paise=event.fee_paise,
            cover_digest=digest,
            tiers=listed,
            **read_facts(event, ALL_FACTS),
        )

    async def create(self, new: NewEvent, *, actor: str) -> str:
        """Create an event and open its queue at once; raises like `Catalog.create`."""
        slug = await self._catalog.create(new, actor=actor)
        await self._waiting_room.publish()
        return slug

    async def change(
        self,
        slug: str,
        changes: Mapping[str, Any],
        *,
        actor: str,
        expected: Mapping[str, Any] | None = None,
    ) -> None:
        """Change settings of an event; running holds keep their prices.

        Args:
            changes: Values by field; already of the right types.
            expected: The values the editor was shown; None overwrites whatever is stored.

        Raises:
            EditConflict: If someone else changed one of these fields since they were shown.
            InvalidRequest: If a field cannot be changed this way.
            NotFound: If there is no such event.
        """
        unknown = sorted(set(changes) - set(EDITABLE_FACTS))
        if unknown:
            msg = _("These cannot be changed here: {names}.", names=", ".join(unknown))
            raise InvalidRequest(msg)
        await self._edit(
            slug, check_facts(changes), actor=actor, action="event.change", expected=expected
        )

    async def pause(self, slug: str, *, actor: str) -> None:
        """Stop admissions until `resume`; numbers and holds stay. Raises NotFound."""
        await self._edit(slug, {"is_paused": True}, actor=actor, action="queue.pause")

    async def resume(self, slug: str, *, actor: str) -> None:
        """Resume admissions, in queue order. Raises NotFound."""
        await self._edit(slug, {"is_paused": False}, actor=actor, action="queue.resume")

    async def resend(self, ref: str, *, actor: str, version: int | None = None) -> int:
        """Send the confirmation of a booking again; raises like `Notifications.resend`."""
        return await self._notifications.resend(ref, actor=actor, version=version)

    async def _edit(
        self,
        slug: str,
        changes: Mapping[str, Any],
        *,
        actor: str,
        action: str,
        expected: Mapping[str, Any] | None = None,
    ) -> None:
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug, for_update=True)
            stored = {field: getattr(event, field) for field in changes}
            await require_unchanged(
                session, slug, stored=stored, expected=expected, changes=changes
            )
            changes = {field: value for field, value in changes.items() if value != stored[field]}
            if "queue_order" in changes:
                _check_lobby(event)
                event.queue_seed = new_seed()
            for field, value in changes.items():
                setattr(event, field, value)
            if not _SALE_WINDOW.isdisjoint(changes):
                await _check_sale_window(session, event)
            if changes:
                before = {field: plain(stored[field]) for field in changes}
                after = {field: plain(value) for field, value in changes.items()}
                session.add(
                    AuditEntry(actor=actor, action=action, subject=slug, before=before, after=after)
                )
        self._catalog.invalidate()
        await self._waiting_room.publish()


def _check_lobby(event: Event) -> None:
    if event.sales_open_at is None or event.sales_open_at <= utc_now():
        msg = _("Nothing was saved. The queue order cannot change once the sale has opened.")
        raise InvalidRequest(msg)


async def _check_sale_window(session: AsyncSession, event: Event) -> None:
    check_times(event)
    window = sale_window(event)
    check_sale_window(window)
    for tier in (await catalog_queries.tiers(session, [event.id])).get(event.id, []):
        # A window that now reaches beyond the sale's does no harm: both have to be open.
        if tier.min_per_booking > window.max_per_person:
            msg = _(
                "No one could buy {tier} any more: a booking needs {least} of its tickets. "
                "Nothing was saved. Allow as many per person.",
                tier=tier.name,
                least=tier.min_per_booking,
            )
            raise InvalidRequest(msg)
