"""Intents: holding tickets for a few minutes. Postgres decides deadlines, the queue admission."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.db.checkout import intents as queries
from surge_app.db.engine import Database
from surge_app.db.events import catalog as catalog_queries, units
from surge_app.db.payments import gateway_outages as outage_queries
from surge_app.errors import IntentExists, IntentExpired, NotFound, PaymentStarted
from surge_app.kv.rate_limits import Limit, RateLimiter, networks
from surge_app.models import Event, Intent, IntentLine, IntentStatus
from surge_app.observability import tracing
from surge_app.observability.log import get_logger
from surge_app.observability.metrics import HOLDS, by_outcome
from surge_app.services.checkout import claims, holds
from surge_app.services.checkout.free_tickets import FreeTickets
from surge_app.services.checkout.holds import Holds
from surge_app.services.checkout.views import IntentView, OrderLine, line_views
from surge_app.services.events.catalog import Catalog
from surge_app.services.events.views import Offer
from surge_app.services.vendors.circuit_breaker import CircuitBreaker
from surge_app.services.waiting_room.redis_sync import LEASE_SLACK
from surge_app.services.waiting_room.service import WaitingRoom

_log = get_logger(__name__)

_HOLDS = Limit("hold-visitor", per_minute=60, burst=30)
_SWEEP_BATCH = 500
_MAX_ATTEMPTS = 2
_LIVE = {IntentStatus.HELD, IntentStatus.PAYING}


class Intents:
    """Starts, changes, keeps and ends holds."""

    def __init__(
        self,
        database: Database,
        waiting_room: WaitingRoom,
        catalog: Catalog,
        breaker: CircuitBreaker,
        limits: RateLimiter,
        free_tickets: FreeTickets,
        *,
        network_percent: int | None = None,
    ) -> None:
        self._database = database
        self._waiting_room = waiting_room
        self._catalog = catalog
        self._holds = Holds(database, waiting_room, network_percent=network_percent or 100)
        self._network_percent = network_percent
        self._breaker = breaker
        self._limits = limits
        self._free_tickets = free_tickets

    @tracing.traced("hold")
    @by_outcome(HOLDS)
    async def start(
        self,
        slug: str,
        visitor_id: str,
        lines: Sequence[OrderLine],
        *,
        client_address: str | None = None,
    ) -> tuple[IntentView, bool]:
        """Hold tickets for a visitor who has a pass.

        Repeating the same selection returns the existing hold, with its deadline.

        Returns:
            The intent, and whether it is new.

        Raises:
            NotAdmitted: If it is not the visitor's turn.
            IntentExists: If the visitor holds something else for this event.
            RateLimited: If the visitor holds and changes too often.
            SurgeError: Sold out, all held, not enough left, not on sale, too many, unknown.
        """
        await self._limits.check(_HOLDS, visitor_id)
        selection = holds.merge_lines(lines)
        event = await self._catalog.offer(slug)
        holds.check_on_sale(event)
        holds.check_selection(event, selection)
        await self._free_tickets.check(event, selection, client_address)
        is_counted = client_address is not None and self._network_percent is not None
        network = networks(client_address or "").wide if is_counted else None
        for _ in range(_MAX_ATTEMPTS):
            if view := await self._holds.start(event, visitor_id, selection, network):
                prices = ("subtotal_paise", "fee_paise", "total_paise")
                amounts = {name: getattr(view, name) for name in prices}
                _log.info("fee_calculated", intent=view.id, event_slug=slug, **amounts)
                if await self._breaker.is_open():
                    view = await self.get(view.id, visitor_id)
                return view, True
            if view := await self._same_live(event, visitor_id, selection):
                return view, False
            # What was in the way had ended; now nothing is.
        raise IntentExists

    async def change(
        self,
        intent_id: str,
        visitor_id: str,
        lines: Sequence[OrderLine],
        *,
        client_address: str | None = None,
    ) -> IntentView:
        """Exchange the tickets of a hold, all or nothing; the deadline stays.

        Raises:
            IntentExpired: If the time is over; the old units are free again.
            PaymentStarted: If the price is at the gateway already.
            SurgeError: As `start`; the old lines are then untouched.
        """
        await self._limits.check(_HOLDS, visitor_id)
        selection = holds.merge_lines(lines)
        view = await self.get(intent_id, visitor_id)
        event = holds.offer_for_hold(
            await self._catalog.offer(view.event_slug), view.lines, selection
        )
        holds.check_on_sale(event)
        holds.check_selection(event, selection)
        await self._free_tickets.check(event, selection, client_address)
        return await claims.retry_contended(
            lambda: self._change(event, intent_id, visitor_id, selection)
        )

    async def _change(
        self, event: Offer, intent_id: str, visitor_id: str, selection: Sequence[OrderLine]
    ) -> IntentView:
        async with self._database.transaction() as session:
            intent, _ = await _own(session, intent_id, visitor_id, for_update=True)
            is_over, is_ended = await self._end_if_overdue(session, intent)
            if not is_over:
                if intent.status == IntentStatus.PAYING:
                    raise PaymentStarted
                await units.release(session, [intent.id])
                await queries.delete_lines(session, intent.id)
                _price_anew(intent, event, selection)
                session.add_all(_intent_lines(event, intent.id, selection))
                await session.flush()
                await holds.require_network_room(
                    session, intent, selection, percent=self._network_percent
                )
                await claims.claim(session, intent_id=intent.id, lines=selection)
            view = await intent_view(session, intent, event.slug)
        if is_ended:
            await self._waiting_room.end_hold(event.slug, [visitor_id])
        if is_over:
            raise IntentExpired
        return view

    async def get(self, intent_id: str, visitor_id: str) -> IntentView:
        """Return a visitor's own intent.

        Raises:
            NotFound: If there is none with this id, or it is someone else's.
        """
        async with self._database.transaction() as session:
            at = await outage_queries.hold_time(session)
            intent, event = await _own(session, intent_id, visitor_id)
            return await intent_view(session, intent, event.slug, at=at)

    async def latest(self, slug: str, visitor_id: str) -> IntentView | None:
        """Return the visitor's live intent for an event, or else the most recent one."""
        intent_id = await queries.latest_id(self._database, slug, visitor_id)
        # Most who open the checkout have none; they cost this one question.
        return None if intent_id is None else await self.get(intent_id, visitor_id)

    async def heartbeat(self, intent_id: str, visitor_id: str) -> IntentView:
        """Return how long the hold still lasts; asking never extends it.

        Raises:
            IntentExpired: If the time is over; the units are free again.
            NotFound: If it is not the visitor's own.
        """
        async with self._database.transaction() as session:
            intent, event = await _own(session, intent_id, visitor_id, for_update=True)
            _, is_ended = await self._end_if_overdue(session, intent)
            view = await intent_view(session, intent, event.slug)
        if is_ended:
            await self._waiting_room.end_hold(event.slug, [visitor_id])
        if view.is_live:
            lease = timedelta(seconds=view.remaining_seconds) + LEASE_SLACK
            await self._waiting_room.extend_pass(event.slug, visitor_id, lease=lease)
        # An overdue payment is no expiry yet: the gateway has the last word and is being asked.
        elif view.status not in {IntentStatus.CONFIRMED, IntentStatus.PAYING}:
            raise IntentExpired
        return view

    async def release(self, intent_id: str, visitor_id: str) -> None:
        """Give held tickets back at once. Money that still arrives is dealt with by `settle`.

        Raises:
            NotFound: If it is not the visitor's own.
        """
        async with self._database.transaction() as session:
            intent, event = await _own(session, intent_id, visitor_id, for_update=True)
            is_ended = intent.status in _LIVE
            if is_ended:
                await queries.end(session, [intent.id], IntentStatus.RELEASED)
                await units.release(session, [intent.id])
        if is_ended:
            await self._waiting_room.end_hold(event.slug, [visitor_id])
        _log.info("intent_released", intent=intent_id, event_slug=event.slug)

    async def release_live(self, slug: str, visitor_id: str) -> None:
        """Give back what a visitor holds of an event, unless the payment has started."""
        view = await self.latest(slug, visitor_id)
        if view is not None and view.status == IntentStatus.HELD:
            await self.release(view.id, visitor_id)

    async def expire_due(self, *, paying_slack: timedelta) -> int:
        """End every hold that is past its deadline and give its units back.

        Args:
            paying_slack: How long a paying intent is kept for the gateway's answer.

        Returns:
            How many were ended.
        """
        total = 0
        while count := await self._expire_batch(paying_slack):
            total += count
            if count < _SWEEP_BATCH:
                break
        return total

    async def _expire_batch(self, paying_slack: timedelta) -> int:
        async with self._database.transaction() as session:
            due = await queries.due(session, limit=_SWEEP_BATCH, slack=paying_slack)
            ended = await _expire(session, due)
        if due:
            _log.info("intents_expired", count=len(due))
        await self._end_holds(ended)
        return len(due)

    async def expire(self, intent_id: str) -> None:
        """End one overdue intent the gateway knows no payment of."""
        async with self._database.transaction() as session:
            intent = await queries.by_id(session, intent_id, for_update=True)
            now = await queries.hold_now(session)
            is_due = intent is not None and intent.status in _LIVE and intent.expires_at <= now
            ended = await _expire(session, [intent] if intent is not None and is_due else [])
        await self._end_holds(ended)

    async def _end_holds(self, ended: Mapping[str, Sequence[str]]) -> None:
        for slug, visitor_ids in ended.items():
            await self._waiting_room.end_hold(slug, visitor_ids)

    async def _same_live(
        self, event: Offer, visitor_id: str, selection: Sequence[OrderLine]
    ) -> IntentView | None:
        """Return the live intent that stands in the way, None if its time is over."""
        async with self._database.transaction() as session:
            found = await queries.latest(session, event_id=event.id, visitor_id=visitor_id)
            intent = found and await queries.by_id(session, found.id, for_update=True)
            is_over, is_ended, view = True, False, None
            if intent is not None:
                is_over, is_ended = await self._end_if_overdue(session, intent)
                view = await intent_view(session, intent, event.slug)
        if is_ended:
            await self._waiting_room.end_hold(event.slug, [visitor_id])
        if view is None or is_over:
            return None
        held = {line.tier_id: line.quantity for line in view.lines}
        if held != {line.tier_id: line.quantity for line in selection}:
            raise IntentExists(intent_id=view.id)
        return view

    async def _end_if_overdue(self, session: AsyncSession, intent: Intent) -> tuple[bool, bool]:
        """Return whether a hold is over, and whether this call has ended it."""
        if intent.status not in _LIVE:
            return True, False
        if intent.expires_at > await queries.hold_now(session):
            return False, False
        is_ended = intent.status == IntentStatus.HELD
        await _expire(session, [intent] if is_ended else [])
        return True, is_ended


