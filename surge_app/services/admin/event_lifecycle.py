"""From draft to published to cancelled: what an organizer decides about a whole event."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import utc_now
from surge_app.db.admin import cancellation as queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.messaging.event_notices import revision
from surge_app.errors import AlreadyRefunded, EditConflict, InvalidRequest
from surge_app.languages import gettext as _
from surge_app.models import AuditEntry, BookingStatus, Event, EventPhase
from surge_app.observability.log import get_logger
from surge_app.services.concurrency import for_each
from surge_app.services.events.catalog import Catalog, sale_window
from surge_app.services.events.facts import ALL_FACTS, read_facts
from surge_app.services.events.new_event import NewEvent, NewTier
from surge_app.services.messaging.event_notices import add_cancellation, require_version
from surge_app.services.payments.refunds import Refunds
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_MAX_BATCH = 100
_MAX_CONCURRENT = 4
_ACTOR = "cancellation"
_COPIED = [name for name, one in ALL_FACTS.items() if one.fact.is_copied]


@dataclass(frozen=True, slots=True)
class Cancellation:
    """Progress of the refunds of an event; the three counts add up to its bookings.

    Attributes:
        refundable_paise: What would go back, or still has to, of the bookings that wait.
    """

    waiting: int
    on_their_way: int
    done: int
    refundable_paise: int = 0


class Lifecycle:
    """Publishes, copies and cancels events."""

    def __init__(
        self, database: Database, catalog: Catalog, waiting_room: WaitingRoom, refunds: Refunds
    ) -> None:
        self._database = database
        self._catalog = catalog
        self._waiting_room = waiting_room
        self._refunds = refunds

    async def version(self, slug: str) -> int:
        """Return what `publish`, `unpublish` and `delete_draft` compare."""
        async with self._database.transaction() as session:
            return await revision(session, slug, with_tickets=True)

    async def publish(self, slug: str, *, actor: str, version: int | None = None) -> None:
        """Show a draft to everyone.

        Raises:
            EditConflict: If it was changed since `version`; None skips the comparison.
            InvalidRequest: If the event was cancelled, or its start or its sale is over.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await _locked(session, slug, version)
            closes_at = min(event.starts_at, sale_window(event).closes_at)
            if event.phase == EventPhase.DRAFT and closes_at <= utc_now():
                msg = _("Nothing was published. The event or its sale is over: check the dates.")
                raise InvalidRequest(msg)
            if event.phase == EventPhase.CANCELLED:
                raise InvalidRequest(_("A cancelled event stays cancelled. Duplicate it instead."))
            _turn(session, event, EventPhase.PUBLISHED, action="event.publish", actor=actor)
        await self._publish_change()

    async def unpublish(self, slug: str, *, actor: str, version: int | None = None) -> None:
        """Make a published event a draft again, as long as no one has its tickets.

        Raises:
            EditConflict: As `publish` does.
            InvalidRequest: If it is not published, or tickets are sold or in a checkout.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await _locked(session, slug, version)
            if event.phase != EventPhase.PUBLISHED:
                msg = _("Nothing was changed. Only a published event can be unpublished.")
                raise InvalidRequest(msg)
            if await queries.has_buyers(session, event.id):
                msg = _(
                    "Nothing was unpublished. Tickets are sold or in a checkout. "
                    "Cancel the event instead."
                )
                raise InvalidRequest(msg)
            _turn(session, event, EventPhase.DRAFT, action="event.unpublish", actor=actor)
        await self._publish_change()

    async def delete_draft(self, slug: str, *, actor: str, version: int | None = None) -> None:
        """Delete a draft with its tiers and picture.

        Raises:
            EditConflict: As `publish` does.
            InvalidRequest: If it is published, or someone held tickets of it before.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await _locked(session, slug, version)
            if event.phase != EventPhase.DRAFT:
                msg = _(
                    "Nothing was deleted. Only a draft can be deleted; cancel the event instead."
                )
                raise InvalidRequest(msg)
            if await queries.has_holds(session, event.id):
                msg = _("Nothing was deleted. Visitors held tickets while it was published.")
                raise InvalidRequest(msg)
            await queries.delete_draft(session, event.id)
            session.add(AuditEntry(actor=actor, action="event.delete", subject=slug))
        await self._publish_change()

    async def cancel(
        self, slug: str, *, actor: str, reason: str = "", version: int | None = None
    ) -> Cancellation:
        """Cancel an event: nothing is sold any more, and every booking is refunded and told.

        Jobs make the refunds and write the messages, and resume after a restart. A second call
        changes nothing.

        Args:
            reason: Sent to each ticket holder; may be empty.
            version: Of the preview the organizer saw; None skips the comparison.

        Raises:
            EditConflict: If the event was changed since the preview.
            InvalidRequest: If the reason is too long.
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await _locked(session, slug)
            if event.phase != EventPhase.CANCELLED:
                await require_version(session, slug, version)
                is_public = event.phase == EventPhase.PUBLISHED
                _turn(session, event, EventPhase.CANCELLED, action="event.cancel", actor=actor)
                if is_public:
                    add_cancellation(session, event, words=reason, actor=actor)
        await self._publish_change()
        return await self.cancellation(slug)

    async def cancellation(self, slug: str) -> Cancellation:
        """Return how far the refunds of an event are; raises NotFound."""
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            counts = await queries.by_status(session, event.id)
            refundable = await queries.refundable_paise(session, event.id)
        return Cancellation(
            waiting=counts.get(BookingStatus.CONFIRMED, 0),
            on_their_way=counts.get(BookingStatus.REFUNDING, 0),
            done=counts.get(BookingStatus.REFUNDED, 0),
            refundable_paise=refundable,
        )

    async def refund_cancelled_event(self) -> int:
        """Refund some bookings of cancelled events; returns how many were tried.

        Raises:
            ExceptionGroup: With what went wrong for some; the others are refunded.
        """
        async with self._database.transaction() as session:
            refs = await queries.to_refund(session, limit=_MAX_BATCH)

        async def work(ref: str) -> None:
            try:
                await self._refunds.refund(ref, actor=_ACTOR, restock=False)
            except AlreadyRefunded:
                _log.info("cancelled_booking_was_refunded", booking=ref)

        await for_each(refs, work, at_once=_MAX_CONCURRENT)
        return len(refs)

    async def copy_event(self, slug: str, *, new_slug: str, starts_at: datetime, actor: str) -> str:
        """Copy an event with tiers and picture as a draft that opens at once; returns the new slug.

        Raises:
            InvalidRequest: If the new address cannot be used.
            NotFound: If there is no such event.
            SlugTaken: If the new address is in use.
        """
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            tiers = (await catalog_queries.tiers(session, [event.id])).get(event.id, [])
        # Windows of the old date would make no sense at the new one.
        new = NewEvent(
            slug=new_slug,
            starts_at=starts_at,
            is_draft=True,
            fee_paise=event.fee_paise,
            tiers=tuple(
                NewTier(
                    tier.name,
                    tier.price_paise,
                    max(1, tier.capacity),
                    min_per_booking=tier.min_per_booking,
                    max_per_booking=tier.max_per_booking,
                )
                for tier in tiers
            ),
            **read_facts(event, _COPIED),
        )
        copy = await self._catalog.create(new, actor=actor)
        async with self._database.transaction() as session:
            await catalog_queries.copy_cover(session, slug, to=copy)
        return copy

    async def _publish_change(self) -> None:
        self._catalog.invalidate()
        await self._waiting_room.publish()


async def _locked(session: AsyncSession, slug: str, version: int | None = None) -> Event:
    event = await catalog_queries.require_event(session, slug, for_update=True)
    if version is not None and version != await revision(session, slug, with_tickets=True):
        msg = _(
            "The event or its tickets were changed a moment ago. Nothing was done. Check the page "
            "again, then repeat it."
        )
        raise EditConflict(msg)
    return event


def _turn(
    session: AsyncSession, event: Event, phase: EventPhase, *, action: str, actor: str
) -> None:
    if event.phase == phase:
        return
    session.add(
        AuditEntry(
            actor=actor,
            action=action,
            subject=event.slug,
            before={"phase": str(event.phase)},
            after={"phase": phase.value},
        )
    )
    event.phase = phase
