"""The right to shop as an organizer sees it: who has it, how a number stands, taking it back."""

from __future__ import annotations

from dataclasses import dataclass

from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.errors import NotFound
from surge_app.models import LIVE_INTENT_STATUSES, AuditEntry, IntentStatus
from surge_app.services.checkout.intents import Intents
from surge_app.services.waiting_room.service import WaitingRoom


@dataclass(frozen=True, slots=True)
class ActivePass:
    """Who has the right to shop now, and how many of them hold tickets or pay."""

    passes: int
    called: int
    held: int
    paying: int


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """How one number stands, and what whoever came in by it has.

    Attributes:
        place: inside, called, waiting, absent (passed over, may still come back), served, left or
            unknown (not given out).
        ahead: How many go first; waiting in an order that is known only.
        tickets: How many are held or being paid for.
        is_paying: Whether they are being paid for.
        visitor_id: Who came in by it; empty unless that is known.
    """

    place: str
    ahead: int | None = None
    tickets: int = 0
    is_paying: bool = False
    visitor_id: str = ""


class Passes:
    """Looks at passes, and ends them."""

    def __init__(self, database: Database, waiting_room: WaitingRoom, intents: Intents) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._intents = intents

    async def inside(self, slug: str) -> ActivePass:
        """Return whom `revoke` would meet; raises NotFound and LineUnavailable."""
        event_id = await self._event_id(slug)
        async with self._database.transaction() as session:
            live = await intent_queries.live_counts(session, event_id)
        line = await self._waiting_room.stats(slug)
        return ActivePass(
            passes=line.inside,
            called=line.called,
            held=live.get(IntentStatus.HELD, 0),
            paying=live.get(IntentStatus.PAYING, 0),
        )

    async def standing(self, slug: str, number: int, *, visitor_id: str = "") -> QueueStanding:
        """Say how one number stands.

        Args:
            slug: The event.
            number: As it was given out in line.
            visitor_id: Who came in by it, where the line does not know any more.

        Raises:
            NotFound: If there is no such event.
            LineUnavailable: If the line does not answer.
        """
        event_id = await self._event_id(slug)
        found = await self._waiting_room.locate(slug, number)
        visitor_id = found.visitor_id or visitor_id
        async with self._database.transaction() as session:
            intent = await intent_queries.latest(session, event_id=event_id, visitor_id=visitor_id)
            tickets = 0
            if intent is not None and intent.status in LIVE_INTENT_STATUSES:
                lines = await intent_queries.lines(session, intent.id)
                tickets = sum(line.quantity for line, _ in lines)
        return QueueStanding(
            place=found.status,
            ahead=found.ahead,
            tickets=tickets,
            is_paying=intent is not None and intent.status == IntentStatus.PAYING,
            visitor_id=visitor_id,
        )

    async def revoke(self, slug: str, number: int | None, *, actor: str) -> int:
        """Take the right to shop from one number, or from everybody inside or called if None.

        What they hold and are not paying for goes back to everyone.

        Returns:
            How many passes ended.

        Raises:
            NotFound: If there is no such event.
            LineUnavailable: If the line does not answer.
        """
        await self._event_id(slug)
        visitors = await self._waiting_room.revoke(slug, number)
        for visitor_id in visitors:
            await self._intents.release_live(slug, visitor_id)
        async with self._database.transaction() as session:
            session.add(
                AuditEntry(
                    actor=actor,
                    action="queue.revoke",
                    subject=slug,
                    after={"number": number or "all", "passes": len(visitors)},
                )
            )
        return len(visitors)

    async def _event_id(self, slug: str) -> str:
        async with self._database.transaction() as session:
            event = await catalog_queries.event_by_slug(session, slug)
        if event is None:
            raise NotFound
        return event.id