async def _expire(session: AsyncSession, intents: Sequence[Intent]) -> dict[str, list[str]]:
    """End holds inside the caller's transaction; return their visitors by the event's slug."""
    ended: dict[str, list[str]] = {}
    if not intents:
        return ended
    slugs = {
        event_id: (await catalog_queries.event_by_id(session, event_id)).slug
        for event_id in {intent.event_id for intent in intents}
    }
    for intent in intents:
        ended.setdefault(slugs[intent.event_id], []).append(intent.visitor_id)
    ids = [intent.id for intent in intents]
    await queries.end(session, ids, IntentStatus.EXPIRED)
    await units.release(session, ids)
    return ended


async def intent_view(
    session: AsyncSession, intent: Intent, slug: str, *, at: outage_queries.HoldTime | None = None
) -> IntentView:
    """Project an intent with its lines, its remaining seconds and its booking.

    Args:
        intent: Locked; or read after `at`, as a deadline may be shifted between the two.
        at: The moment by the clock of holds; None asks for it.
    """
    rows = await queries.lines(session, intent.id)
    time = at or await outage_queries.hold_time(session)
    is_confirmed = intent.status == IntentStatus.CONFIRMED
    ref = await queries.booking_ref(session, intent.id) if is_confirmed else None
    view = _view(intent, slug, rows, now=time.now, booking_ref=ref)
    is_live = intent.status in _LIVE
    return replace(
        view, payments_paused=is_live and time.is_out, clock_stopped=is_live and time.is_stopped
    )


