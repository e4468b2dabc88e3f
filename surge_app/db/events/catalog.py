"""Queries over events and tiers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import ScalarSelect, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from surge_app.db.engine import locked
from surge_app.models import Event, EventCover, EventPhase, SiteText, Tier


async def events(session: AsyncSession, *, with_drafts: bool = False) -> Sequence[Event]:
    """Return events, the soonest first."""
    query = select(Event).order_by(col(Event.starts_at), col(Event.slug))
    if not with_drafts:
        query = query.where(col(Event.phase) != EventPhase.DRAFT)
    return (await session.scalars(query)).all()


async def event_by_slug(
    session: AsyncSession, slug: str, *, for_update: bool = False
) -> Event | None:
    """Return an event, locked for a change if asked."""
    query = select(Event).where(col(Event.slug) == slug)
    return await session.scalar(locked(query) if for_update else query)


def id_of(slug: str) -> ScalarSelect[str]:
    """Return the id of an event as a part of another question."""
    return select(col(Event.id)).where(col(Event.slug) == slug).scalar_subquery()


async def event_by_id(session: AsyncSession, event_id: str) -> Event:
    """Return the event a foreign key points to."""
    return (await session.scalars(select(Event).where(col(Event.id) == event_id))).one()


async def cover_digests(session: AsyncSession) -> dict[str, str]:
    """Return what names the picture of each event that has one, by event."""
    result = await session.execute(select(col(EventCover.event_id), col(EventCover.digest)))
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
        .where(col(Tier.event_id).in_(list(event_ids)))
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
