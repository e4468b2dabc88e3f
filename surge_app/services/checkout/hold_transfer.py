"""Bind a hold to the visitor to whom its place has moved."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.checkout import intents as queries
from surge_app.db.engine import Database
from surge_app.db.events import units
from surge_app.models import IntentStatus


async def move_hold(database: Database, slug: str, from_id: str, to_id: str) -> None:
    """Bind what one visitor holds to another; repeating it changes nothing.

    A visitor with something of their own keeps that: no one has two holds for an event.
    """
    async with database.transaction() as session:
        await _move_hold(session, slug, from_id, to_id)


async def _move_hold(session: AsyncSession, slug: str, from_id: str, to_id: str) -> None:
    live = await queries.live_of(session, slug, (from_id, to_id))
    moving = next((intent for intent in live if intent.visitor_id == from_id), None)
    if moving is None:
        return
    if len(live) == 1:
        moving.visitor_id = to_id
    elif moving.status == IntentStatus.HELD:
        await queries.end(session, [moving.id], IntentStatus.RELEASED)
        await units.release(session, [moving.id])
