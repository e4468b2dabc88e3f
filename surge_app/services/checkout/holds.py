"""Starting holds: concurrent callers share one pass check and one transaction.

A hold is granted whole or not at all, and no buyer reads "sold out" while a ticket may come back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from surge_app.clock import new_id, utc_now
from surge_app.db.checkout import holds as queries
from surge_app.db.engine import Database
from surge_app.db.group_commit import Batcher
from surge_app.errors import (
    BuyerLimit,
    InvalidRequest,
    NotAdmitted,
    NotOnSale,
    QuantityNotAllowed,
    RateLimited,
)
from surge_app.languages import N_, gettext as _, ngettext
from surge_app.models import Intent
from surge_app.services.checkout import claims
from surge_app.services.checkout.hold_transfer import move_hold
from surge_app.services.checkout.shortages import shortage_error
from surge_app.services.checkout.views import IntentLineView, IntentView, OrderLine
from surge_app.services.events.views import Offer, TierOffer
from surge_app.services.waiting_room.redis_sync import LEASE_SLACK
from surge_app.services.waiting_room.service import WaitingRoom

_MAX_BATCH = 200
_NETWORK_PAUSE_SECONDS = 5
_MAX_CONCURRENT = 2


class Holds:
    """Starts holds for visitors whose turn it is."""

    def __init__(
        self, database: Database, waiting_room: WaitingRoom, *, network_percent: int
    ) -> None:
        self._database = database
        self._network_percent = network_percent
        self._waiting_room = waiting_room
        # Only where to look first; a tier whose number is lost or wrong is searched whole.
        self._unit_hints: dict[str, int] = {}
        self._batcher: Batcher[queries.HoldRequest, queries.HoldAnswer] = Batcher(
            self._hold_batch, max_batch=_MAX_BATCH, max_concurrent=_MAX_CONCURRENT
        )

    async def start(
        self, event: Offer, visitor_id: str, selection: Sequence[OrderLine], network: str | None
    ) -> IntentView | None:
        """Hold tickets at the prices of `event`, which are frozen by this.

        Args:
            event: At most a second old.
            selection: Normalized and checked, see `check_selection`.
            network: Where the visitor comes from; None is not counted.

        Returns:
            The new intent, or None if the visitor has a live one for this event.

        Raises:
            NotAdmitted: If it is not the visitor's turn.
            SoldOut: If a tier can never serve the selection.
            AllHeld: If it could, once others let go.
            NotEnoughLeft: If fewer are free; see `shortage`.
            QueueUnavailable: If the queue does not answer.
        """
        if not await self._waiting_room.has_pass(event.slug, visitor_id):
            raise NotAdmitted
        view = await claims.retry_contended(
            lambda: self._hold(event, visitor_id, selection, network)
        )
        if view is not None:
            await self._keep_pass(event, visitor_id)
        return view

    async def _keep_pass(self, event: Offer, visitor_id: str) -> None:
        lease = timedelta(seconds=event.hold_seconds) + LEASE_SLACK
        successor = await self._waiting_room.keep_for_hold(event.slug, visitor_id, lease=lease)
        if successor is not None:
            # The hold goes where the place went while it was being made.
            await move_hold(self._database, event.slug, visitor_id, successor)
            raise NotAdmitted

    async def _hold(
        self, event: Offer, visitor_id: str, selection: Sequence[OrderLine], network: str | None
    ) -> IntentView | None:
        request = self._request(event, visitor_id, selection, network)
        answer = await self._batcher.submit(request)
        if isinstance(answer, queries.HoldGranted):
            return _view(event, request, answer)
        if isinstance(answer, queries.HoldExists):
            return None
        if isinstance(answer, queries.HoldCrowded):
            await self._waiting_room.step_aside(event.slug, visitor_id)
            raise network_is_full()
        if answer.is_contended:
            raise claims.LockContended
        raise shortage_error(answer.tier_id, free=answer.free, is_held=answer.is_held)

    def _request(
        self, event: Offer, visitor_id: str, selection: Sequence[OrderLine], network: str | None
    ) -> queries.HoldRequest:
        prices = {tier.id: tier.price_paise for tier in event.tiers}
        subtotal = subtotal_paise(event, selection)
        return queries.HoldRequest(
            id=new_id(),
            event_id=event.id,
            visitor_id=visitor_id,
            subtotal_paise=subtotal,
            fee_paise=fee_paise(event, subtotal),
            currency=event.currency,
            hold_seconds=event.hold_seconds,
            lines=tuple(
                queries.HoldRequestLine(
                    new_id(),
                    line.tier_id,
                    line.quantity,
                    prices[line.tier_id],
                    next_unit_hint=self._unit_hints.get(line.tier_id, -1),
                )
                for line in selection
            ),
            network=network,
        )

    async def _hold_batch(
        self, requests: Sequence[queries.HoldRequest]
    ) -> Sequence[queries.HoldAnswer]:
        answers = await queries.hold(
            self._database, requests, network_percent=self._network_percent
        )
        for request, answer in zip(requests, answers, strict=True):
            if isinstance(answer, queries.HoldGranted):
                for line, number in zip(request.lines, answer.next_unit_hint, strict=True):
                    self._unit_hints[line.tier_id] = number
        return answers


def network_is_full() -> RateLimited:
    """Return the refusal of a hold from a network that holds its share of the event unpaid."""
    error = RateLimited(_NETWORK_PAUSE_SECONDS)
    error.message = N_(
        "Many people on your network are buying right now. Your turn is safe. Try again in a few "
        "seconds."
    )
    return error


async def require_network_room(
    session: AsyncSession, intent: Intent, selection: Sequence[OrderLine], *, percent: int | None
) -> None:
    """Refuse an exchange that would let a network hold more than its share; raises RateLimited."""
    if intent.network is None or percent is None:
        return
    has_room = await queries.network_has_room(
        session,
        intent_id=intent.id,
        event_id=intent.event_id,
        network=intent.network,
        percent=percent,
        wanted=sum(line.quantity for line in selection),
    )
    if not has_room:
        raise network_is_full()


def merge_lines(lines: Sequence[OrderLine]) -> list[OrderLine]:
    """Add up lines of the same tier and put them in the order in which tiers are claimed.

    Raises:
        InvalidRequest: If nothing is wanted.
    """
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.tier_id] = wanted.get(line.tier_id, 0) + line.quantity
    selection = [
        OrderLine(tier_id, quantity) for tier_id, quantity in sorted(wanted.items()) if quantity > 0
    ]
    if not selection or any(line.quantity < 0 for line in lines):
        raise InvalidRequest(_("Choose at least one ticket."))
    return selection


def check_on_sale(event: Offer) -> None:
    """Refuse to sell after the end of a sale; raises NotOnSale.

    The claim decides whether it is sold out, and the queue whether it is open, which
    gives no pass before.
    """
    if event.is_cancelled or utc_now() >= event.closes_at:
        raise NotOnSale(status="cancelled" if event.is_cancelled else "ended")


def check_selection(event: Offer, selection: Sequence[OrderLine]) -> None:
    """Check a normalized selection against the limits and windows of its tiers.

    Raises:
        InvalidRequest: If a tier is not known.
        NotOnSale: If a tier is not on sale now.
        QuantityNotAllowed: If a tier wants more or fewer in one booking.
        PersonLimit: If it is more than one person may buy.
    """
    tiers = {tier.id: tier for tier in event.tiers}
    for line in selection:
        tier = tiers.get(line.tier_id)
        if tier is None:
            raise InvalidRequest(_("There is no such ticket type."))
        _check_tier(tier, line.quantity)
    if sum(line.quantity for line in selection) > event.max_per_person:
        msg = ngettext(
            "Maximum {count} ticket per person. Nothing was held. Choose fewer.",
            "Maximum {count} tickets per person. Nothing was held. Choose fewer.",
            event.max_per_person,
        )
        raise BuyerLimit(msg, max_per_person=event.max_per_person)


def offer_for_hold(
    event: Offer, held: Sequence[IntentLineView], selection: Sequence[OrderLine]
) -> Offer:
    """Return an offer for a visitor who exchanges held tickets, which count as free.

    The price of a tier they hold stays the one they were shown, and what they hold of it they
    may keep after its window has ended.
    """
    lines = {line.tier_id: line for line in held}
    wanted = {line.tier_id: line.quantity for line in selection}

    def known(tier: TierOffer) -> TierOffer:
        line = lines.get(tier.id)
        if line is None:
            return tier
        tier = replace(tier, price_paise=line.unit_price_paise)
        if wanted.get(tier.id, 0) > line.quantity:
            return tier
        return replace(tier, sales_open_at=None, sales_close_at=None)

    return replace(event, tiers=tuple(known(tier) for tier in event.tiers))


def _check_tier(tier: TierOffer, quantity: int) -> None:
    now = utc_now()
    if tier.sales_open_at is not None and now < tier.sales_open_at:
        msg = _("{tier} is not on sale yet.", tier=tier.name)
        raise NotOnSale(msg, status="scheduled", tier_id=tier.id)
    if tier.sales_close_at is not None and now >= tier.sales_close_at:
        msg = _("{tier} is no longer on sale.", tier=tier.name)
        raise NotOnSale(msg, status="ended", tier_id=tier.id)
    if quantity < tier.min_per_booking:
        msg = _(
            "{tier}: choose at least {least} tickets. Nothing was held.",
            tier=tier.name,
            least=tier.min_per_booking,
        )
        raise QuantityNotAllowed(msg, tier_id=tier.id, least=tier.min_per_booking)
    if tier.max_per_booking is not None and quantity > tier.max_per_booking:
        msg = _(
            "{tier}: at most {most} per booking. Nothing was held.",
            tier=tier.name,
            most=tier.max_per_booking,
        )
        raise QuantityNotAllowed(msg, tier_id=tier.id, max_batch=tier.max_per_booking)


def subtotal_paise(event: Offer, selection: Sequence[OrderLine]) -> int:
    """Return the current price of a selection, without the fee."""
    prices = {tier.id: tier.price_paise for tier in event.tiers}
    return sum(prices[line.tier_id] * line.quantity for line in selection)


def fee_paise(event: Offer, subtotal: int) -> int:
    """Return the convenience fee of a booking: one for each paid booking, none for a free one."""
    return event.fee_paise if subtotal else 0


def _view(event: Offer, request: queries.HoldRequest, held: queries.HoldGranted) -> IntentView:
    names = {tier.id: tier.name for tier in event.tiers}
    return IntentView(
        id=request.id,
        event_slug=event.slug,
        status="held",
        lines=tuple(
            IntentLineView(line.tier_id, names[line.tier_id], line.quantity, line.unit_price_paise)
            for line in request.lines
        ),
        subtotal_paise=request.subtotal_paise,
        fee_paise=request.fee_paise,
        total_paise=request.subtotal_paise + request.fee_paise,
        currency=request.currency,
        expires_at=held.expires_at,
        remaining_seconds=request.hold_seconds,
        booking_ref=None,
        name="",
        email="",
        phone="",
    )
