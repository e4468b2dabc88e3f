"""Events and tiers as attendees see them, and how they come to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import new_id, utc_now
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.events.catalog import EVERYTHING, EventFilter, FilterChoices
from surge_app.errors import NotFound, SlugTaken
from surge_app.models import AuditEntry, Event, EventPhase, Tier
from surge_app.services.events.fact_checks import check_facts
from surge_app.services.events.facts import (
    ALL_FACTS,
    PUBLIC_FACTS,
    TIER_RULES,
    TRANSLATABLE,
    read_facts,
)
from surge_app.services.events.new_event import NewEvent, NewTier, SaleWindow, check_event
from surge_app.services.events.recent_views import RecentViews
from surge_app.services.events.translations import Translations, read_translations
from surge_app.services.events.views import (
    EventStatus,
    EventView,
    Offer,
    TierOffer,
    TierStatus,
    TierView,
)
from surge_app.services.waiting_room.lottery import new_seed

_MAX_EVENTS = 1_000
_MAX_LISTS = 64


class Catalog:
    """Reads events for everyone and creates them for organizers."""

    def __init__(self, database: Database, *, default_fee_paise: int) -> None:
        self._database = database
        self._default_fee_paise = default_fee_paise
        self._events = RecentViews(self._load_events, most=_MAX_EVENTS)
        self._offers = RecentViews(self._load_offers, most=_MAX_EVENTS)
        self._lists = RecentViews(self._load_lists, most=_MAX_LISTS)
        self._choices = RecentViews(self._load_choices, most=1)

    async def events(self, wanted: EventFilter = EVERYTHING) -> tuple[EventView, ...]:
        """Return published events but rehearsals, the soonest first, a second old at most.

        An event leaves the list a day after its end.
        """
        return await self._lists.get(wanted) or ()

    async def filter_choices(self) -> FilterChoices:
        """Return what the list can be narrowed to, a second old at most."""
        return await self._choices.get(None) or FilterChoices((), ())

    async def event(self, slug: str) -> EventView:
        """Return one event, at most a second old.

        Raises:
            NotFound: If there is no such event, or it is a draft.
        """
        return _found(await self._events.get(slug))

    async def preview(self, slug: str) -> EventView:
        """Return one event as attendees would see it, drafts included, as it is this moment.

        Raises:
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            (view,) = await _views(session, [event])
        return view

    async def offer(self, slug: str) -> Offer:
        """Return the prices and rules of one event, at most a second old; raises like `event`."""
        return _found(await self._offers.get(slug))

    async def create(self, new: NewEvent, *, actor: str) -> str:
        """Create a published event with its tiers and units, and return its slug.

        Raises:
            InvalidRequest: If a value makes no sense; the sentence says which.
            SlugTaken: If the slug is in use.
        """
        check_event(new)
        event = _event_row(new, default_fee_paise=self._default_fee_paise)
        try:
            async with self._database.transaction() as session:
                session.add(event)
                await session.flush()
                for position, tier in enumerate(new.tiers):
                    await add_tier(session, event.id, tier, position=position)
                session.add(
                    AuditEntry(
                        actor=actor,
                        action="event.create",
                        subject=new.slug,
                        after={"name": new.name, "units": sum(tier.units for tier in new.tiers)},
                    )
                )
        except IntegrityError as error:
            if "uq_events_slug" in str(error.orig):
                raise SlugTaken from error
            raise
        self.invalidate()
        return new.slug

    def invalidate(self) -> None:
        """Read from the database next time; called after a change."""
        self._events.invalidate()
        self._offers.invalidate()
        self._lists.invalidate()
        self._choices.invalidate()

    async def _load_offers(self, slugs: frozenset[str]) -> dict[str, Offer]:
        async with self._database.transaction() as session:
            events = await catalog_queries.events_by_slug(session, slugs)
            tiers = await catalog_queries.tiers(session, [event.id for event in events])
        return {event.slug: _offer(event, tiers.get(event.id, [])) for event in events}

    async def _load_events(self, slugs: frozenset[str]) -> dict[str, EventView]:
        async with self._database.transaction() as session:
            events = await catalog_queries.events_by_slug(session, slugs)
            return {view.slug: view for view in await _views(session, events)}

    async def _load_lists(
        self, filters: frozenset[EventFilter]
    ) -> dict[EventFilter, tuple[EventView, ...]]:
        async with self._database.transaction() as session:
            return {
                wanted: await _views(session, await catalog_queries.listed(session, wanted))
                for wanted in filters
            }

    async def _load_choices(self, keys: frozenset[None]) -> dict[None, FilterChoices]:
        async with self._database.transaction() as session:
            return dict.fromkeys(keys, await catalog_queries.filter_choices(session))


_Found = TypeVar("_Found")


def _found(view: _Found | None) -> _Found:
    if view is None:
        raise NotFound
    return view


async def _views(session: AsyncSession, events: Sequence[Event]) -> tuple[EventView, ...]:
    ids = [event.id for event in events]
    tiers = await catalog_queries.tiers(session, ids)
    counts = await units.counts_by_tier(
        session, [tier.id for some in tiers.values() for tier in some]
    )
    covers = await catalog_queries.cover_digests(session, ids)
    now = utc_now()
    return tuple(
        event_view(event, tiers.get(event.id, []), counts, now, covers.get(event.id, ""))
        for event in events
    )


