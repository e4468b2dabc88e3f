"""Queries over events and tiers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ARRAY, BindParameter, ColumnElement, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.bookings.text_search import TextQuery
from surge_app.db.engine import locked
from surge_app.errors import NotFound
from surge_app.models import Event, EventCover, EventPhase, SiteText, Tier

_STAYS_LISTED = timedelta(days=1)
_MAX_CHOICES = 100


@dataclass(frozen=True, slots=True)
class EventFilter:
    """The choices that narrow a list of events; an empty text and None narrow nothing.

    Attributes:
        text: Words of its name, venue, city or organizer, in any order.
        since: The earliest start.
        until: The first moment at which an event starts too late.
        limit: How many are shown at most.
    """

    text: str = ""
    city: str = ""
    category: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 200


@dataclass(frozen=True, slots=True)
class FilterChoices:
    """The cities and categories of the listed events, in the order of the alphabet."""

    cities: tuple[str, ...]
    categories: tuple[str, ...]


EVERYTHING: Final = EventFilter()


async def events(session: AsyncSession) -> Sequence[Event]:
    """Return every event, drafts included, the soonest first."""
    query = select(Event).order_by(col(Event.starts_at), col(Event.slug))
    return (await session.scalars(query)).all()


async def events_by_slug(session: AsyncSession, slugs: Iterable[str]) -> Sequence[Event]:
    """Return those of some events that exist and are no drafts."""
    query = select(Event).where(
        col(Event.slug) == any_(_texts(slugs)), col(Event.phase) != EventPhase.DRAFT
    )
    return (await session.scalars(query)).all()


async def events_closing_after(session: AsyncSession, moment: datetime) -> Sequence[Event]:
    """Return the events, without drafts, whose sale goes on or ended later than this."""
    closes_at = func.coalesce(col(Event.sales_close_at), col(Event.starts_at))
    query = select(Event).where(col(Event.phase) != EventPhase.DRAFT, closes_at > moment)
    return (await session.scalars(query.order_by(col(Event.starts_at), col(Event.slug)))).all()


async def events_by_ids(session: AsyncSession, ids: Iterable[str]) -> Sequence[Event]:
    """Return events by their ids, in no order."""
    return (await session.scalars(select(Event).where(col(Event.id) == any_(_texts(ids))))).all()


async def listed(session: AsyncSession, wanted: EventFilter) -> Sequence[Event]:
    """Return the events of a list, the soonest first.

    The sale that opens next is in a list of everything, however late its event is.
    """
    query = select(Event).where(*_is_listed())
    for word in TextQuery.parse(wanted.text).words:
        query = query.where(func.strpos(col(Event.search_text), word) > 0)
    for column, choice in ((Event.city, wanted.city), (Event.category, wanted.category)):
        if choice:
            query = query.where(func.lower(col(column)) == choice.lower())
    if wanted.since:
        query = query.where(col(Event.starts_at) >= wanted.since)
    if wanted.until:
        query = query.where(col(Event.starts_at) < wanted.until)
    ordered = query.order_by(col(Event.starts_at), col(Event.slug))
    found = (await session.scalars(ordered.limit(wanted.limit))).all()
    if wanted != EventFilter(limit=wanted.limit) or len(found) < wanted.limit:
        return found
    opens = col(Event.sales_open_at)
    opening = query.where(opens > func.now(), col(Event.phase) == EventPhase.PUBLISHED)
    upcoming = await session.scalar(opening.order_by(opens).limit(1))
    return found if upcoming is None or upcoming in found else (*found[:-1], upcoming)


async def filter_choices(session: AsyncSession) -> FilterChoices:
    """Return what the list of events can be narrowed to."""
    found: list[tuple[str, ...]] = []
    for column in (col(Event.city), col(Event.category)):
        # One spelling for all that differ in capitals only.
        query = select(func.min(column)).where(*_is_listed(), column != "")
        grouped = query.group_by(func.lower(column)).order_by(func.lower(column))
        found.append(tuple((await session.scalars(grouped.limit(_MAX_CHOICES))).all()))
    return FilterChoices(*found)


def _is_listed() -> Sequence[ColumnElement[bool]]:
    over_at = func.coalesce(col(Event.ends_at), col(Event.starts_at)) + _STAYS_LISTED
    return (
        col(Event.phase) != EventPhase.DRAFT,
        col(Event.is_rehearsal).is_(False),
        over_at > func.now(),
    )


async def event_by_slug(
    session: AsyncSession, slug: str, *, for_update: bool = False
) -> Event | None:
    """Return an event, locked for a change if asked."""
    query = select(Event).where(col(Event.slug) == slug)
    return await session.scalar(locked(query) if for_update else query)


async def require_event(session: AsyncSession, slug: str, *, for_update: bool = False) -> Event:
    """Return an event as `event_by_slug` does; raises NotFound."""
    event = await event_by_slug(session, slug, for_update=for_update)
    if event is None:
        raise NotFound
    return event


async def event_by_id(session: AsyncSession, event_id: str) -> Event:
    """Return the event a foreign key points to."""
    return (await session.scalars(select(Event).where(col(Event.id) == event_id))).one()


async def cover_digests(session: AsyncSession, event_ids: Iterable[str]) -> dict[str, str]:
    """Return what names the picture of each of some events that has one, by event."""
    query = select(col(EventCover.event_id), col(EventCover.digest))
    result = await session.execute(query.where(col(EventCover.event_id) == any_(_texts(event_ids))))
    return dict(result.all())


async def cover_digest(session: AsyncSession, event_id: str) -> str:
    """Return what names the picture of an event, empty if it has none."""
    query = select(col(EventCover.digest)).where(col(EventCover.event_id) == event_id)
    return await session.scalar(query) or ""


async def cover(
    session: AsyncSession, slug: str, *, with_drafts: bool = False
) -> EventCover | None:
    """Return the picture of an event."""
    query = (
        select(EventCover)
        .join(Event, col(Event.id) == col(EventCover.event_id))
        .where(col(Event.slug) == slug)
    )
    if not with_drafts:
        query = query.where(col(Event.phase) != EventPhase.DRAFT)
    return await session.scalar(query)


async def copy_cover(session: AsyncSession, slug: str, *, to: str) -> None:
    """Give another event, which has none yet, the picture of this one, if it has one."""
    found, copy = await cover(session, slug, with_drafts=True), await event_by_slug(session, to)
    if found is not None and copy is not None:
        session.add(EventCover(event_id=copy.id, image=found.image, digest=found.digest))


async def tiers(session: AsyncSession, event_ids: Iterable[str]) -> dict[str, list[Tier]]:
    """Return the tiers of events in their order, by event."""
    result = await session.scalars(
        select(Tier)
        .where(col(Tier.event_id) == any_(_texts(event_ids)))
        .order_by(col(Tier.position), col(Tier.id))
    )
    found: dict[str, list[Tier]] = {}
    for tier in result.all():
        found.setdefault(tier.event_id, []).append(tier)
    return found


async def lock_site_text(session: AsyncSession, name: str) -> SiteText:
    """Lock the text of a page about the shop, which is empty until one was stored."""
    row = insert(SiteText).values(name=name, body="")
    await session.execute(row.on_conflict_do_nothing())
    return (await session.scalars(locked(select(SiteText).where(col(SiteText.name) == name)))).one()


async def site_texts(session: AsyncSession) -> dict[str, str]:
    """Return the stored texts of the pages about the shop, by name."""
    return {row.name: row.body for row in (await session.scalars(select(SiteText))).all()}


def _texts(values: Iterable[str]) -> BindParameter[Sequence[str]]:
    # One parameter, so that the statement is the same for any number of values.
    return bindparam(None, sorted(values), type_=ARRAY(Text), unique=True)
