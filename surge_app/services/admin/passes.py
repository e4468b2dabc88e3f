"""Admission passes as an organizer sees them, and their end."""

from __future__ import annotations

from dataclasses import dataclass

from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.models import LIVE_INTENT_STATUSES, AuditEntry, IntentStatus
from surge_app.services.checkout.intents import Intents
from surge_app.services.waiting_room.service import WaitingRoom


@dataclass(frozen=True, slots=True)
class ActivePass:
    """Counts of passes in use, and of their visitors who hold tickets or pay."""

    passes: int
    called: int
    held: int
    paying: int


@dataclass(frozen=True, slots=True)
class QueueStanding:
    """The state of one queue number and of its visitor's tickets.

    Attributes:
        place: inside, called, waiting, absent (skipped, may come back), served, left or unknown
            (not issued).
        ahead: How many are ahead; None unless the number waits in a known order.
        tickets: How many are held or being paid for.
        visitor_id: Empty unless it is known.
    """

    status: str
    ahead: int | None = None
    tickets: int = 0
    is_paying: bool = False
    visitor_id: str = ""


class Passes:
    """Shows passes, and ends them."""

    def __init__(self, database: Database, waiting_room: WaitingRoom, intents: Intents) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._intents = intents

    async def inside(self, slug: str) -> ActivePass:
        """Return what `revoke` would end; raises NotFound and QueueUnavailable."""
        event_id = await self._event_id(slug)
        async with self._database.transaction() as session:
            live = await intent_queries.live_counts(session, event_id)
        counts = await self._waiting_room.stats(slug)
        return ActivePass(
            passes=counts.inside,
            called=counts.called,
            held=live.get(IntentStatus.HELD, 0),
            paying=live.get(IntentStatus.PAYING, 0),
        )

    async def standing(self, slug: str, number: int, *, visitor_id: str = "") -> QueueStanding:
        """Return the state of one queue number.

        Args:
            number: As it was issued.
            visitor_id: Its visitor, where Redis does not hold it any more.

        Raises:
            NotFound: If there is no such event.
            QueueUnavailable: If the waiting room does not respond.
        """
        event_id = await self._event_id(slug)
        found = await self._waiting_room.locate(slug, number)
        visitor_id = found.visitor_id or visitor_id
        async with self._database.transaction() as session:
            intent = await intent_queries.latest(session, event_id=event_id, visitor_id=visitor_id)
            tickets = 0
            if intent is not None and intent.status in LIVE_INTENT_STATUSES:
                lines = await intent_queries.lines(session, intent.id)
                tickets = sum(counts.quantity for counts, _ in lines)
        return QueueStanding(
            status=found.status,
            ahead=found.ahead,
            tickets=tickets,
            is_paying=intent is not None and intent.status == IntentStatus.PAYING,
            visitor_id=visitor_id,
        )

    async def revoke(self, slug: str, number: int | None, *, actor: str) -> int:
        """End the pass of one number, or every pass in use if None.

        Their held tickets go back on sale, unless they are being paid for.

        Returns:
            The number of passes that ended.

        Raises:
            NotFound: If there is no such event.
            QueueUnavailable: If the waiting room does not respond.
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
            event = await catalog_queries.require_event(session, slug)
        return event.id