def _offer(event: Event, tiers: list[Tier]) -> Offer:
    return Offer(
        id=event.id,
        slug=event.slug,
        is_cancelled=event.phase == EventPhase.CANCELLED,
        closes_at=_closes_at(event),
        currency=event.currency,
        fee_paise=event.fee_paise,
        max_per_person=event.max_per_person,
        hold_seconds=event.hold_seconds,
        tiers=tuple(
            TierOffer(
                id=tier.id,
                name=tier.name,
                price_paise=tier.price_paise,
                **read_facts(tier, TIER_RULES),
            )
            for tier in tiers
        ),
    )


def event_view(
    event: Event,
    tiers: list[Tier],
    counts: Mapping[str, units.Counts],
    now: datetime,
    cover_digest: str = "",
) -> EventView:
    """Project an event, its tiers and their counts."""
    views = tuple(
        _tier_view(tier, event, counts.get(tier.id, units.Counts()), now) for tier in tiers
    )
    return EventView(
        id=event.id,
        slug=event.slug,
        status=event_status(event, views, now),
        currency=event.currency,
        fee_paise=event.fee_paise,
        is_rehearsal=event.is_rehearsal,
        cover_digest=cover_digest,
        tiers=views,
        translations=_translations(event),
        **read_facts(event, PUBLIC_FACTS),
    )


def _translations(event: Event) -> Translations:
    found = read_translations(event.translations or "", TRANSLATABLE)
    return {"": read_facts(event, TRANSLATABLE), **found} if found else {}


def organizer_contact(event: Event | EventView) -> str:
    """Return the organizer's contact on one line; empty if none is given."""
    parts = (event.organizer_name, event.organizer_email, event.organizer_phone)
    return " · ".join(part for part in parts if part)


def event_status(event: Event, tiers: tuple[TierView, ...], now: datetime) -> EventStatus:
    """Return the word of the JSON contract for where a sale stands.

    Tiers whose own window is over have nothing to give any more. While the others wait for
    theirs, the sale is scheduled.
    """
    words = {tier.status for tier in tiers}
    stages: tuple[tuple[EventStatus, bool], ...] = (
        ("cancelled", event.phase == EventPhase.CANCELLED),
        ("ended", now >= _closes_at(event) or words == {"ended"}),
        ("scheduled", event.sales_open_at is not None and now < event.sales_open_at),
        ("sold_out", words <= {"sold_out", "ended"}),
        ("paused", event.is_paused),
        ("on_sale", "on_sale" in words),
        ("all_held", "all_held" in words),
        ("scheduled", True),
    )
    return next(word for word, applies in stages if applies)


def sale_window(event: Event) -> SaleWindow:
    """Return what the tiers of an event have to keep to."""
    return SaleWindow(event.sales_open_at, _closes_at(event), event.max_per_person)


def _closes_at(event: Event) -> datetime:
    return event.sales_close_at or event.starts_at


def _tier_view(tier: Tier, event: Event, counts: units.Counts, now: datetime) -> TierView:
    return TierView(
        id=tier.id,
        name=tier.name,
        price_paise=tier.price_paise,
        all_in_paise=tier.price_paise + event.fee_paise if tier.price_paise else 0,
        capacity=tier.capacity,
        available=counts.available,
        held=counts.held,
        sold=counts.sold,
        status=_tier_status(tier, event, counts, now),
        **read_facts(tier, TIER_RULES),
    )


def _tier_status(tier: Tier, event: Event, counts: units.Counts, now: datetime) -> TierStatus:
    closings = (_closes_at(event), tier.sales_close_at)
    openings = (event.sales_open_at, tier.sales_open_at)
    stages: tuple[tuple[TierStatus, bool], ...] = (
        ("ended", any(moment is not None and now >= moment for moment in closings)),
        ("sold_out", counts.available + counts.held == 0),
        ("scheduled", any(moment is not None and now < moment for moment in openings)),
        ("all_held", counts.available == 0),
        ("on_sale", True),
    )
    return next(word for word, applies in stages if applies)


def _event_row(new: NewEvent, *, default_fee_paise: int) -> Event:
    return Event(
        slug=new.slug,
        fee_paise=default_fee_paise if new.fee_paise is None else new.fee_paise,
        phase=EventPhase.DRAFT if new.is_draft else EventPhase.PUBLISHED,
        queue_seed=new_seed(),
        payment_seconds=new.payment_seconds,
        is_rehearsal=new.is_rehearsal,
        **check_facts(read_facts(new, ALL_FACTS)),
    )


async def add_tier(session: AsyncSession, event_id: str, new: NewTier, *, position: int) -> Tier:
    """Insert a tier that was checked, with its units."""
    tier = Tier(
        event_id=event_id,
        name=new.name.strip(),
        price_paise=new.price_paise,
        capacity=new.units,
        position=position,
        **read_facts(new, TIER_RULES),
    )
    session.add(tier)
    await session.flush()
    await units.add(
        session, tier_id=tier.id, ids=[new_id() for _ in range(new.units)], first_number=1
    )
    return tier