def _view(
    intent: Intent,
    slug: str,
    rows: Sequence[tuple[IntentLine, str]],
    *,
    now: datetime,
    booking_ref: str | None = None,
) -> IntentView:
    # Rounded up: 0 means that the time is over, and not a moment before.
    left = math.ceil((intent.expires_at - now).total_seconds()) if intent.status in _LIVE else 0
    return IntentView(
        id=intent.id,
        event_slug=slug,
        status=str(intent.status),
        lines=line_views(rows),
        subtotal_paise=intent.subtotal_paise,
        fee_paise=intent.fee_paise,
        total_paise=intent.total_paise,
        currency=intent.currency,
        expires_at=intent.expires_at,
        remaining_seconds=max(0, left),
        booking_ref=booking_ref,
        name=intent.name or "",
        email=intent.email or "",
        phone=intent.phone or "",
        attendees=tuple(
            (tier_id, tuple(names)) for tier_id, names in (intent.attendee_names or {}).items()
        ),
    )


def _price_anew(intent: Intent, event: Offer, selection: Sequence[OrderLine]) -> None:
    """Put the price of other tickets on an intent; the fee frozen at first stays frozen."""
    frozen = intent.fee_paise if intent.subtotal_paise else None
    intent.subtotal_paise = holds.subtotal_paise(event, selection)
    fee = holds.fee_paise(event, intent.subtotal_paise)
    intent.fee_paise = fee if frozen is None or not intent.subtotal_paise else frozen
    intent.total_paise = intent.subtotal_paise + intent.fee_paise


def _intent_lines(event: Offer, intent_id: str, selection: Sequence[OrderLine]) -> list[IntentLine]:
    prices = {tier.id: tier.price_paise for tier in event.tiers}
    return [
        IntentLine(
            intent_id=intent_id,
            tier_id=line.tier_id,
            quantity=line.quantity,
            unit_price_paise=prices[line.tier_id],
        )
        for line in selection
    ]


async def _own(
    session: AsyncSession, intent_id: str, visitor_id: str, *, for_update: bool = False
) -> tuple[Intent, Event]:
    intent = await queries.by_id(session, intent_id, for_update=for_update)
    if intent is None or intent.visitor_id != visitor_id:
        raise NotFound
    event = await catalog_queries.event_by_id(session, intent.event_id)
    return intent, event
