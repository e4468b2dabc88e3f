"""What organizers do with events. Every action leaves an entry in the audit log."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.bookings import records as booking_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.payments import gateway_outages
from surge_app.errors import InvalidRequest, NotFound, SurgeError
from surge_app.models import AuditEntry, Event, EventPhase, MessageStatus, Tier
from surge_app.services.admin.views import EventStats, QueueStats, TierStats
from surge_app.services.events.catalog import Catalog, event_status, event_view, frame_of
from surge_app.services.events.edit_conflicts import plain, require_unchanged
from surge_app.services.events.facts import (
    ALL_FACTS,
    EDITABLE_FACTS,
    EventFacts,
    QueueRules,
    check_facts,
    read_facts,
)
from surge_app.services.events.new_event import NewEvent, check_sale_window, check_times
from surge_app.services.messaging.notifications import Notifications
from surge_app.services.waiting_room.lottery import new_seed
from surge_app.services.waiting_room.service import WaitingRoom
from surge_app.services.waiting_room.views import QueueCounts


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
class EventSettings(EventFacts, QueueRules):
    """An event as its organizer edits it, drafts included.

    `cover_digest` is that of its own picture, empty while the cover is drawn.
    """

    slug: str
    phase: str
    cover_digest: str
    tiers: tuple[TierSettings, ...]


_FRAME = {name for name, one in ALL_FACTS.items() if one.is_time} | {"max_per_person"}


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

    async def overview(self) -> list[EventStats]:
        """Return the stats of every event but rehearsals, the soonest first."""
        async with self._database.transaction() as session:
            listed = await catalog_queries.events(session, with_drafts=True)
            events = [event for event in listed if not event.is_rehearsal]
            tiers = await catalog_queries.tiers(session, [event.id for event in events])
            counts = await units.counts_by_tier(
                session, [tier.id for some in tiers.values() for tier in some]
            )
            found = [
                await self._stats(session, event, tiers.get(event.id, []), counts)
                for event in events
            ]
        # Redis is read after the connection is returned: it may be slow to respond.
        queues = await asyncio.gather(*(self._queue(event) for event in events))
        return [replace(stats, queue=queue) for stats, queue in zip(found, queues, strict=True)]

    async def stats(self, slug: str) -> EventStats:
        """Return sold against capacity, money and line of one event; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
            if event is None:
                raise NotFound
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
            counts = await units.counts_by_tier(session, [tier.id for tier in tiers])
            found = await self._stats(session, event, tiers, counts)
        return replace(found, queue=await self._queue(event))

    async def names(self) -> list[tuple[str, str]]:
        """Return slug and name of every event, drafts included, the soonest first."""
        async with self._database.transaction() as session:
            events = await catalog_queries.events(session, with_drafts=True)
        return [(event.slug, event.name) for event in events]

    async def exists(self, slug: str) -> bool:
        """Whether there is such an event, drafts included."""
        async with self._database.transaction() as session:
            return await catalog_queries.event_by_slug(session, slug) is not None

    async def settings(self, slug: str) -> EventSettings:
        """Return what can be edited of an event; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
            if event is None:
                raise NotFound
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
            slug: The event.
            changes: Values by field; already of the right types.
            actor: The organizer.
            expected: The values the editor was shown; None overwrites whatever is stored.

        Raises:
            EditConflict: If someone else changed one of these fields since they were shown.
            InvalidRequest: If a field cannot be changed this way.
            NotFound: If there is no such event.
        """
        unknown = sorted(set(changes) - set(EDITABLE_FACTS))
        if unknown:
            msg = f"These cannot be changed here: {', '.join(unknown)}."
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
            event = await catalog_queries.event_by_slug(session, slug, for_update=True)
            if event is None:
                raise NotFound
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
            if not _FRAME.isdisjoint(changes):
                await _check_frame(session, event)
            if changes:
                before = {field: plain(stored[field]) for field in changes}
                after = {field: plain(value) for field, value in changes.items()}
                session.add(
                    AuditEntry(actor=actor, action=action, subject=slug, before=before, after=after)
                )
        self._catalog.forget()
        await self._waiting_room.publish()

    async def _stats(
        self,
        session: AsyncSession,
        event: Event,
        tiers: list[Tier],
        counts: Mapping[str, units.Counts],
    ) -> EventStats:
        now = utc_now()
        rows = tuple(_tier_stats(tier, counts.get(tier.id, units.Counts())) for tier in tiers)
        money = await booking_queries.totals(session, event.id)
        messages = await booking_queries.message_counts(session, event.id)
        outage = await gateway_outages.current(session)
        waiting = {MessageStatus.PENDING, MessageStatus.SENDING}
        return EventStats(
            slug=event.slug,
            name=event.name,
            venue=event.venue,
            time_zone=event.time_zone,
            starts_at=event.starts_at,
            status="draft"
            if event.phase == EventPhase.DRAFT
            else event_status(event, event_view(event, tiers, counts, now).tiers, now),
            capacity=sum(row.capacity for row in rows),
            available=sum(row.available for row in rows),
            held=sum(row.held for row in rows),
            sold=sum(row.sold for row in rows),
            bookings=money.bookings,
            revenue_paise=money.revenue_paise,
            fees_paise=money.fees_paise,
            cash_paise=money.cash_paise,
            messages_pending=sum(messages.get(status, 0) for status in waiting),
            messages_dead=messages.get(MessageStatus.DEAD, 0),
            tiers=rows,
            queue=QueueStats(),
            at=now,
            gateway_down_since=outage and outage.opened_at,
        )

    async def _queue(self, event: Event) -> QueueStats:
        try:
            line = await self._waiting_room.stats(event.slug)
        except SurgeError:
            # The figures stay readable while the waiting room does not respond.
            line = QueueCounts()
        return QueueStats(
            **asdict(line), paused=event.is_paused, concurrent_buyers=event.concurrent_buyers
        )


def _check_lobby(event: Event) -> None:
    if event.sales_open_at is None or event.sales_open_at <= utc_now():
        msg = "Nothing was saved. The queue order cannot change once the sale has opened."
        raise InvalidRequest(msg)


async def _check_frame(session: AsyncSession, event: Event) -> None:
    check_times(event)
    frame = frame_of(event)
    check_sale_window(frame)
    for tier in (await catalog_queries.tiers(session, [event.id])).get(event.id, []):
        # A window that now reaches beyond the sale's does no harm: both have to be open.
        if tier.min_per_booking > frame.max_per_person:
            msg = (
                f"Nobody could buy {tier.name} any more: a booking needs "
                f"{tier.min_per_booking} of its tickets."
            )
            raise InvalidRequest(msg)


def _tier_stats(tier: Tier, counts: units.Counts) -> TierStats:
    return TierStats(
        name=tier.name,
        capacity=tier.capacity,
        available=counts.available,
        held=counts.held,
        sold=counts.sold,
    )
