"""Holds that ended without tickets: their buyers, and holding the same tickets again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.admin import hold_recovery as queries
from surge_app.db.checkout import intents as intent_queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries
from surge_app.db.payments import payment_start
from surge_app.db.payments.payment_start import Buyer
from surge_app.errors import BuyerLimit, IntentExists, NotFound, NotOnSale, NotRestorable
from surge_app.languages import gettext as _
from surge_app.models import AuditEntry, Event, EventPhase, Intent, IntentLine, IntentStatus
from surge_app.observability.log import get_logger
from surge_app.services.checkout import claims
from surge_app.services.checkout.intents import intent_view
from surge_app.services.checkout.views import (
    IntentPage,
    IntentView,
    ListedIntent,
    OrderLine,
    line_views,
)
from surge_app.services.events.catalog import Catalog, sale_window
from surge_app.services.waiting_room.redis_sync import LEASE_SLACK
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_ENDED = {IntentStatus.EXPIRED, IntentStatus.RELEASED}


class HoldRecovery:
    """Lists intents for an organizer, and holds the units of ended ones again."""

    def __init__(self, database: Database, catalog: Catalog, waiting_room: WaitingRoom) -> None:
        self._database = database
        self._catalog = catalog
        self._waiting_room = waiting_room

    async def list(
        self, slug: str, *, status: str, before: str | None = None, limit: int
    ) -> IntentPage:
        """Return intents of an event with their buyers, the newest first.

        Raises:
            NotFound: If there is no such event.
        """
        async with self._database.transaction() as session:
            event = await catalog_queries.require_event(session, slug)
            found = await queries.listed(
                session,
                event_id=event.id,
                status=IntentStatus(status),
                before=before,
                limit=limit + 1,
            )
            shown = found[:limit]
            lines = await intent_queries.lines_of(session, [intent.id for intent in shown])
        return IntentPage(
            intents=tuple(_listed(intent, lines.get(intent.id, [])) for intent in shown),
            next_before=shown[-1].id if len(found) > limit else None,
        )

    async def restore(self, intent_id: str, *, actor: str) -> IntentView:
        """Hold the units of an ended intent again, all or nothing, at the price it froze.

        It is held or paying as before, with a new deadline and its old order. The visitor gets
        an admission pass without queueing. The window of a tier does not matter, the end of the
        sale does.

        Raises:
            AllHeld: If its units are held by others.
            IntentExists: If the visitor has another live hold of this event.
            NotEnoughLeft: If fewer of its units are free.
            NotFound: If there is no such intent.
            NotOnSale: If the sale is over.
            NotRestorable: If it has not ended, became a booking, or its money went back.
            PersonLimit: If the buyer has too many tickets by now.
            SoldOut: If its units are sold.
        """
        view, event, visitor_id = await claims.retry_contended(
            lambda: self._restore(intent_id, actor)
        )
        lease = timedelta(seconds=view.remaining_seconds) + LEASE_SLACK
        await self._waiting_room.grant_pass(event.slug, visitor_id, lease=lease)
        self._catalog.invalidate()
        _log.info("intent_revived", intent=intent_id, event_slug=event.slug)
        return view

    async def _restore(self, intent_id: str, actor: str) -> tuple[IntentView, Event, str]:
        try:
            async with self._database.transaction() as session:
                intent = await intent_queries.by_id(session, intent_id, for_update=True)
                if intent is None:
                    raise NotFound
                event = await catalog_queries.event_by_id(session, intent.event_id)
                await _check(session, intent, event)
                before = _facts(intent)
                seconds = event.payment_seconds if intent.paying_at else event.hold_seconds
                await queries.make_live(session, intent, window=timedelta(seconds=seconds))
                await _take_units(session, intent, event)
                session.add(
                    AuditEntry(
                        actor=actor,
                        action="intent.revive",
                        subject=event.slug,
                        before=before,
                        after=_facts(intent),
                    )
                )
                return await intent_view(session, intent, event.slug), event, intent.visitor_id
        except IntegrityError as error:
            if "uq_intents_one_live" in str(error.orig):
                raise IntentExists from error
            raise


async def _check(session: AsyncSession, intent: Intent, event: Event) -> None:
    if intent.status not in _ENDED:
        raise NotRestorable(status=str(intent.status))
    if await queries.was_refunded(session, intent.id):
        msg = _("These tickets were refunded. The buyer has to buy them again.")
        raise NotRestorable(msg, status=str(intent.status))
    now = await intent_queries.database_now(session)
    if event.phase == EventPhase.CANCELLED or now >= sale_window(event).closes_at:
        raise NotOnSale(_("The sale of this event is over."))


async def _take_units(session: AsyncSession, intent: Intent, event: Event) -> None:
    rows = await intent_queries.lines(session, intent.id)
    if intent.email and intent.phone:
        buyer = Buyer(intent.id, event.id, intent.name or "", intent.email, intent.phone)
        history = (await payment_start.purchase_histories(session, [buyer]))[intent.id]
        if history.bought + history.own > event.max_per_person:
            msg = _(
                "This buyer has {number} other tickets by now. The limit is {limit} per person.",
                number=history.bought,
                limit=event.max_per_person,
            )
            raise BuyerLimit(msg, max_per_person=event.max_per_person)
    wanted = [OrderLine(line.tier_id, line.quantity) for line, _ in rows]
    await claims.claim(session, intent_id=intent.id, lines=wanted)


def _facts(intent: Intent) -> dict[str, object]:
    return {
        "intent_id": intent.id,
        "status": str(intent.status),
        "expires_at": intent.expires_at.isoformat(),
    }


def _listed(intent: Intent, rows: Sequence[tuple[IntentLine, str]]) -> ListedIntent:
    return ListedIntent(
        id=intent.id,
        status=str(intent.status),
        lines=line_views(rows),
        total_paise=intent.total_paise,
        currency=intent.currency,
        name=intent.name or "",
        email=intent.email or "",
        phone=intent.phone or "",
        order_id=intent.order_id,
        created_at=intent.created_at,
        expires_at=intent.expires_at,
        ended_at=intent.ended_at,
    )
